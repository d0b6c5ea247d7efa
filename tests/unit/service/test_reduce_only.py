"""Reduce-only orders: held for what they can close, and the answer says so. [DEC-10]"""

import pytest

from margingate_engine.core.orders import Execution
from margingate_engine.core.reasons import RejectReason
from margingate_server.service.decisions import CheckAnswer
from tests.unit.service.small_desk import SmallDesk, restarted
from tests.unit.service.sound_desk import SoundDesk, sound_desk

MARK = "101000"
INCREASES = RejectReason.REDUCE_ONLY_WOULD_INCREASE


def holding(**lots_by_name: int) -> SoundDesk:
    """Account a with cash and positions."""
    desk = sound_desk()
    desk.open(usd="100000", coins="1")
    desk.hold(**lots_by_name)
    return desk


def close(desk: SmallDesk, lots: int, order_id: str = "o") -> CheckAnswer:
    """The answer to a reduce-only order on NEAR at its mark."""
    return desk.check(desk.leg("NEAR", lots, MARK), order_id=order_id, is_reduce_only=True)


def open_lots(desk: SmallDesk, order_id: str = "o") -> list[int]:
    return [leg.lots for leg in desk.account().portfolio.legs[order_id]]


@pytest.mark.parametrize(("position", "lots", "held"), [(3, -5, 3), (3, -2, 2), (-3, 5, 3)])
def test_an_order_is_cut_to_what_it_can_close(position: int, lots: int, held: int) -> None:
    desk = holding(NEAR=position)
    answer = close(desk, lots)
    assert answer.decision.reason == 0
    assert [leg.lots for leg in answer.order.legs] == [held]
    assert open_lots(desk) == [held]
    assert desk.account().orders["o"].totals == (held,)
    assert desk.account().orders["o"].is_reduce_only


def test_what_is_cut_holds_as_much_as_an_order_of_that_many_lots() -> None:
    cut, plain = holding(NEAR=3), holding(NEAR=3)
    decision = close(cut, -50).decision
    assert decision.after is not None
    plain.check(plain.leg("NEAR", -3, MARK), order_id="o")
    assert cut.kept_risk().risk == plain.kept_risk().risk
    assert decision.after.initial == cut.kept_risk().risk.initial


@pytest.mark.parametrize("position", [0, 3, -3])
@pytest.mark.parametrize("lots", [2, -2])
def test_an_order_that_closes_nothing_is_refused(position: int, lots: int) -> None:
    desk = holding(NEAR=position) if position else holding()
    expected = RejectReason.NONE if position * lots < 0 else INCREASES
    assert close(desk, lots).decision.reason == expected


def test_open_orders_of_the_same_side_leave_less_to_close() -> None:
    desk = holding(NEAR=5)
    desk.check(desk.leg("NEAR", -2, MARK), order_id="p")
    assert [leg.lots for leg in close(desk, -5).order.legs] == [3]
    assert close(desk, -1, "q").decision.reason == INCREASES
    desk.release("o")
    assert [leg.lots for leg in close(desk, -5, "q").order.legs] == [3]


def test_a_pending_change_counts_with_the_larger_of_both_shapes() -> None:
    desk = holding(NEAR=5)
    desk.check(desk.leg("NEAR", -2, MARK), order_id="p")
    desk.amend("p", desk.amend_leg("NEAR", -4, MARK))
    assert [leg.lots for leg in close(desk, -5).order.legs] == [1]
    desk.release("o")
    desk.withdraw("p")
    assert [leg.lots for leg in close(desk, -5, "q").order.legs] == [3]


def test_what_was_cut_does_not_grow_again_with_the_position() -> None:
    desk = holding(NEAR=3)
    close(desk, -5)
    desk.fill("unheard", "NEAR", 4, MARK)
    assert open_lots(desk) == [3]


def test_a_fill_beyond_what_was_cut_to_is_over_and_applied() -> None:
    desk = holding(NEAR=3)
    close(desk, -5)
    answer = desk.fill("o", "NEAR", -4, MARK)
    assert (answer.flag, answer.lots) == ("over_fill", -1)
    assert desk.account().is_closed("o")


