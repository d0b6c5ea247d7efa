"""Rules-based margin: strategies recognised in a book, each with a requirement of its own."""
