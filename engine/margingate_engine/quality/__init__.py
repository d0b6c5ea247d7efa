"""Which prices of an update may be taken, and what is put up for those that are not certain."""
