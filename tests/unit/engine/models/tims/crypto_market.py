"""A small market in BTC at 100,000: one of each kind of instrument, a tenth of a coin a lot."""

import numpy as np

from margingate_engine.core.instruments import Instrument, InstrumentKind, OptionRight, Settlement
from margingate_engine.market.snapshot import MarketSnapshot, Quotes
from margingate_engine.market.table import InstrumentTable

NANO, DAY_NS = 10**9, 86_400 * 10**9
INDEX = 100_000.0


def instrument(name: str, kind: InstrumentKind, *, inverse: bool, days: int | None) -> Instrument:
    is_option = kind is InstrumentKind.OPTION
    return Instrument(
        name=name,
        kind=kind,
        underlying="BTC",
        settlement=Settlement.INVERSE if inverse else Settlement.LINEAR,
        contract_nano=NANO,
        lot_nano=10 * NANO if inverse and not is_option else NANO // 10,
        tick_nano=NANO // 10_000,
        expiry_ns=None if days is None else days * DAY_NS,
        strike_nano=110_000 * NANO if is_option else None,
        right=OptionRight.CALL if is_option else None,
    )


# name, kind, inverse, days, mark, vol, forward
LISTED = (
    ("CALL", InstrumentKind.OPTION, False, 31, 2_000.0, 0.5, 101_000.0),
    ("COIN-CALL", InstrumentKind.OPTION, True, 31, 0.02, 0.5, 101_000.0),
    ("PENNY", InstrumentKind.OPTION, False, 31, 3.0, 0.1, 101_000.0),
    ("EXPIRED", InstrumentKind.OPTION, False, 1, 500.0, 0.5, 101_000.0),
    ("FUTURE", InstrumentKind.FUTURE, False, 31, 101_000.0, 0.0, 101_000.0),
    ("COIN-FUTURE", InstrumentKind.FUTURE, True, 31, 101_000.0, 0.0, 101_000.0),
    ("PERPETUAL", InstrumentKind.PERPETUAL, False, None, 100_000.0, 0.0, 100_000.0),
    ("BTC", InstrumentKind.SPOT, False, None, 100_000.0, 0.0, 100_000.0),
)
TABLE = InstrumentTable(
    [instrument(name, kind, inverse=inv, days=days) for name, kind, inv, days, *_ in LISTED]
)
SNAPSHOT = MarketSnapshot.empty(TABLE).with_quotes(
    TABLE,
    Quotes(
        index_by_underlying={"BTC": INDEX},
        rows=np.arange(len(LISTED)),
        mark_price_i=np.array([each[4] for each in LISTED]),
        mark_vol_i=np.array([each[5] for each in LISTED]),
        forward_price_i=np.array([each[6] for each in LISTED]),
    ),
    market_time_ns=DAY_NS,
    observed_ns=0,
)
