"""Which resting orders of an account in trouble should be cancelled. [MON-07]"""

from dataclasses import dataclass
from typing import NamedTuple

from margingate_engine.check.question import Policy
from margingate_engine.check.risk_reducing import grows_a_net_position, is_risk_reducing
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.hold import OrderHold, more, order_hold
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio


class RestingOrders(NamedTuple):
    """Ids of orders in the order that they were accepted in; is_cut: not all were judged."""

    order_ids: tuple[str, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Thoroughness:
    """How many orders are looked at, the oldest first, and how many by their margin.

    Which of them grow a position is known without one. Each looks at all that are open: of an
    account with more than `open_max` none is looked at.
    """

    orders_max: int
    margins_max: int
    open_max: int


def risk_increasing_orders(
    account: AccountRisk,
    portfolio: Portfolio,
    policy: Policy,
    thoroughness: Thoroughness | None = None,
) -> RestingOrders:
    """Open orders that would not pass as risk-reducing if they were sent now. [DEC-02, MON-07]

    Each is judged with the others resting; of an order with a change pending both shapes are.
    thoroughness: None for all of them.
    """
    ids = tuple(portfolio.legs)
    looked_at, margins_left = len(ids), len(ids)
    if thoroughness is not None:
        margins_left = thoroughness.margins_max
        looked_at = thoroughness.orders_max if len(ids) <= thoroughness.open_max else 0
    found, is_cut = [], looked_at < len(ids)
    for order_id in ids[:looked_at]:
        others, shapes = portfolio.without_order(order_id), _shapes(portfolio, order_id)
        table = account.arrays.table
        is_growing = any(grows_a_net_position(others, table, each) for each in shapes)
        if is_growing and not policy.may_hedges_grow:
            found.append(order_id)
        elif not margins_left:
            is_cut = True
        else:
            margins_left -= 1
            change = _headroom_change(account, portfolio, order_id)
            if not all(is_risk_reducing(account, others, each, change, policy) for each in shapes):
                found.append(order_id)
    return RestingOrders(tuple(found), is_cut)


def _shapes(portfolio: Portfolio, order_id: str) -> list[tuple[OpenLeg, ...]]:
    shapes = [portfolio.legs[order_id]]
    if order_id in portfolio.amendments:
        shapes.append(portfolio.amendments[order_id])
    return shapes


def _headroom_change(account: AccountRisk, portfolio: Portfolio, order_id: str) -> int:
    """Headroom of the worst fills with an order less without it, 1e-6 USD."""
    held = order_hold(account.arrays, portfolio, order_id)
    without = account.requirements(more(OrderHold(), held))
    return account.risk.headroom - (account.equity - sum(each.total for each in without))
