"""Small and large markets of two underlyings, made here so that nothing else decides them."""

import numpy as np

from margingate_engine.core.instruments import (
    Instrument,
    InstrumentKind,
    OptionRight,
    Settlement,
)
from margingate_engine.market.snapshot import MarketSnapshot, Quotes
from margingate_engine.market.table import InstrumentTable
from margingate_engine.pricing import black76

NANO = 10**9
DAY_NS = 86_400 * NANO
NOW_NS = 100 * DAY_NS
INDEX = {"BTC": 100_000.0, "ETH": 4_000.0}
VOL = {"BTC": 0.5, "ETH": 0.7}


def option(
    underlying: str, strike: int, right: OptionRight, *, days: int, is_inverse: bool = False
) -> Instrument:
    """An option of one coin a lot."""
    letter = "C" if right is OptionRight.CALL else "P"
    return Instrument(
        name=f"{underlying}-{days}-{strike}-{letter}{'-COIN' if is_inverse else ''}",
        kind=InstrumentKind.OPTION,
        underlying=underlying,
        settlement=Settlement.INVERSE if is_inverse else Settlement.LINEAR,
        contract_nano=NANO,
        lot_nano=NANO,
        tick_nano=NANO // 10_000,
        expiry_ns=NOW_NS + days * DAY_NS,
        strike_nano=strike * NANO,
        right=right,
    )


def future(underlying: str, *, days: int | None, is_inverse: bool = False) -> Instrument:
    """A future or perpetual of one coin, or of 10 USD, a lot."""
    return Instrument(
        name=f"{underlying}-{days or 'PERPETUAL'}{'-COIN' if is_inverse else ''}",
        kind=InstrumentKind.PERPETUAL if days is None else InstrumentKind.FUTURE,
        underlying=underlying,
        settlement=Settlement.INVERSE if is_inverse else Settlement.LINEAR,
        contract_nano=NANO,
        lot_nano=10 * NANO if is_inverse else NANO,
        tick_nano=NANO // 2,
        expiry_ns=None if days is None else NOW_NS + days * DAY_NS,
    )


def priced(instruments: list[Instrument]) -> tuple[InstrumentTable, MarketSnapshot]:
    """The table and a snapshot: forwards 5 % a year above the index, one vol per underlying."""
    table = InstrumentTable(instruments)
    marks, vols, forwards = [], [], []
    for each in instruments:
        tau = ((each.expiry_ns or NOW_NS) - NOW_NS) / DAY_NS / 365
        index, vol = INDEX[each.underlying], VOL[each.underlying]
        forward = index * (1 + 0.05 * tau)
        mark = forward
        if each.kind is InstrumentKind.OPTION:
            value = black76.value(
                np.array([forward]),
                np.array([(each.strike_nano or 0) / NANO]),
                np.array([vol]),
                np.array([tau]),
                np.array([each.right is OptionRight.CALL]),
            )[0]
            mark = value / forward if each.settlement is Settlement.INVERSE else value
        marks.append(mark)
        vols.append(vol)
        forwards.append(forward)
    quotes = Quotes(
        index_by_underlying={name: INDEX[name] for name in table.underlyings},
        rows=np.arange(len(table)),
        mark_price_i=np.array(marks),
        mark_vol_i=np.array(vols),
        forward_price_i=np.array(forwards),
    )
    snapshot = MarketSnapshot.empty(table).with_quotes(
        table, quotes, market_time_ns=NOW_NS, observed_ns=NOW_NS
    )
    return table, snapshot
