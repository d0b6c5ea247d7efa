"""Holdings on a market of their own instruments and coins alone, quicker to work out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from margingate_engine.market.part import market_part
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.holdings import Portfolio

ValueT = TypeVar("ValueT")


def own_market(
    portfolio: Portfolio, table: InstrumentTable, snapshot: MarketSnapshot
) -> tuple[Portfolio, InstrumentTable, MarketSnapshot]:
    """(portfolio, table, snapshot): what is held, by the rows of a market of nothing else.

    Open orders are left out. Prices, times and version stay.
    """
    coins = [asset for asset, units in portfolio.cash.items() if units]
    own_table, own_snapshot = market_part(table, snapshot, portfolio.positions, coins)

    def moved(by_row: Mapping[int, ValueT]) -> dict[int, ValueT]:
        """The same by the rows of the part."""
        names = table.instruments
        return {own_table.row_by_name[names[row].name]: each for row, each in by_row.items()}

    positions, wallets = moved(portfolio.positions), moved(portfolio.wallets)
    own = replace(portfolio.positions_only(), positions=positions, wallets=wallets)
    return own, own_table, own_snapshot
