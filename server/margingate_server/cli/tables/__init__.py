"""Answers as tables for people. Programs use --json: here amounts are shortened."""
