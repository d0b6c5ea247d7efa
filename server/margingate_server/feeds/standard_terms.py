"""Deribit's usual contract terms, for sources that name an instrument without describing it.

Where a source carries the venue's own terms, those are used and this table is not. Where each row
was seen is in docs/feeds.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from margingate_engine.core.amounts import NANO, units_exact
from margingate_engine.core.instruments import Instrument, InstrumentKind, Settlement, TickStep
from margingate_engine.core.symbols import Symbol, parse_symbol

_SPOT, _FUTURE = InstrumentKind.SPOT, InstrumentKind.FUTURE
_PERPETUAL, _OPTION = InstrumentKind.PERPETUAL, InstrumentKind.OPTION
_LINEAR, _INVERSE = Settlement.LINEAR, Settlement.INVERSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Sizes of a contract: lot in the venue's unit, tick in the quote currency.

    tick_steps: (price above which it applies, tick), ascending.
    """

    lot: Decimal
    tick: Decimal
    tick_steps: tuple[tuple[Decimal, Decimal], ...] = ()


def _terms(lot: str, tick: str, *tick_steps: tuple[str, str]) -> Terms:
    """Terms from the decimal text of the table."""
    steps = tuple((Decimal(above), Decimal(step)) for above, step in tick_steps)
    return Terms(lot=Decimal(lot), tick=Decimal(tick), tick_steps=steps)


STANDARD_TERMS: Final[Mapping[tuple[str, InstrumentKind, Settlement], Terms]] = {
    ("BTC", _OPTION, _INVERSE): _terms("0.1", "0.0001", ("0.005", "0.0005")),
    ("ETH", _OPTION, _INVERSE): _terms("1", "0.0001", ("0.005", "0.0005")),
    ("BTC", _FUTURE, _INVERSE): _terms("10", "2.5"),
    ("ETH", _FUTURE, _INVERSE): _terms("1", "0.05"),
    ("BTC", _PERPETUAL, _INVERSE): _terms("10", "0.5"),
    ("ETH", _PERPETUAL, _INVERSE): _terms("1", "0.05"),
    ("BTC", _OPTION, _LINEAR): _terms("0.01", "5"),
    ("ETH", _OPTION, _LINEAR): _terms("0.1", "0.2"),
    ("BTC", _PERPETUAL, _LINEAR): _terms("0.0001", "0.1"),
    ("ETH", _PERPETUAL, _LINEAR): _terms("0.001", "0.01"),
    ("BTC", _SPOT, _LINEAR): _terms("0.0001", "0.01"),
    ("ETH", _SPOT, _LINEAR): _terms("0.0001", "0.01"),
    ("USDC", _SPOT, _LINEAR): _terms("1", "0.0001"),
    ("USDT", _SPOT, _LINEAR): _terms("1", "0.0001"),
}


def standard_instrument(name: str) -> Instrument | None:
    """The instrument `name` with the standard terms; None where the table has none for it.

    Raises InvalidInput when `name` is no symbol of the venue.
    """
    symbol = parse_symbol(name)
    terms = STANDARD_TERMS.get((symbol.underlying, symbol.kind, symbol.settlement))
    return None if terms is None else instrument_of(name, symbol, terms)


def instrument_of(
    name: str, symbol: Symbol, terms: Terms, *, is_halted: bool = False
) -> Instrument:
    """The instrument a symbol and terms make; InvalidInput when no venue could list it.

    The venue counts quantities in coins or USD already, so one unit stands for exactly one of them.
    """
    return Instrument(
        name=name,
        kind=symbol.kind,
        underlying=symbol.underlying,
        settlement=symbol.settlement,
        contract_nano=NANO,
        lot_nano=units_exact(terms.lot, NANO, "lot_size"),
        tick_nano=units_exact(terms.tick, NANO, "tick_size"),
        tick_steps=tuple(
            TickStep(
                above_nano=units_exact(above, NANO, "tick_steps"),
                tick_nano=units_exact(tick, NANO, "tick_steps"),
            )
            for above, tick in terms.tick_steps
        ),
        expiry_ns=symbol.expiry_ns,
        strike_nano=symbol.strike_nano,
        right=symbol.right,
        is_halted=is_halted,
    )
