"""The venue itself: Deribit's public JSON-RPC API over a websocket."""
