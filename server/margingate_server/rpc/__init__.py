"""The only importer of grpc and of generated stubs on the server's side."""
