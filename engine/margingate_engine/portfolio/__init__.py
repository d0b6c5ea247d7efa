"""What an account holds and has on order."""
