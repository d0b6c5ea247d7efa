"""Legs of a portfolio file: an instrument in words, its price, and how much of it."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from margingate_engine.core.amounts import NANO, units_exact
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument, InstrumentKind, OptionRight, Settlement
from margingate_engine.core.times import DAY_NS
from margingate_server.comparing.reading import above_zero, number, only

LOT, USD_LOT = Decimal("0.01"), Decimal(1)
"""Coins of a lot, and USD of one of an inverse future: what quantities are multiples of.

Rows are rounded lot by lot, against the account: of lots of a cent that would be seen.
"""

MARKET_TIME_NS = 1_767_225_600 * NANO
"""2026-01-01, the day that days to expiry count from: nothing else depends on it."""

_OPTIONAL = {
    InstrumentKind.OPTION: {"forward", "settlement"},
    InstrumentKind.FUTURE: {"forward", "settlement"},
    InstrumentKind.PERPETUAL: {"forward", "settlement"},
    InstrumentKind.SPOT: set[str](),
}
_REQUIRED = {
    InstrumentKind.OPTION: {"right", "strike", "days", "vol"},
    InstrumentKind.FUTURE: {"days"},
    InstrumentKind.PERPETUAL: set[str](),
    InstrumentKind.SPOT: set[str](),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """An instrument, signed lots of it, and its price: vol per year, days left.

    forward: USD, of a future its mark; None where the market's carry makes it.
    """

    instrument: Instrument
    lots: int
    days: float = 0.0
    vol: float = 0.0
    forward: float | None = None

    @classmethod
    def spot(cls, underlying: str) -> "Leg":
        """None of a coin."""
        return cls(instrument=_instrument(underlying, InstrumentKind.SPOT, {}), lots=0)


def parse_leg(path: str, raw: object, underlyings: Collection[str]) -> Leg:
    """A leg; InvalidInput with the dotted name of what is wrong."""
    if not isinstance(raw, dict):
        raise InvalidInput(path, "must be a table")
    kinds = {each.value: each for each in InstrumentKind}
    kind = kinds.get(str(raw.get("kind")))
    if kind is None:
        raise InvalidInput(f"{path}.kind", f"must be one of {', '.join(kinds)}")
    required = {"kind", "underlying", "quantity", *_REQUIRED[kind]}
    only(raw, f"{path}.", required=required, optional=_OPTIONAL[kind])
    underlying = raw["underlying"]
    if underlying not in underlyings:
        raise InvalidInput(f"{path}.underlying", "is not in the market")
    terms = {
        name: above_zero(f"{path}.{name}", raw[name])
        for name in ("strike", "days", "vol", "forward")
        if name in raw
    }
    words = {
        "right": ("put", "call"),
        "settlement": ("linear", "inverse"),
    }
    for name, allowed in words.items():
        if name in raw and raw[name] not in allowed:
            raise InvalidInput(f"{path}.{name}", f"must be {' or '.join(allowed)}")
    try:
        instrument = _instrument(underlying, kind, {**raw, **terms})
    except InvalidInput as wrong:
        raise InvalidInput(f"{path}.{wrong.field}", wrong.problem) from None
    lot = _lot(kind, instrument.settlement)
    lots = number(f"{path}.quantity", raw["quantity"]) / lot
    if lots != int(lots):
        raise InvalidInput(f"{path}.quantity", f"must be a multiple of {lot}")
    forward = terms.get("forward")
    return Leg(
        instrument=instrument,
        lots=int(lots),
        days=float(terms.get("days", 0)),
        vol=float(terms.get("vol", 0)),
        forward=None if forward is None else float(forward),
    )


def _lot(kind: InstrumentKind, settlement: Settlement) -> Decimal:
    is_usd = settlement is Settlement.INVERSE and kind is not InstrumentKind.OPTION
    return USD_LOT if is_usd else LOT


def _instrument(underlying: str, kind: InstrumentKind, raw: dict[str, object]) -> Instrument:
    settlement = Settlement(str(raw.get("settlement", Settlement.LINEAR.value)))
    days, strike = raw.get("days"), raw.get("strike")
    assert days is None or isinstance(days, Decimal)
    assert strike is None or isinstance(strike, Decimal)
    right = OptionRight(str(raw["right"])) if "right" in raw else None
    words = [underlying]
    if days is not None:
        words.append(f"{days:f}d")
    if strike is not None and right is not None:
        words += [f"{strike:f}", right.value]
    else:
        words.append(kind.value)
    if settlement is Settlement.INVERSE:
        words.append("inverse")
    return Instrument(
        name=" ".join(words),
        kind=kind,
        underlying=underlying,
        settlement=settlement,
        contract_nano=NANO,
        lot_nano=units_exact(_lot(kind, settlement), NANO, "quantity"),
        tick_nano=1,
        expiry_ns=None if days is None else MARKET_TIME_NS + int(days * DAY_NS),
        strike_nano=None if strike is None else units_exact(strike, NANO, "strike"),
        right=right,
    )
