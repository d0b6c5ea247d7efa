"""What one account has, taken at one moment, to be worked out while it goes on changing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from margingate_engine.core.amounts import USD
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.fees import FeeTier
from margingate_engine.portfolio.flows import fill_flow, spot_coins
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio

UNITS_MAX = 2**60
"""Balances, entries and lots that add up to it are not put into columns.

A quarter of what those hold: what was entered at one price may be worth four times as many coins.
"""

FLOW_MAX = 2**56
"""What a lot on order may pay or bring, in its asset's units: 72 billion USD, 72,000 coins.

A sale at such a price never fills.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountHoldings:
    """version: of the account's state. balances: cash and entries in each asset's units.

    lots: signed, by row. is_plain: False with combos, pending changes, wallets, an order at a price
    beyond any, or more than their integers hold, none of which columns know.
    """

    account: str
    version: int
    fees: FeeTier
    balances: Mapping[str, int]
    lots: Mapping[int, int]
    legs: tuple[OpenLeg, ...]
    is_plain: bool


def holdings_of(
    account: str, version: int, portfolio: Portfolio, table: InstrumentTable
) -> AccountHoldings:
    """The holdings of a portfolio of a table."""
    balances = {USD: 0, **portfolio.cash}
    sizes = {asset: abs(units) for asset, units in balances.items()}
    for row, position in portfolio.positions.items():
        if position.entry:
            asset = table.instruments[row].settlement_asset
            balances[asset] = balances.get(asset, 0) + position.entry
            sizes[asset] = sizes.get(asset, 0) + abs(position.entry)
    lots = {row: position.lots for row, position in portfolio.positions.items()}
    legs = tuple(leg for legs in portfolio.legs.values() for leg in legs)
    return AccountHoldings(
        account=account,
        version=version,
        fees=portfolio.fees,
        balances=balances,
        lots=lots,
        legs=legs,
        is_plain=not portfolio.amendments
        and not portfolio.wallets
        and not any(leg.ratio for leg in legs)
        and max(sizes.values()) < UNITS_MAX
        and _are_in_range(lots, legs, table),
    )


def _are_in_range(lots: Mapping[int, int], legs: Sequence[OpenLeg], table: InstrumentTable) -> bool:
    """Whether neither lots nor what orders may move are more than columns hold."""
    moved = [_moved(leg, table) for leg in legs]
    return (
        sum(map(abs, lots.values())) + sum(leg.lots for leg in legs) < UNITS_MAX
        and max(moved, default=0) < FLOW_MAX
        and sum(leg.lots * units for leg, units in zip(legs, moved, strict=True)) < UNITS_MAX
    )


def _moved(leg: OpenLeg, table: InstrumentTable) -> int:
    """The most that a fill of a lot moves of an asset, in its units."""
    instrument = table.instruments[leg.row]
    flow = fill_flow(instrument, 1, leg.price_nano)
    return max(abs(flow), abs(spot_coins(instrument, 1)))
