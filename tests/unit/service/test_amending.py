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
from tests.unit.service.changed_order import MARK, change, held, impoverish, shapes, with_order
from tests.unit.service.small_desk import SmallDesk, restarted
from tests.unit.service.sound_desk import sound_desk


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


def test_a_retried_acceptance_of_a_change_says_whether_the_change_is_held_still() -> None:
    desk = with_order()

    def is_held(each: SmallDesk, lots: int, request_id: str) -> bool:
        answer = each.amend("o", each.amend_leg("NEAR", lots, MARK), request_id=request_id)
        assert answer.decision.reason == 0
        assert each.desk.checking.decision_of("a", request_id).is_held == answer.is_held
        return answer.is_held

    assert is_held(desk, -6, "r")
    assert all(is_held(each, -6, "r") for each in (desk, restarted(desk)))
    desk.withdraw("o")
    # Who sent the change now would have more on the market than is held.
    assert not any(is_held(each, -6, "r") for each in (desk, restarted(desk)))
    assert is_held(desk, -6, "s")
    assert not is_held(desk, -6, "r")
    desk.confirm("o")
    assert not any(is_held(each, -6, "s") for each in (desk, restarted(desk)))
    assert is_held(desk, -7, "t")
    desk.release("o")
    assert not any(is_held(each, -7, "t") for each in (desk, restarted(desk)))


def test_a_retried_check_of_what_was_changed_does_not_allow_what_it_was() -> None:
    desk = with_order()
    first = desk.check(desk.leg("NEAR", -5, MARK), order_id="p", request_id="r")

    def again(each: SmallDesk) -> bool:
        looked_up = each.desk.checking.decision_of("a", "r")
        answer = each.check(each.leg("NEAR", -5, MARK), order_id="p", request_id="r")
        assert answer == looked_up
        assert answer.order == first.order
        return answer.is_held

    change_to = desk.amend_leg("NEAR", -3, MARK)
    assert desk.amend("p", change_to).decision.reason == 0
    assert not any(again(each) for each in (desk, restarted(desk)))
    desk.withdraw("p")
    assert all(again(each) for each in (desk, restarted(desk)))
    assert desk.amend("p", change_to).decision.reason == 0
    desk.confirm("p")
    assert not any(again(each) for each in (desk, restarted(desk)))


def test_a_retried_change_of_what_was_filled_since_is_to_be_asked_for_anew() -> None:
    desk = with_order()
    leg = desk.amend_leg("NEAR", -7, MARK)
    first = desk.amend("o", leg, request_id="r")
    desk.fill("o", "NEAR", -2, MARK)
    for each in (desk, restarted(desk)):
        answer = each.amend("o", leg, request_id="r")
        assert (answer.is_held, answer.order) == (False, first.order)
        assert each.desk.checking.decision_of("a", "r") == answer
    desk.withdraw("o")
    assert desk.amend("o", leg).is_held


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
        assert looked_up == replace(first, is_replayed=True, is_held=False)


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
