"""Requirements of portfolios by published SPAN files, without a server."""
