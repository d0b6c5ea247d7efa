"""Deribit's symbols, parsed.

`BTC` spot, `BTC-PERPETUAL`, `BTC-28MAR25`, `BTC-27DEC24-70000-C` inverse; a base with `_USDC` or
`_USDT` (`SOL_USDC-27DEC24-120-C`) is linear. A strike may carry `d` as its decimal point (`0d625`).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from margingate_engine.core.amounts import NANO, units_exact
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import InstrumentKind, OptionRight, Settlement

EXPIRY_HOUR_UTC = 8
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
LINEAR_SUFFIXES = ("_USDC", "_USDT")

_PATTERN = re.compile(
    r"(?P<coin>[A-Z0-9]{2,16})(?P<quote>_USDC|_USDT)?"
    r"(?:-(?:(?P<perpetual>PERPETUAL)|(?P<day>\d{1,2})(?P<month>[A-Z]{3})(?P<year>\d{2})"
    r"(?:-(?P<strike>\d{1,9}(?:d\d{1,9})?)-(?P<right>[CP]))?))?",
    re.ASCII,  # digits of other scripts are no digits of the venue
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """What a symbol says; sizes and ticks are the venue's to tell."""

    kind: InstrumentKind
    underlying: str
    settlement: Settlement
    expiry_ns: int | None
    strike_nano: int | None
    right: OptionRight | None


def parse_symbol(text: str) -> Symbol:
    """What `text` names; InvalidInput when it is no symbol of the venue."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise InvalidInput("instrument", "is not a venue symbol")
    if match["perpetual"]:
        kind = InstrumentKind.PERPETUAL
    elif match["strike"]:
        kind = InstrumentKind.OPTION
    elif match["day"]:
        kind = InstrumentKind.FUTURE
    else:
        kind = InstrumentKind.SPOT
    is_linear = match["quote"] is not None or kind is InstrumentKind.SPOT
    strike = match["strike"]
    return Symbol(
        kind=kind,
        underlying=match["coin"],
        settlement=Settlement.LINEAR if is_linear else Settlement.INVERSE,
        expiry_ns=_expiry_ns(match["day"], match["month"], match["year"]) if match["day"] else None,
        strike_nano=units_exact(Decimal(strike.replace("d", ".")), NANO, "strike")
        if strike
        else None,
        right=None
        if not strike
        else OptionRight.CALL
        if match["right"] == "C"
        else OptionRight.PUT,
    )


def _expiry_ns(day: str, month: str, year: str) -> int:
    """08:00 UTC of the day; InvalidInput when the calendar has no such day."""
    try:
        moment = datetime(
            2000 + int(year), MONTHS.index(month) + 1, int(day), EXPIRY_HOUR_UTC, tzinfo=UTC
        )
    except ValueError:
        raise InvalidInput("instrument", "names a day that does not exist") from None
    return int(moment.timestamp()) * NANO
