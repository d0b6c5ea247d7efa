"""Changes of open orders: decided in one step, both shapes held until an answer. [DEC-09]"""

from dataclasses import replace
from decimal import Decimal

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.reasons import RejectReason
from margingate_server.ledger.events import KillSwitchEngaged
from margingate_server.ledger.numbers import LimitNumbers
from margingate_server.service.amending import AmendLeg
from margingate_server.service.decisions import REQUEST_AGE_NS_MAX
from margingate_server.service.refusals import AmendPending, RequestConflict, UnknownName
from tests.property.totals import totals_of
from tests.unit.engine.small_market import MARKS
from tests.unit.service.small_desk import SmallDesk, folded_again, restarted, update
from tests.unit.service.sound_desk import SoundDesk, sound_desk

MARK = "101000"


def with_order(lots: int = -5, price: str = MARK, usd: str = "100000") -> SoundDesk:
    """Account a with cash and order o on NEAR."""
    desk = sound_desk()
    desk.open(usd=usd)
    assert desk.check(desk.leg("NEAR", lots, price), order_id="o").decision.reason == 0
    return desk


def change(desk: SmallDesk, lots: int, price: str = MARK, request_id: str = "") -> RejectReason:
    """Why a change of o to `lots` in total is refused."""
    leg = desk.amend_leg("NEAR", lots, price)
    return RejectReason(desk.amend("o", leg, request_id=request_id or None).decision.reason)


def shapes(desk: SmallDesk) -> tuple[list[int], list[int]]:
    """Open lots of o as it is, and as it is to become."""
    portfolio = desk.account().portfolio
    both = portfolio.legs["o"], portfolio.amendments.get("o", ())
    return tuple([leg.lots for leg in each] for each in both)  # type: ignore[return-value]


def held(desk: SmallDesk) -> dict[str, object]:
    return totals_of(desk.full_risk())


def impoverish(desk: SmallDesk) -> None:
    """Lose more than the account has, by a fill that is flat in the end."""
    desk.fill("unheard", "CALL", 1, "990000", fee="0")
    desk.fill("unheard", "CALL", -1, "0", fee="0")
    assert not desk.kept_risk().risk.is_margined


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


@pytest.mark.parametrize(
    ("lots", "price", "reason", "kinds"),
    [
        (-6, MARK, RejectReason.INSUFFICIENT_INITIAL_MARGIN, ["amend_rejected"]),
        (-6, "100000.1", RejectReason.OFF_TICK, []),
    ],
)
def test_a_refused_change_leaves_the_old_hold_bit_for_bit(
    lots: int, price: str, reason: RejectReason, kinds: list[str]
) -> None:
    desk = with_order(usd="8000")
    before, events = held(desk), len(desk.events())
    memo = desk.account().orders["o"]
    assert change(desk, lots, price) is reason
    assert held(desk) == before
    assert totals_of(desk.kept_risk()) == before
    assert shapes(desk) == ([5], [])
    assert desk.account().orders["o"] == memo
    assert desk.kinds()[events:] == kinds


def test_the_decision_compares_the_order_as_it_is_with_the_worse_of_both() -> None:
    desk = with_order()
    before = desk.kept_risk().risk
    decision = desk.amend("o", desk.amend_leg("NEAR", -8, MARK)).decision
    after = desk.kept_risk().risk
    assert decision.before is not None
    assert decision.after is not None
    assert (decision.before.equity, decision.before.initial) == (before.equity, before.initial)
    assert (decision.after.equity, decision.after.initial) == (after.equity, after.initial)
    assert after.initial > before.initial


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


def test_one_change_at_a_time() -> None:
    desk = with_order()
    change(desk, -8, request_id="r")
    before = held(desk)
    with pytest.raises(AmendPending):
        change(desk, -6)
    assert held(desk) == before
    assert desk.amend("o", desk.amend_leg("NEAR", -8, MARK), request_id="r").is_replayed
    desk.confirm("o")
    assert change(desk, -6) is RejectReason.NONE


@pytest.mark.parametrize("order_id", ["unheard", "closed"])
def test_only_what_is_open_can_be_changed(order_id: str) -> None:
    desk = with_order()
    desk.check(desk.leg("CALL", 1, "200"), order_id="closed")
    desk.release("closed")
    with pytest.raises(UnknownName) as refused:
        desk.amend(order_id, desk.amend_leg("CALL", 2, "200"))
    assert (refused.value.kind, refused.value.name) == ("order", order_id)


