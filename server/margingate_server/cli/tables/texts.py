"""Numbers and times as people read them."""

from decimal import Context, Decimal, InvalidOperation

from margingate_server.client import Timestamp

NONE = "–"
_CENT = Decimal("0.01")


def money_text(amount: str) -> str:
    """Decimal text with thousands set apart and two places, or in full where two would hide it."""
    try:
        number = Decimal(amount)
    except InvalidOperation:
        return amount or NONE
    if number and abs(number) < _CENT:
        return f"{number:f}"
    return f"{number:,.2f}"


def change_text(before: str, after: str) -> str:
    """`after` less `before`, with its sign."""
    try:
        change = Decimal(after) - Decimal(before)
    except InvalidOperation:
        return NONE
    return ("+" if change > 0 else "") + money_text(str(change))


def price_text(price: float) -> str:
    """A price with as many places as it needs, at most eight."""
    return f"{price:,.8f}".rstrip("0").rstrip(".")


def average_text(price: str) -> str:
    """An average price to ten digits: what is beyond comes from the ledger's rounding."""
    return f"{Decimal(price).normalize(Context(prec=10)):,f}" if price else ""


def time_text(time: Timestamp) -> str:
    """UTC to the millisecond."""
    return f"{time.ToDatetime():%Y-%m-%d %H:%M:%S.%f}"[:-3] + "Z"


def second_text(time: Timestamp) -> str:
    """UTC to the second, where a millisecond would widen a table for nothing."""
    return f"{time.ToDatetime():%Y-%m-%d %H:%M:%S}Z"


def words(name: str) -> str:
    """An enum's or component's name as words: "SCAN_RISK" is "scan risk"."""
    return name.lower().replace("_", " ")
