"""The door between decimal text on the wire and exact numbers."""

import re
from decimal import Decimal

from margingate_engine.core.errors import InvalidInput

_GRAMMAR = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?")
_LENGTH_MAX = 38


def parse_decimal(text: str, field: str) -> Decimal:
    """The number; InvalidInput naming the field when the text is not of the grammar."""
    if len(text) > _LENGTH_MAX or _GRAMMAR.fullmatch(text) is None:
        raise InvalidInput(field, "must be a decimal number: -?digits(.digits), 18 each at most")
    return Decimal(text)


def parse_positive(text: str, field: str) -> Decimal:
    """A number above zero."""
    number = parse_decimal(text, field)
    if number <= 0:
        raise InvalidInput(field, "must be positive")
    return number


def parse_price(text: str, field: str) -> Decimal:
    """A number that is not negative."""
    number = parse_decimal(text, field)
    if number < 0:
        raise InvalidInput(field, "must not be negative")
    return number


def decimal_text(units: int, decimal_places: int) -> str:
    """Exact text of `units` x 10^-decimal_places, without trailing zeros."""
    whole, fraction = divmod(abs(units), 10**decimal_places)
    sign = "-" if units < 0 else ""
    digits = f"{fraction:0{decimal_places}d}".rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def usd_text(micro: int) -> str:
    """Text of an amount in 1e-6 USD."""
    return decimal_text(micro, 6)


def ratio_text(ppm: int) -> str:
    """Text of a fraction in 1e-6."""
    return decimal_text(ppm, 6)


def asset_text(asset: str, units: int) -> str:
    """Text of an amount in the units of its asset."""
    return decimal_text(units, 6 if asset == "USD" else 12)


def nano_text(nano: int) -> str:
    """Text of a price or size in 1e-9."""
    return decimal_text(nano, 9)
