"""Fields of a published case of strategy margin: what they say, and which may stay unread."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction

_MAGNITUDE_MAX = 18
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")

_DESCRIPTIVE = {
    *("page", "manual_page", "row", "line", "number", "index", "year", "version", "order"),
    *("delta", "gamma", "vega", "theta", "rho", "iv", "implied_vol", "vol", "sigma", "greeks"),
    *("bid", "ask", "mid", "last", "volume", "open_interest", "theoretical", "market_value"),
    *("otm", "itm", "otm_amount", "itm_amount", "intrinsic", "time_value", "moneyness"),
    *("breakeven", "max_profit", "max_loss", "mpl", "width", "notional", "contract_value"),
    *("premium_total", "total_premium", "premium_received", "premium_paid", "proceeds"),
    *("listed", "index_option", "cash_settled", "marginable", "covered", "naked"),
    *("source", "sources", "note", "notes", "meta", "tags", "references", "steps", "calculation"),
}
"""Names of what a requirement does not depend on, whatever they hold."""

SIDES = {
    **dict.fromkeys(("long", "buy", "bought"), 1),
    **dict.fromkeys(("short", "sell", "sold"), -1),
}
"""Sign of a quantity by the word of its side."""


class Unrepresentable(Exception):  # noqa: N818 - named for what it is
    """A case that this model cannot represent; its text says what stands in the way."""


def told(fields: Mapping[str, object], *names: str) -> object:
    """What stands under the first of these names that is there; None without one."""
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def words(fields: Mapping[str, object], *names: str, default: str = "") -> str:
    """What is told there as lower text without spaces around it."""
    found = told(fields, *names)
    return default if found is None else str(found).strip().lower()


def number(fields: Mapping[str, object], *names: str, default: int | None = None) -> Fraction:
    """The number under one of these names, exact; Unrepresentable when it is missing or is none.

    Text counts where it is a number: `"1,000"`, `"$2.50"`.
    """
    found = told(fields, *names)
    value = as_number(default if found is None else found)
    if value is None:
        raise Unrepresentable(f"{names[0]} is not a number")
    # An exponent of a million would be an integer of a million digits.
    if value and abs(value.adjusted()) > _MAGNITUDE_MAX:
        raise Unrepresentable(f"{names[0]} is out of range")
    return Fraction(value)


def as_number(value: object) -> Decimal | None:
    """A finite number, exact; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float | str):
        return None
    text = str(value).strip().lstrip("$")
    try:
        found = Decimal(text.replace(",", "") if _THOUSANDS.fullmatch(text) else text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def scaled(value: Fraction, per_whole: int, name: str) -> int:
    """A number in integer units; Unrepresentable when it is finer than they are."""
    units = value * per_whole
    if units.denominator != 1:
        raise Unrepresentable(f"{name} is finer than 1/{per_whole}")
    return int(units)


def signed(fields: Mapping[str, object], *names: str, default: int | None = None) -> Fraction:
    """A quantity with the sign of its side where one is told; Unrepresentable if they differ."""
    quantity = number(fields, *names, default=default)
    side = words(fields, "side")
    if not side:
        return quantity
    sign = SIDES.get(side)
    if sign is None:
        raise Unrepresentable(f"unknown side {fields['side']}")
    if quantity < 0 < sign:
        raise Unrepresentable("a long side with a negative quantity")
    return abs(quantity) * sign


def refuse_unknown(fields: Mapping[str, object], known: set[str]) -> None:
    """Unrepresentable when there is a field that may change the figure and is not understood.

    Text describes, and so do the names that are listed; a number or a `true` may be a term.
    """
    for name in sorted(set(map(str, fields)) - known - _DESCRIPTIVE):
        if not _is_text(fields[name]):
            raise Unrepresentable(f"unknown field {name}")


def _is_text(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_text(each) for each in value)
    return value is None or value is False or isinstance(value, str)
