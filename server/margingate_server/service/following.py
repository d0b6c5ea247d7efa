"""Keeps an account's risk in step with what events do to its open orders."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from margingate_engine.check.decide import Outcome
from margingate_engine.core.errors import MissingData
from margingate_engine.portfolio.hold import OrderHold, order_hold
from margingate_server.ledger.state import AccountState
from margingate_server.service.freshness import oldest_of_rows
from margingate_server.service.shard import AccountView, Shard

FOLLOWED_MAX = 100
"""Of more orders at once, as of a release of all, what is left is worked out anew: it is less."""


@contextmanager
def orders_changing(
    shard: Shard, account: AccountState, order_ids: Sequence[str]
) -> Iterator[None]:
    """What these orders hold is taken back, and what they hold after the block is held.

    An account whose risk is not at hand, or has no price for something, is worked out when it is
    next asked for; so is one of which more than FOLLOWED_MAX orders change.
    """
    is_followed = len(order_ids) <= FOLLOWED_MAX and shard.has_view(account.account)
    view = shard.view_of(account) if is_followed else None
    before = _holds(view, account, order_ids)
    yield
    after = _holds(view, account, order_ids)
    if view is None or view.risk is None or before is None or after is None:
        shard.forget_view(account.account)
        return
    for hold in before:
        view.risk.release(hold)
    for hold in after:
        view.risk.hold(hold)


def hold_more(view: AccountView, outcome: Outcome) -> None:
    """Hold what an accepted order takes; its prices are of the account's from here on."""
    assert view.risk is not None, "an order was accepted without a margin"
    assert outcome.hold is not None, "an order was accepted without a hold"
    view.risk.hold(outcome.hold)
    rows = (leg.row for leg in outcome.legs)
    view.oldest = view.oldest.joined(oldest_of_rows(view.view, rows))


def _holds(
    view: AccountView | None, account: AccountState, order_ids: Sequence[str]
) -> list[OrderHold] | None:
    if view is None or view.risk is None:
        return None
    portfolio = account.portfolio
    try:
        return [
            order_hold(view.view.arrays, portfolio, order_id)
            for order_id in order_ids
            if order_id in portfolio.legs
        ]
    except MissingData:
        return None
