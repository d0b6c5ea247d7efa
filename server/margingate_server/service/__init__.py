"""Use cases: no grpc, no files, no threads."""
