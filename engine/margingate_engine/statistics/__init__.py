"""Estimators of tails and volatility, and the tests that hold them to account."""
