"""Metrics, logs, and the HTTP endpoint."""
