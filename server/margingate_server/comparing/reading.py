"""Values of a TOML document; InvalidInput says what is wrong with them."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import cast

from margingate_engine.core.errors import InvalidInput


def only(
    raw: Mapping[str, object], path: str, *, required: Collection[str], optional: Collection[str]
) -> None:
    """Refuse a table that lacks a name or has one that means nothing. path: with its dot."""
    for name in sorted(set(required) - raw.keys()):
        raise InvalidInput(f"{path}{name}", "is missing")
    for name in sorted(raw.keys() - {*required, *optional}):
        raise InvalidInput(f"{path}{name}", "means nothing here")


def table_of(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    """A table of the document."""
    raw = document[name]
    if not isinstance(raw, dict):
        raise InvalidInput(name, "must be a table")
    return cast("Mapping[str, object]", raw)


def number(path: str, raw: object) -> Decimal:
    """A finite number."""
    if isinstance(raw, bool) or not isinstance(raw, (int, Decimal)) or not Decimal(raw).is_finite():
        raise InvalidInput(path, "must be a number")
    return Decimal(raw)


def above_zero(path: str, raw: object) -> Decimal:
    """A number above 0."""
    found = number(path, raw)
    if found <= 0:
        raise InvalidInput(path, "must be above 0")
    return found
