"""Exact amounts as the wire wants them: decimal text."""

from decimal import Decimal

Amount = str | int | Decimal
"""An exact amount. Text is sent as it is; the server says what is wrong with it."""


def amount_text(amount: Amount) -> str:
    """Decimal text of `amount`; TypeError for a float, ValueError for NaN and infinity."""
    if isinstance(amount, str):
        return amount
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal):
        raise TypeError("an amount is str, int or Decimal; a float is not exact")
    if isinstance(amount, Decimal) and not amount.is_finite():
        raise ValueError(f"{amount} is no amount")
    return format(amount, "f") if isinstance(amount, Decimal) else str(amount)


def optional_text(amount: Amount | None) -> str:
    """As `amount_text`; empty for None, which is how the wire says "not given"."""
    return "" if amount is None else amount_text(amount)
