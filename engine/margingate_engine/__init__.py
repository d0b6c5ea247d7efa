"""The arithmetic of the margin check: pure functions of immutable values, no I/O, no clock."""
