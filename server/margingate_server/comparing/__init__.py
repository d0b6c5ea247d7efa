"""Portfolios of files, with a market of their own, under every model: no server needed."""
