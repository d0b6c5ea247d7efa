"""The question itself: may this account send this order?"""
