"""What an account with many open orders costs everybody who waits for the same decisions."""

from collections import Counter

import pytest

from margingate_engine.core.orders import Side
from margingate_engine.core.reasons import RejectReason
from margingate_engine.portfolio.holdings import Portfolio
from margingate_server.service import following
from tests.unit.engine.small_market import MARKS
from tests.unit.service.in_step import assert_folds_again, assert_in_step
from tests.unit.service.small_desk import SmallDesk, small_desk


def desk_with_orders(count: int) -> SmallDesk:
    """Account a, long of calls and puts, with so many open orders of a lot."""
    desk = small_desk().open(usd="100000000", coins="100")
    desk.hold(CALL=50, PUT=50)
    for number in range(count):
        answer = desk.check(desk.leg("CALL", 1, str(MARKS["CALL"])), order_id=f"order-{number}")
        assert answer.decision.reason == RejectReason.NONE
    return desk


def test_a_reduce_only_order_looks_at_the_open_orders_once_for_all_legs_of_an_instrument(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = desk_with_orders(3)
    looks: Counter[tuple[int, Side]] = Counter()
    counted = Portfolio.open_lots

    def open_lots(portfolio: Portfolio, row: int, side: Side) -> int:
        looks[row, side] += 1
        return counted(portfolio, row, side)

    monkeypatch.setattr(Portfolio, "open_lots", open_lots)
    legs = [desk.leg("PUT", -1, str(MARKS["PUT"])) for _ in range(32)]
    assert desk.check(*legs, is_reduce_only=True).decision.reason == RejectReason.NONE
    # Once for the rule, once for the cut.
    assert looks == {(desk.row("PUT"), Side.SELL): 2}


def test_legs_of_a_reduce_only_order_share_what_other_orders_leave_to_close() -> None:
    desk = desk_with_orders(0)
    at = str(MARKS["PUT"])
    assert desk.check(desk.leg("PUT", -20, at)).decision.reason == RejectReason.NONE
    answer = desk.check(desk.leg("PUT", -25, at), desk.leg("PUT", -25, at), is_reduce_only=True)
    assert [leg.lots for leg in answer.order.legs] == [25, 5]
    refused = desk.check(desk.leg("PUT", -1, at), is_reduce_only=True)
    assert refused.decision.reason == RejectReason.REDUCE_ONLY_WOULD_INCREASE


@pytest.mark.parametrize("count", [following.FOLLOWED_MAX, following.FOLLOWED_MAX + 1])
def test_a_release_of_all_follows_few_orders_and_works_the_rest_of_many_out_anew(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    desk = desk_with_orders(count)
    held: list[str] = []
    counted = following.order_hold
    monkeypatch.setattr(
        following, "order_hold", lambda *words: held.append(words[2]) or counted(*words)
    )
    answer = desk.desk.orders.release_all("a", "all", "d", desk.now_ns)
    assert answer.released_count == count
    assert len(held) == (count if count <= following.FOLLOWED_MAX else 0)
    assert answer.risk == desk.full_risk().risk
    assert_in_step(desk)
    assert_folds_again(desk)
