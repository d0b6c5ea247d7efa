"""Market data sources behind one Protocol."""
