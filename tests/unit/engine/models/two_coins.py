"""The hand-made market with a second coin, under any model: BTC at 100,000 and ETH at 4,000."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.market.snapshot import MarketSnapshot, Quotes
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from margingate_engine.portfolio.margin_model import MarginModel
from tests.unit.engine.small_market import (
    COIN,
    INSTRUMENTS,
    MARKS,
    NO_FEES,
    SPOT,
    SmallMarket,
    future,
)

ETHER = (
    future("ETH-PERPETUAL", expiry_ns=None, underlying="ETH"),
    replace(SPOT, name="ETH", underlying="ETH"),
)
QUOTED = {**MARKS, "ETH-PERPETUAL": 4_000.0}
INDEX = {"BTC": 100_000.0, "ETH": 4_000.0, "SOL": 150.0}


def two_coins(
    model: MarginModel, *, marks: Mapping[str, float] | None = None, market_time_ns: int = 0
) -> SmallMarket:
    """The market by a model; marks given replace those that are quoted. SOL has a price, too."""
    table = InstrumentTable([*INSTRUMENTS, *ETHER])
    quoted = {**QUOTED, **(marks or {})}
    rows = [table.row_by_name[name] for name in quoted]
    is_option = [table.instruments[row].kind is InstrumentKind.OPTION for row in rows]
    quotes = Quotes(
        index_by_underlying=INDEX,
        rows=np.array(rows, dtype=np.int64),
        mark_price_i=np.array(list(quoted.values())),
        mark_vol_i=np.where(is_option, 1e-9, 0.0),
        forward_price_i=np.where(is_option, INDEX["BTC"], 0.0),
    )
    snapshot = MarketSnapshot.empty(table).with_quotes(
        table, quotes, market_time_ns=market_time_ns, observed_ns=1
    )
    return SmallMarket(arrays=model.risk_arrays(table, snapshot), fees=NO_FEES)


def holding(
    market: SmallMarket, *orders: tuple[OpenLeg, ...], usd: int = 0, ether: int = 0, **held: int
) -> AccountRisk:
    """An account with USD and whole coins, positions entered at the mark, and open orders.

    held: `coins` in whole BTC, and lots by name with `_` for `-`.
    """
    coins = held.pop("coins", 0)
    portfolio: Portfolio = market.portfolio(usd, coins * COIN, **held)
    portfolio.cash["ETH"] = ether * COIN
    portfolio.legs = {f"o{number}": legs for number, legs in enumerate(orders)}
    return AccountRisk.of(portfolio, market.arrays)
