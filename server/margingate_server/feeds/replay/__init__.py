"""A recorded market, snapshot after snapshot, with accounts and orders beside it."""
