"""A market that is computed: a fitted vol surface over an index that moves by a seed."""
