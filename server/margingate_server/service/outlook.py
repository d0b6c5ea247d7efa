"""What lies ahead of an account: worked out beside the decisions, on demand. docs/monitoring.md

`take` gathers under the lane's lock what nobody changes afterwards; all the rest reads that alone.
"""

from dataclasses import dataclass, replace

from margingate_engine.check.question import Policy
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.monitoring.liquidation import (
    Direction,
    LiquidationMove,
    LiquidationSearch,
)
from margingate_engine.monitoring.projection import Projection, after_next_expiry
from margingate_engine.monitoring.reduction import Reduction, suggested_reduction
from margingate_engine.monitoring.resting import risk_increasing_orders
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import Portfolio
from margingate_engine.portfolio.part import own_market
from margingate_server.service.limits import policy_of
from margingate_server.service.market import MarketView
from margingate_server.service.shard import Shard


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlookInputs:
    """An account as it is now, and the market under its model."""

    account: str
    version: int
    portfolio: Portfolio
    view: MarketView
    policy: Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderlyingMoves:
    """Moves of a coin, down and up, that would bring an account into liquidation; None for none."""

    underlying: str
    down: LiquidationMove | None
    up: LiquidationMove | None


def take(shard: Shard, account: str) -> OutlookInputs:
    """The account and its market; UnknownName without one, MissingData without its model."""
    state = shard.account(account)
    return OutlookInputs(
        account=account,
        version=state.version,
        portfolio=state.portfolio.copied(),
        view=shard.market.view.under(state.model),
        policy=policy_of(shard.state.policy),
    )


def reduction(inputs: OutlookInputs) -> Reduction:
    """What would bring the account back to its margin. MissingData names what has no price."""
    return suggested_reduction(inputs.portfolio, inputs.view.arrays)


def orders_to_cancel(inputs: OutlookInputs) -> tuple[str, ...]:
    """Every resting order that adds risk. MissingData names what has no price. [MON-07]"""
    account = AccountRisk.of(inputs.portfolio, inputs.view.arrays)
    return risk_increasing_orders(account, inputs.portfolio, inputs.policy).order_ids


def liquidation_moves(inputs: OutlookInputs) -> tuple[UnderlyingMoves, ...]:
    """Of every coin that the account has anything of. MissingData names what has no price."""
    portfolio, table, snapshot = _own_market(inputs)
    search = LiquidationSearch(model=inputs.view.arrays.model, table=table, snapshot=snapshot)
    return tuple(
        UnderlyingMoves(
            underlying=underlying,
            down=search.move(portfolio, underlying, Direction.DOWN),
            up=search.move(portfolio, underlying, Direction.UP),
        )
        for underlying in table.underlyings
    )


def projection(inputs: OutlookInputs) -> Projection | None:
    """The margin after the next expiry of what the account holds; None where nothing expires.

    Its rows are those of the whole market. MissingData names what has no price.
    """
    portfolio, table, snapshot = _own_market(inputs)
    found = after_next_expiry(inputs.view.arrays.model, table, snapshot, portfolio)
    if found is None:
        return None
    row_by_name = inputs.view.table.row_by_name
    rows = tuple(sorted(row_by_name[table.instruments[row].name] for row in found.rows))
    return replace(found, rows=rows)


def _own_market(inputs: OutlookInputs) -> tuple[Portfolio, InstrumentTable, MarketSnapshot]:
    """The positions on a market of their own instruments and coins alone, quicker to work out."""
    return own_market(inputs.portfolio, inputs.view.table, inputs.view.arrays.snapshot)
