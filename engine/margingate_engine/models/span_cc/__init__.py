"""SPAN by combined commodities: published risk arrays, charges and credits by their file."""
