"""Ids made by the caller."""

from uuid import uuid4


def new_id(prefix: str = "") -> str:
    """A fresh id in the grammar of request and order ids: `prefix` and 32 hexadecimal digits."""
    return f"{prefix}{uuid4().hex}"