def test_a_change_names_every_leg_as_it_was_accepted() -> None:
    desk = with_order()
    legs = (desk.leg("CALL", 2, "200"), desk.leg("NEAR", -1, MARK))
    desk.check(*legs, order_id="two")
    call, near = desk.amend_leg("CALL", 3, "200"), desk.amend_leg("NEAR", -1, MARK)
    wrong: list[tuple[AmendLeg, ...]] = [
        (call,),
        (near, call),
        (call, near, near),
        (call, desk.amend_leg("NEAR", 1, MARK)),
        (desk.amend_leg("PUT", 3, "100"), near),
        (replace(call, instrument="UNLISTED"), near),
    ]
    for each in wrong:
        with pytest.raises(InvalidInput) as refused:
            desk.amend("two", *each)
        assert refused.value.field == "legs"
    assert desk.amend("two", call, near).decision.reason == 0


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


@pytest.mark.parametrize(("lots", "reason"), [(-6, 0), (-90, 22)])
def test_a_retry_gets_its_first_answer_after_a_restart_too(lots: int, reason: int) -> None:
    desk = with_order()
    leg = desk.amend_leg("NEAR", lots, MARK)
    first = desk.amend("o", leg, request_id="r")
    assert first.decision.reason == reason
    desk.withdraw("o")
    desk.release("o")
    desk.now_ns += 2 * REQUEST_AGE_NS_MAX
    for each in (desk, restarted(desk)):
        again = each.amend("o", leg, request_id="r")
        assert (again.decision, again.order, again.seq) == (first.decision, first.order, first.seq)
        assert again.is_replayed
        with pytest.raises(RequestConflict):
            each.amend("o", leg, request_id="r", digest="other")
        looked_up = each.desk.checking.decision_of("a", "r")
        assert looked_up == replace(first, is_replayed=True)


def test_a_refusal_by_a_rule_binds_nothing() -> None:
    desk = with_order()
    assert change(desk, -6, "0.1", request_id="r") is RejectReason.OFF_TICK
    with pytest.raises(UnknownName):
        desk.desk.checking.decision_of("a", "r")
    answer = desk.amend("o", desk.amend_leg("NEAR", -6, MARK), request_id="r", digest="other")
    assert (answer.decision.reason, answer.is_replayed) == (0, False)


def test_an_id_means_one_thing_for_good() -> None:
    desk = with_order()
    leg = desk.amend_leg("NEAR", -6, MARK)
    desk.check(desk.leg("CALL", 1, "200"), request_id="check", order_id="p")
    desk.amend("o", leg, request_id="amend")
    desk.confirm("o", "confirm")
    desk.amend("o", leg, request_id="again")
    desk.withdraw("o", "withdraw")
    calls = {
        "check": lambda used: desk.check(desk.leg("CALL", 1, "200"), request_id=used, order_id="p"),
        "amend": lambda used: desk.amend("o", leg, request_id=used),
        "confirm": lambda used: desk.confirm("o", used),
        "withdraw": lambda used: desk.withdraw("o", used),
        "release": lambda used: desk.release("o", used),
    }
    for used in ("check", "amend", "confirm", "withdraw"):
        for name, call in calls.items():
            if name != used:
                with pytest.raises(RequestConflict):
                    call(used)


@pytest.mark.parametrize(
    ("off_ns", "expected"),
    [
        (-REQUEST_AGE_NS_MAX, RejectReason.NONE),
        (REQUEST_AGE_NS_MAX + 1, RejectReason.REQUEST_EXPIRED),
        (-REQUEST_AGE_NS_MAX - 1, RejectReason.REQUEST_EXPIRED),
    ],
)
def test_a_change_sent_over_an_hour_ago_is_expired(off_ns: int, expected: RejectReason) -> None:
    desk = with_order()
    leg = desk.amend_leg("NEAR", -6, MARK)
    answer = desk.amend("o", leg, sent_ns=desk.now_ns + off_ns)
    assert answer.decision.reason == expected
    assert shapes(desk) == ([5], [6] if expected is RejectReason.NONE else [])


def test_the_answer_of_the_venue_counts_once_however_often_it_is_told() -> None:
    for ending in ("confirm", "withdraw"):
        desk = with_order()
        change(desk, -8)
        first = getattr(desk, ending)("o", "r")
        events = len(desk.events())
        change(desk, -9)
        for each in (desk, restarted(desk)):
            again = getattr(each, ending)("o", "r")
            assert (again.is_changed, again.flag, again.seq) == (True, "", first.seq)
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
    first = tell("o", "r")
    change(desk, -8)
    again = tell("o", "r")
    assert (again.is_changed, again.flag, again.seq) == (False, "late", first.seq)
    assert "o" in desk.account().portfolio.amendments


def test_answers_about_unknown_accounts_are_refused() -> None:
    amending = with_order().desk.amending
    for tell in (amending.confirm, amending.withdraw):
        with pytest.raises(UnknownName):
            tell("b", "o", "r", "d", 0)


