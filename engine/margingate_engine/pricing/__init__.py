"""Values of instruments, as functions of arrays."""
