"""Margin models, one methodology a file."""
