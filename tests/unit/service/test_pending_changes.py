"""Orders with a pending change: both shapes held, both filled, until the venue answers."""

import pytest

from margingate_engine.core.reasons import RejectReason
from margingate_server.service.refusals import UnknownName
from tests.unit.engine.small_market import MARKS
from tests.unit.service.changed_order import MARK, change, held, shapes, with_order
from tests.unit.service.small_desk import folded_again, restarted, small_desk, update
from tests.unit.service.sound_desk import sound_desk


@pytest.mark.parametrize(("lots", "price"), [(-8, MARK), (-8, "100900")])
def test_a_larger_change_is_held_from_the_answer_on(lots: int, price: str) -> None:
    desk = with_order()
    assert change(desk, lots, price) is RejectReason.NONE
    assert shapes(desk) == ([5], [8])
    assert held(desk)["risk"] == held(with_order(lots, price))["risk"]


def test_a_smaller_change_frees_nothing_before_the_venue_took_it() -> None:
    desk = with_order()
    before = held(desk)
    assert change(desk, -2) is RejectReason.NONE
    assert held(desk)["risk"] == before["risk"]
    desk.confirm("o")
    assert held(desk) == held(with_order(-2))


@pytest.mark.parametrize(("lots", "price"), [(-8, MARK), (-8, "100900"), (-2, "100900"), (-5, "1")])
def test_a_change_that_was_taken_leaves_the_new_order_and_one_refused_the_old(
    lots: int, price: str
) -> None:
    taken, refused = with_order(usd="1000000"), with_order(usd="1000000")
    before = held(refused)
    for desk in (taken, refused):
        assert change(desk, lots, price) is RejectReason.NONE
    confirmed, withdrawn = taken.confirm("o"), refused.withdraw("o")
    assert (confirmed.is_changed, confirmed.flag) == (True, "")
    assert (withdrawn.is_changed, withdrawn.flag) == (True, "")
    assert held(taken) == held(with_order(lots, price, usd="1000000"))
    assert held(refused) == before
    assert confirmed.risk == held(taken)["risk"]
    assert withdrawn.risk == held(refused)["risk"]
    assert taken.account().orders["o"].totals == (abs(lots),)
    assert refused.account().orders["o"].totals == (5,)


def test_fills_before_the_answer_shrink_both_shapes() -> None:
    for ending, left, total in (("confirm", 6, 8), ("withdraw", 3, 5)):
        desk = with_order()
        change(desk, -8)
        answer = desk.fill("o", "NEAR", -2, MARK)
        assert (answer.flag, answer.open_lots) == ("", 3)
        assert shapes(desk) == ([3], [6])
        getattr(desk, ending)("o")
        assert shapes(desk) == ([left], [])
        assert desk.account().orders["o"].totals == (total,)


@pytest.mark.parametrize(
    ("new", "fills", "flags", "left"),
    [
        (-8, [-6], [""], ([], [2])),
        (-8, [-3, -3], ["", ""], ([], [2])),
        (-3, [-4], [""], ([1], [])),
        (-8, [-5, -3], ["", ""], None),
        (-8, [-9], ["over_fill"], None),
        (-3, [-6], ["over_fill"], None),
        (-8, [-6, -3], ["", "over_fill"], None),
    ],
)
def test_a_fill_is_over_only_beyond_both_shapes(
    new: int, fills: list[int], flags: list[str], left: tuple[list[int], list[int]] | None
) -> None:
    desk = with_order()
    change(desk, new)
    assert [desk.fill("o", "NEAR", lots, MARK).flag for lots in fills] == flags
    assert desk.account().portfolio.positions[desk.row("NEAR")].lots == sum(fills)
    if left is None:
        assert desk.account().is_closed("o")
        assert desk.account().portfolio.amendments == {}
        assert desk.state.open_order_count == 0
    else:
        assert shapes(desk) == left


def test_an_order_filled_in_full_stays_open_while_it_may_have_become_larger() -> None:
    for ending, flag in (("confirm", ""), ("withdraw", "late")):
        desk = with_order()
        change(desk, -8)
        desk.fill("o", "NEAR", -5, MARK)
        assert shapes(desk) == ([], [3])
        assert desk.state.open_order_count == 1
        getattr(desk, ending)("o")
        assert desk.account().is_closed("o") is (flag == "late")
        assert desk.fill("o", "NEAR", -3, MARK).flag == flag
        assert desk.state.open_order_count == 0


