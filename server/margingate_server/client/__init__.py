"""The Python client for routers."""
