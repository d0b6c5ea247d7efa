"""What people type, as values; typer.BadParameter says what is wrong with it."""

import csv
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

import typer

_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?")


def any_decimal(text: str | Decimal) -> Decimal:
    """A finite decimal number; thousands may be set apart by commas or underscores."""
    digits = str(text)
    if "," in digits:
        if not _THOUSANDS.fullmatch(digits.strip()):
            raise typer.BadParameter(f"{text!r} is not a number: commas set thousands apart")
        digits = digits.replace(",", "")
    try:
        number = Decimal(digits)
    except InvalidOperation:
        raise typer.BadParameter(f"{text!r} is not a number") from None
    if not number.is_finite():
        raise typer.BadParameter(f"{text!r} is not a finite number")
    return number


def positive_decimal(text: str | Decimal) -> Decimal:
    """A decimal number above zero."""
    number = any_decimal(text)
    if number <= 0:
        raise typer.BadParameter(f"{text!r} is not above 0")
    return number


def leg_words(text: str) -> tuple[str, Decimal, str, Decimal | None]:
    """Side, quantity, instrument and limit (None at the market) of 'sell 1 BTC-PERPETUAL 95000'."""
    words = text.split()
    if len(words) not in {3, 4} or words[0].lower() not in {"buy", "sell"}:
        raise typer.BadParameter(
            f"{text!r} is not 'buy|sell QUANTITY INSTRUMENT [LIMIT]'", param_hint="--leg"
        )
    limit = any_decimal(words[3]) if len(words) == 4 else None
    return words[0].lower(), positive_decimal(words[1]), words[2], limit


def position_words(text: str) -> tuple[str, Decimal, Decimal | None]:
    """Instrument, signed quantity, entry price (None: the mark) of 'BTC-PERPETUAL=-10@95000'."""
    instrument, has_quantity, amount = text.partition("=")
    if not (instrument and has_quantity):
        raise typer.BadParameter(f"{text!r} is not INSTRUMENT=QUANTITY[@PRICE]")
    quantity, has_price, price = amount.partition("@")
    return instrument, any_decimal(quantity), any_decimal(price) if has_price else None


def position_rows(lines: Iterable[str]) -> list[tuple[str, Decimal, Decimal | None]]:
    """As `position_words`, of CSV with the columns instrument, quantity and maybe entry_price."""
    rows = csv.DictReader(lines)
    if not {"instrument", "quantity"} <= set(rows.fieldnames or ()):
        raise typer.BadParameter("the first line must name the columns instrument,quantity")
    return [_position_row(row, rows.line_num) for row in rows]


def _position_row(row: dict[str, str | None], line: int) -> tuple[str, Decimal, Decimal | None]:
    instrument = (row["instrument"] or "").strip()
    price = (row.get("entry_price") or "").strip()
    if not instrument:
        raise typer.BadParameter(f"line {line}: no instrument")
    try:
        quantity = any_decimal((row["quantity"] or "").strip())
        entry_price = any_decimal(price) if price else None
    except typer.BadParameter as error:
        raise typer.BadParameter(f"line {line}: {error.message}") from None
    return instrument, quantity, entry_price
