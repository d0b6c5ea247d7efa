"""Published numbers against the engine: read documents of cases, run them, compare."""
