"""Margin of yesterday's knowledge against what a portfolio then lost, day after day. [VAR-21]"""