@pytest.mark.parametrize("total", [-3, -1])
def test_a_change_down_to_what_is_filled_ends_the_order_when_the_venue_took_it(total: int) -> None:
    desk = with_order()
    desk.fill("o", "NEAR", -3, MARK)
    before = held(desk)
    assert change(desk, total) is RejectReason.NONE
    assert shapes(desk) == ([2], [])
    assert desk.account().orders["o"].amend_totals == (3,)
    assert held(desk) == before
    desk.confirm("o")
    assert desk.account().is_closed("o")
    assert desk.kept_risk().outflows == {}
    assert desk.fill("o", "NEAR", -1, MARK).flag == "late"


def test_a_change_down_to_what_is_filled_that_the_venue_refused_leaves_the_rest_open() -> None:
    desk = with_order()
    desk.fill("o", "NEAR", -3, MARK)
    change(desk, -3)
    desk.withdraw("o")
    assert shapes(desk) == ([2], [])
    assert desk.fill("o", "NEAR", -2, MARK).flag == ""


def test_totals_include_what_was_filled_before() -> None:
    desk = with_order()
    desk.fill("o", "NEAR", -2, MARK)
    assert change(desk, -6) is RejectReason.NONE
    assert shapes(desk) == ([3], [4])
    desk.fill("o", "NEAR", -1, MARK)
    desk.confirm("o")
    assert shapes(desk) == ([3], [])
    assert change(desk, -4) is RejectReason.NONE
    assert shapes(desk) == ([3], [1])


@pytest.mark.parametrize("release_all", [False, True])
def test_a_release_frees_both_shapes(release_all: bool) -> None:
    desk = with_order()
    change(desk, -8, "100900")
    if release_all:
        answer = desk.desk.orders.release_all("a", desk.fresh_id(), "d", desk.now_ns)
    else:
        answer = desk.release("o")
    assert answer.released_count == 1
    assert answer.risk is not None
    assert answer.risk.initial == 0
    assert desk.account().portfolio.amendments == {}
    assert desk.confirm("o").flag == "late"


def test_one_leg_of_several_may_change_alone() -> None:
    desk = with_order()
    legs = (desk.leg("CALL", 2, "200"), desk.leg("NEAR", -1, MARK))
    desk.check(*legs, order_id="two")
    desk.fill("two", "CALL", 2, "200")
    desk.amend("two", desk.amend_leg("CALL", 1, "200"), desk.amend_leg("NEAR", -4, MARK))
    desk.confirm("two")
    memo = desk.account().orders["two"]
    assert memo.totals == (2, 4)
    (leg,) = desk.account().portfolio.legs["two"]
    assert (leg.row, leg.lots, leg.number) == (desk.row("NEAR"), 4, 1)


def test_the_answer_of_the_venue_counts_once_however_often_it_is_told() -> None:
    for ending in ("confirm", "withdraw"):
        desk = with_order()
        change(desk, -8)
        getattr(desk, ending)("o", "r")
        events = len(desk.events())
        change(desk, -9)
        last_seq = desk.state.last_seq
        for each in (desk, restarted(desk)):
            again = getattr(each, ending)("o", "r")
            # The margin with the later change is shown, which must be durable first.
            assert (again.is_changed, again.flag, again.seq) == (True, "", last_seq)
            assert shapes(each)[1] == [9]
        assert desk.kinds()[events:] == ["amend_accepted"]


@pytest.mark.parametrize("ending", ["confirm", "withdraw"])
def test_an_answer_to_no_pending_change_is_flagged(ending: str) -> None:
    desk = with_order()
    tell = getattr(desk, ending)
    for order_id, flag in (("o", "late"), ("unheard", "unknown_order")):
        answer = tell(order_id, f"r-{order_id}")
        assert (answer.is_changed, answer.flag) == (False, flag)
        assert answer.risk == desk.kept_risk().risk
    change(desk, -8)
    released = desk.release("o")
    answer = tell("o", "r")
    assert (answer.is_changed, answer.flag) == (False, "late")
    # It rests on the release, which must be durable first.
    assert answer.seq >= released.seq
    assert folded_again(desk).accounts == desk.state.accounts


