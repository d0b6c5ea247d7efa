"""Events, account state, the store."""