def test_legs_of_one_instrument_are_served_in_their_order() -> None:
    desk = holding(NEAR=5)
    legs = (desk.leg("NEAR", -3, MARK), desk.leg("NEAR", -4, "101500"))
    answer = desk.check(*legs, order_id="o", is_reduce_only=True)
    assert [leg.lots for leg in answer.order.legs] == [3, 2]
    assert open_lots(desk) == [3, 2]
    third = (*legs, desk.leg("NEAR", -1, "102000"))
    desk.release("o")
    refused = desk.check(*third, is_reduce_only=True).decision
    assert (refused.reason, refused.detail) == (INCREASES, "leg 2: nothing left to close")


def test_each_leg_must_find_something_to_close() -> None:
    desk = holding(NEAR=5, FAR=-2)
    both = desk.check(
        desk.leg("NEAR", -9, MARK), desk.leg("FAR", 9, "104000"), order_id="o", is_reduce_only=True
    )
    assert [leg.lots for leg in both.order.legs] == [5, 2]
    half = desk.check(
        desk.leg("PUT", -1, "100"), desk.leg("COIN-PUT", 1, "0.001"), is_reduce_only=True
    )
    assert half.decision.reason == INCREASES


@pytest.mark.parametrize(
    ("near", "far", "expected"),
    [(4, -2, RejectReason.NONE), (5, -2, INCREASES), (4, -3, INCREASES)],
)
def test_a_combo_is_closed_whole_or_not_at_all(near: int, far: int, expected: RejectReason) -> None:
    desk = holding(NEAR=4, FAR=-2)
    answer = desk.check(
        desk.leg("NEAR", -near, MARK),
        desk.leg("FAR", -far, "104000"),
        execution=Execution.ATOMIC_COMBO,
        is_reduce_only=True,
    )
    assert answer.decision.reason == expected


def test_spot_closes_coins_of_the_account_in_whole_lots() -> None:
    desk = sound_desk()
    desk.open(usd="100000", coins="0.25")
    answer = desk.check(desk.leg("BTC", -9, "100000"), order_id="o", is_reduce_only=True)
    assert answer.decision.reason == 0
    assert open_lots(desk) == [2]
    again = desk.check(desk.leg("BTC", -1, "100000"), is_reduce_only=True)
    assert again.decision.reason == INCREASES


def test_a_preview_shows_what_would_be_held_and_holds_nothing() -> None:
    desk = holding(NEAR=3)
    order = desk.order(desk.leg("NEAR", -5, MARK), order_id="o", is_reduce_only=True)
    preview, _ = desk.desk.checking.preview("a", order, desk.now_ns, has_explanation=True)
    assert [leg.lots for leg in preview.order.legs] == [3]
    assert desk.account().portfolio.legs == {}
    checked = close(desk, -5)
    assert (checked.decision, checked.order) == (preview.decision, preview.order)


def test_a_change_is_cut_to_what_the_position_leaves_now() -> None:
    desk = holding(NEAR=5)
    close(desk, -3)
    desk.fill("o", "NEAR", -1, MARK)
    # 4 are held now, 1 was filled: of 9 in total 4 more can close.
    answer = desk.amend("o", desk.amend_leg("NEAR", -9, MARK))
    assert answer.decision.reason == 0
    assert [leg.lots for leg in answer.order.legs] == [4]
    assert desk.account().orders["o"].amend_totals == (5,)
    desk.confirm("o")
    assert open_lots(desk) == [4]


def test_a_change_that_finds_nothing_to_close_is_refused() -> None:
    desk = holding(NEAR=5)
    close(desk, -3)
    desk.fill("unheard", "NEAR", -5, MARK)
    assert desk.amend("o", desk.amend_leg("NEAR", -4, MARK)).decision.reason == INCREASES
    assert open_lots(desk) == [3]


def test_a_retry_after_the_position_moved_gets_what_was_cut_to_then() -> None:
    desk = holding(NEAR=3)
    leg = desk.leg("NEAR", -5, MARK)
    first = desk.check(leg, order_id="o", request_id="r", is_reduce_only=True)
    desk.fill("unheard", "NEAR", -2, MARK)
    for each in (desk, restarted(desk)):
        again = each.check(leg, order_id="o", request_id="r", is_reduce_only=True)
        assert (again.order, again.decision) == (first.order, first.decision)
        assert open_lots(each) == [3]