@pytest.mark.parametrize("ending", ["confirm", "withdraw"])
def test_the_retry_of_an_answer_that_came_too_early_settles_no_later_change(ending: str) -> None:
    desk = with_order()
    tell = getattr(desk, ending)
    tell("o", "r")
    change(desk, -8)
    again = tell("o", "r")
    assert (again.is_changed, again.flag, again.seq) == (False, "late", desk.state.last_seq)
    assert "o" in desk.account().portfolio.amendments


def test_answers_about_unknown_accounts_are_refused() -> None:
    amending = with_order().desk.amending
    for tell in (amending.confirm, amending.withdraw):
        with pytest.raises(UnknownName):
            tell("b", "o", "r", "d", 0)


def test_without_a_price_a_change_is_refused_and_its_answer_taken() -> None:
    desk = with_order()
    change(desk, -8)
    desk.quote(update({**MARKS, "NEAR": 0.0}))
    assert desk.confirm("o").risk is None
    assert change(desk, -9) is RejectReason.MARKET_DATA_MISSING
    desk.quote()
    assert desk.kept_risk().risk == with_order(-8).kept_risk().risk


def test_a_change_is_decided_at_the_prices_of_now_and_both_shapes_follow_them() -> None:
    desk = with_order()
    change(desk, -8)
    desk.quote(update({**MARKS, "NEAR": 102_000.0}))
    pending = desk.kept_risk().risk
    assert pending.initial > with_order(-8).kept_risk().risk.initial
    desk.confirm("o")
    assert desk.kept_risk().risk == pending


def test_the_end_of_a_hold_outlives_changes_and_ends_with_the_order() -> None:
    desk = sound_desk()
    desk.open(usd="100000")
    desk.check(desk.leg("NEAR", -5, MARK), order_id="o", hold_ns=30)
    change(desk, -8)
    desk.confirm("o")
    assert desk.state.expiring == {("a", "o"): 30}
    assert desk.account().orders["o"].hold_ns == 30
    change(desk, -9)
    desk.release("o")
    assert desk.state.expiring == {}


def test_a_change_hands_over_the_market_it_was_decided_on() -> None:
    desk = small_desk()
    desk.open(usd="100000")
    desk.check(desk.leg("NEAR", -5, MARK), order_id="o")
    desk.shard.take_pending()
    desk.quote(update({**MARKS, "NEAR": 100_500.0}))
    decision = desk.amend("o", desk.amend_leg("NEAR", -6, MARK)).decision
    pending = desk.shard.take_pending()
    assert [each.version for each in pending.markets] == [decision.market_version]
    assert [each.kind for each in pending.events] == ["amend_accepted"]
    desk.confirm("o")
    assert desk.shard.take_pending().markets == ()


def test_old_lots_may_fill_at_the_old_limit_and_the_rest_at_the_new_one() -> None:
    """[SPAN-17]"""
    desk, both = (with_order(10, "102000", usd="1000000") for _ in range(2))
    assert change(desk, 20, MARK) is RejectReason.NONE
    both.check(both.leg("NEAR", 10, MARK))
    assert desk.kept_risk().risk == both.kept_risk().risk
    for price in ("102000", MARK):
        before = desk.kept_risk().risk.headroom
        assert desk.fill("o", "NEAR", 10, price, fee="0").flag == ""
        assert desk.kept_risk().risk.headroom >= before
        desk.confirm("o")
    assert desk.account().is_closed("o")


def test_legs_that_may_fill_alone_are_each_held_at_the_larger_of_both_shapes() -> None:
    """[SPAN-17]"""
    desk, largest = (with_order(usd="1000000") for _ in range(2))
    desk.check(desk.leg("NEAR", 9, MARK), desk.leg("FAR", 1, "104000"), order_id="two")
    desk.amend("two", desk.amend_leg("NEAR", 1, MARK), desk.amend_leg("FAR", 9, "104000"))
    largest.check(largest.leg("NEAR", 9, MARK), largest.leg("FAR", 9, "104000"))
    assert desk.kept_risk().risk == largest.kept_risk().risk
