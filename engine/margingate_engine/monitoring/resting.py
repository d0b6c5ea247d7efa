"""Which resting orders of an account in trouble should be cancelled. [MON-07]"""

from itertools import islice
from typing import NamedTuple

from margingate_engine.check.question import Policy
from margingate_engine.check.risk_reducing import is_risk_reducing
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.hold import OrderHold, more, order_hold
from margingate_engine.portfolio.holdings import Portfolio


class RestingOrders(NamedTuple):
    """Ids of orders in the order that they were accepted in; is_cut: not all were looked at."""

    order_ids: tuple[str, ...]
    is_cut: bool


def risk_increasing_orders(
    account: AccountRisk, portfolio: Portfolio, policy: Policy, most: int | None = None
) -> RestingOrders:
    """Open orders that would not pass as risk-reducing if they were sent now. [DEC-02, MON-07]

    Each is judged with the others resting; of an order with a change pending both shapes are.
    most: how many are looked at, the oldest first, None for all.
    """
    ids = tuple(islice(portfolio.legs, most))
    found = tuple(each for each in ids if not _reduces_risk(account, portfolio, policy, each))
    return RestingOrders(found, is_cut=len(ids) < len(portfolio.legs))


def _reduces_risk(
    account: AccountRisk, portfolio: Portfolio, policy: Policy, order_id: str
) -> bool:
    held = order_hold(account.arrays, portfolio, order_id)
    without = account.requirements(more(OrderHold(), held))
    headroom_without = account.equity - sum(each.total for each in without)
    headroom_change = account.risk.headroom - headroom_without
    others, shapes = portfolio.without_order(order_id), [portfolio.legs[order_id]]
    if order_id in portfolio.amendments:
        shapes.append(portfolio.amendments[order_id])
    return all(
        is_risk_reducing(account, others, shape, headroom_change, policy) for shape in shapes
    )
