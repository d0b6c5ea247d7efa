"""The words: exact amounts, instruments, orders, risk, reasons, errors."""
