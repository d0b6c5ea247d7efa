"""The service around the engine: ledger, feeds, gRPC, metrics, command line."""
