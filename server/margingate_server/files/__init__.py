"""Readers of parameter files and portfolios."""
