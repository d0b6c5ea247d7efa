"""What one account has, taken at one moment, to be worked out while it goes on changing."""

from collections.abc import Mapping
from dataclasses import dataclass

from margingate_engine.core.amounts import USD
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.fees import FeeTier
from margingate_engine.portfolio.flows import fill_flow
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio

FLOW_MAX = 2**56
"""What a lot on order may pay or bring, in its asset's units: 72 billion USD, 72,000 coins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountHoldings:
    """version: of the account's state. balances: cash and entries in each asset's units.

    lots: signed, by row. is_plain: False with combos, pending changes, wallets or an order at a
    price beyond any, which columns do not know.
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
    for row, position in portfolio.positions.items():
        if position.entry:
            asset = table.instruments[row].settlement_asset
            balances[asset] = balances.get(asset, 0) + position.entry
    legs = tuple(leg for legs in portfolio.legs.values() for leg in legs)
    return AccountHoldings(
        account=account,
        version=version,
        fees=portfolio.fees,
        balances=balances,
        lots={row: position.lots for row, position in portfolio.positions.items()},
        legs=legs,
        is_plain=not portfolio.amendments
        and not portfolio.wallets
        and not any(leg.ratio or _is_beyond_any(leg, table) for leg in legs),
    )


def _is_beyond_any(leg: OpenLeg, table: InstrumentTable) -> bool:
    """Whether a lot is worth more than columns hold; a sale at such a price never fills."""
    return abs(fill_flow(table.instruments[leg.row], 1, leg.price_nano)) >= FLOW_MAX
