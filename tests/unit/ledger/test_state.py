"""What an account remembers of its closed orders."""

from margingate_engine.portfolio.holdings import Portfolio
from margingate_server.ledger.state import CLOSED_ORDERS_MAX, AccountState, OrderMemo
from tests.unit.engine.small_market import NO_FEES


def account_with(order_ids: list[str]) -> AccountState:
    account = AccountState(
        account="a", fee_tier="default", opened_ns=0, portfolio=Portfolio(fees=NO_FEES)
    )
    memo = OrderMemo(request_id="r", accepted_ns=0, sides=(), totals=())
    account.orders = dict.fromkeys(order_ids, memo)
    return account


def test_a_closed_order_is_no_longer_open() -> None:
    account = account_with(["o", "p"])
    account.close_order("o")
    assert list(account.orders) == ["p"]
    assert list(account.closed_orders) == ["o"]


def test_an_order_stays_closed_however_many_close_after_it() -> None:
    order_ids = [f"o-{number}" for number in range(CLOSED_ORDERS_MAX + 2)]
    account = account_with([*order_ids, "open"])
    for order_id in order_ids:
        account.close_order(order_id)
    assert list(account.closed_orders) == order_ids[2:]
    assert len(account.closed_earlier) == 2
    assert all(account.is_closed(order_id) for order_id in order_ids)
    assert not account.is_closed("open")
    assert not account.is_closed("unheard")


def test_a_new_account_has_one_event_and_no_limit_of_its_own() -> None:
    account = account_with([])
    assert account.version == 1
    assert not account.is_suspended
    assert all(getattr(account.limits, name) is None for name in account.limits.__struct_fields__)