@pytest.mark.parametrize(
    ("blocked", "reason"),
    [
        ("block_all", RejectReason.KILL_SWITCH),
        ("reduce_only", RejectReason.KILL_SWITCH),
        ("suspended", RejectReason.ACCOUNT_SUSPENDED),
    ],
)
@pytest.mark.parametrize("ending", ["confirm", "withdraw"])
def test_who_is_blocked_may_ask_for_no_more_but_is_heard(
    blocked: str, reason: RejectReason, ending: str
) -> None:
    desk = with_order()
    change(desk, -8)
    admin = desk.desk.admin
    if blocked == "suspended":
        admin.suspend("a", "", desk.fresh_id(), "d", desk.now_ns)
    else:
        switch = KillSwitchEngaged(scope="underlying", subject="BTC", mode=blocked, reason="")
        admin.engage_kill_switch(switch, desk.now_ns)
    assert getattr(desk, ending)("o").is_changed
    assert change(desk, -9) is reason
    shrunk = change(desk, -3)
    assert shrunk is (RejectReason.NONE if blocked == "reduce_only" else reason)


def test_an_under_margined_account_may_shrink_an_order_and_nothing_else() -> None:
    """[DEC-09]"""
    desk = with_order()
    impoverish(desk)
    for lots, price in ((-6, MARK), (-5, "100000"), (-4, "50000")):
        assert change(desk, lots, price) is RejectReason.STILL_UNDERMARGINED
    decision = desk.amend("o", desk.amend_leg("NEAR", -4, MARK)).decision
    assert (decision.reason, decision.is_risk_reducing) == (0, True)
    desk.confirm("o")
    assert shapes(desk) == ([4], [])


def test_a_better_price_is_no_reason_to_refuse_who_is_under_margined() -> None:
    desk = with_order()
    impoverish(desk)
    assert change(desk, -5, "101500") is RejectReason.NONE


def test_cash_must_cover_what_the_change_takes_beyond_the_order() -> None:
    desk = sound_desk()
    desk.open(usd="1000000", coins="1")
    desk.check(desk.leg("COIN-CALL", 10, "0.5"), order_id="o")
    beyond = desk.amend("o", desk.amend_leg("COIN-CALL", 21, "0.5")).decision
    assert beyond.reason == RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY
    assert desk.kept_risk().outflows == {"BTC": 5 * 10**11}
    assert desk.amend("o", desk.amend_leg("COIN-CALL", 20, "0.5")).decision.reason == 0
    assert desk.kept_risk().outflows == {"BTC": 10**12}
    other = desk.check(desk.leg("COIN-PUT", 1, "0.001")).decision
    assert other.reason == RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY
    desk.withdraw("o")
    assert desk.kept_risk().outflows == {"BTC": 5 * 10**11}


def test_a_change_to_a_market_order_is_held_at_the_collar() -> None:
    desk = with_order()
    leg = desk.amend_leg("NEAR", -5, None)
    assert desk.amend("o", leg).decision.reason == RejectReason.PRICE_COLLAR
    limits = LimitNumbers(collar_ppm=10_000)
    desk.desk.admin.set_limits("a", limits, desk.fresh_id(), "d", desk.now_ns)
    answer = desk.amend("o", leg)
    assert answer.decision.reason == 0
    assert answer.order.legs[0].is_market
    (pending,) = desk.account().portfolio.amendments["o"]
    assert pending.price_nano == 99_990 * 10**9


@pytest.mark.parametrize(
    ("lots", "reason"),
    [
        (Decimal("-6.5"), RejectReason.OFF_LOT),
        (Decimal(-(2**53)), RejectReason.MAX_ORDER_QUANTITY),
        (Decimal(-(2**53) + 1), RejectReason.MAX_ORDER_QUANTITY),
    ],
)
def test_the_rules_look_at_a_change_as_at_an_order(lots: Decimal, reason: RejectReason) -> None:
    desk = with_order()
    assert desk.amend("o", desk.amend_leg("NEAR", lots, MARK)).decision.reason == reason
    assert shapes(desk) == ([5], [])


def test_a_limit_looks_at_the_total_not_at_what_is_open() -> None:
    desk = with_order()
    limits = LimitNumbers(quantity_nano_max=5 * 10**8)
    desk.desk.admin.set_limits("a", limits, desk.fresh_id(), "d", desk.now_ns)
    desk.fill("o", "NEAR", -4, MARK)
    assert change(desk, -6) is RejectReason.MAX_ORDER_QUANTITY
    assert change(desk, -5) is RejectReason.NONE


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
