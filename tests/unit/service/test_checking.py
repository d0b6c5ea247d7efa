"""Checks: what is held, what is remembered, and what binds nothing."""

from dataclasses import replace
from decimal import Decimal

import pytest

from margingate_engine.core.orders import Side
from margingate_engine.core.reasons import RejectReason
from margingate_server.ledger.numbers import LimitNumbers
from margingate_server.service.checking import max_size
from margingate_server.service.decisions import REQUEST_AGE_NS_MAX, CheckCommand
from margingate_server.service.refusals import RequestConflict, UnknownName
from tests.unit.engine.small_market import DAY_NS, MARKS, NEAR_NS
from tests.unit.service.small_desk import SECOND_NS, SmallDesk, small_desk, update


def funded(usd: str = "100000") -> SmallDesk:
    return small_desk().open(usd=usd)


def reason(desk: SmallDesk, *lots_and_price: object, **options: str) -> RejectReason:
    name, lots, price = lots_and_price
    leg = desk.leg(str(name), Decimal(str(lots)), None if price is None else str(price))
    return RejectReason(desk.check(leg, **options).decision.reason)


def test_an_accepted_order_holds_its_margin_at_once() -> None:
    desk = funded()
    # One lot short of NEAR at its mark of 101,000: size 0.1, loses 15 % of 10,100 USD, and the
    # rounding reserve of 1 unit.
    answer = desk.check(desk.leg("NEAR", -1, "101000"), order_id="o")
    assert answer.decision.reason == 0
    assert answer.decision.after is not None
    assert answer.decision.after.initial == 1_515_000_000 + 1
    assert desk.kept_risk().risk.initial == 1_515_000_000 + 1
    assert desk.account().orders.keys() == {"o"}


def test_the_next_order_is_decided_on_what_the_first_left() -> None:
    desk = funded("1600")
    assert reason(desk, "NEAR", -1, "101000") is RejectReason.NONE
    assert reason(desk, "NEAR", -1, "101000") is RejectReason.INSUFFICIENT_INITIAL_MARGIN


def test_a_yes_is_answered_again_to_the_same_request() -> None:
    desk = funded()
    first = desk.check(desk.leg("CALL", 1, "200"), order_id="o", request_id="r")
    desk.now_ns += REQUEST_AGE_NS_MAX
    desk.quote(update(index=50_000.0))
    again = desk.check(desk.leg("CALL", 1, "200"), order_id="o", request_id="r")
    assert (first.is_replayed, again.is_replayed) == (False, True)
    assert again.decision == first.decision
    assert again.seq == first.seq > 0
    assert len(desk.account().orders) == 1


def test_a_no_from_margin_is_answered_again_even_when_it_would_be_a_yes_now() -> None:
    desk = funded("1")
    first = desk.check(desk.leg("NEAR", -1, "101000"), order_id="o", request_id="r")
    assert first.decision.reason == RejectReason.INSUFFICIENT_INITIAL_MARGIN
    desk.deposit("100000")
    again = desk.check(desk.leg("NEAR", -1, "101000"), order_id="o", request_id="r")
    assert again.is_replayed
    assert again.decision == first.decision
    assert again.seq == first.seq > 0
    assert reason(desk, "NEAR", -1, "101000", order_id="o") is RejectReason.NONE


def test_a_no_from_want_of_cash_is_remembered_too() -> None:
    desk = funded("0")
    first = desk.check(desk.leg("COIN-PUT", 1, "0.001"), request_id="r", order_id="o")
    assert first.decision.reason == RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY
    assert desk.check(desk.leg("COIN-PUT", 1, "0.001"), request_id="r", order_id="o").is_replayed


def test_a_no_by_a_rule_binds_nothing_and_leaves_no_event() -> None:
    desk = funded()
    events = len(desk.events())
    first = desk.check(desk.leg("NEAR", 1, "100.1"), order_id="o", request_id="r")
    assert first.decision.reason == RejectReason.OFF_TICK
    second = desk.check(desk.leg("NEAR", 1, "100"), order_id="o", request_id="r", digest="other")
    assert (second.decision.reason, second.is_replayed) == (0, False)
    assert [each.kind for each in desk.events()[events:]] == ["order_accepted"]


@pytest.mark.parametrize("is_yes", [True, False])
def test_the_same_id_with_another_body_is_a_conflict(is_yes: bool) -> None:
    desk = funded("100000" if is_yes else "1")
    desk.check(desk.leg("NEAR", 1, "101000"), order_id="o", request_id="r")
    with pytest.raises(RequestConflict):
        desk.check(desk.leg("NEAR", 2, "101000"), order_id="o", request_id="r", digest="other")


def test_an_id_that_did_something_else_is_a_conflict() -> None:
    desk = funded()
    desk.desk.admin.suspend("a", "", "r", "d", desk.now_ns)
    with pytest.raises(RequestConflict):
        desk.check(desk.leg("NEAR", 1, "101000"), request_id="r")


@pytest.mark.parametrize(
    ("off_ns", "expected"),
    [
        (-REQUEST_AGE_NS_MAX, RejectReason.NONE),
        (-REQUEST_AGE_NS_MAX - 1, RejectReason.REQUEST_EXPIRED),
        (REQUEST_AGE_NS_MAX, RejectReason.NONE),
        (REQUEST_AGE_NS_MAX + 1, RejectReason.REQUEST_EXPIRED),
    ],
)
def test_a_request_over_an_hour_off_is_expired(off_ns: int, expected: RejectReason) -> None:
    desk = funded()
    command = CheckCommand(
        account="a",
        request_id="r",
        digest="d",
        order=desk.order(desk.leg("CALL", 1, "200")),
        sent_ns=desk.now_ns + off_ns,
    )
    assert desk.desk.checking.check(command, desk.now_ns).decision.reason == expected


def test_an_order_id_in_use_or_used_before_is_a_duplicate() -> None:
    desk = funded()
    assert reason(desk, "CALL", 1, "200", order_id="o") is RejectReason.NONE
    assert reason(desk, "CALL", 1, "200", order_id="o") is RejectReason.DUPLICATE_ORDER_ID
    desk.release("o")
    assert reason(desk, "CALL", 1, "200", order_id="o") is RejectReason.DUPLICATE_ORDER_ID


def test_a_preview_gives_the_answer_of_a_check_and_changes_nothing() -> None:
    desk = funded("1600")
    order = desk.order(desk.leg("NEAR", -1, "101000"), order_id="o")
    events, version = len(desk.events()), desk.account().version
    previewed, explained = desk.desk.checking.preview("a", order, desk.now_ns, has_explanation=True)
    assert len(desk.events()) == events
    checked = desk.check(desk.leg("NEAR", -1, "101000"), order_id="o").decision
    assert previewed.decision == checked
    assert checked.account_version == version
    assert explained is not None
    assert explained.before is not None
    assert explained.after is not None
    assert checked.after is not None
    assert explained.after.amount == checked.after.initial
    assert explained.scenarios_after[0].with_orders_s.min() == -checked.after.initial


def test_the_explanation_of_a_refusal_by_a_rule_names_the_other_rules() -> None:
    desk = funded()
    order = desk.order(desk.leg("NEAR", Decimal("0.5"), "100.1"))
    previewed, explained = desk.desk.checking.preview("a", order, desk.now_ns, has_explanation=True)
    assert previewed.decision.reason == RejectReason.OFF_TICK
    assert explained is not None
    assert explained.before is None
    assert explained.also_failing == (RejectReason.OFF_LOT,)


def test_a_remembered_decision_can_be_looked_up_and_nothing_else() -> None:
    desk = funded("1600")
    yes = desk.check(desk.leg("CALL", 1, "200"), request_id="yes")
    no = desk.check(desk.leg("NEAR", -9, "101000"), request_id="no")
    desk.check(desk.leg("NEAR", 1, "0.1"), request_id="rule")
    desk.desk.admin.resume("a", "resumed", "d", desk.now_ns)
    look = desk.desk.checking.decision_of
    assert look("a", "yes") == replace(yes, is_replayed=True)
    assert look("a", "no") == replace(no, is_replayed=True)
    for request_id in ("rule", "resumed", "never"):
        with pytest.raises(UnknownName):
            look("a", request_id)
    with pytest.raises(UnknownName):
        look("b", "yes")


def test_without_a_price_of_what_is_ordered_or_held_there_is_no_yes() -> None:
    desk = funded()
    desk.quote(update({**MARKS, "FAR": 0.0}))
    ordered = desk.check(desk.leg("FAR", 1, "104000")).decision
    assert (ordered.reason, ordered.detail) == (
        RejectReason.MARKET_DATA_MISSING,
        "no price for FAR",
    )
    assert ordered.before is None
    desk.fill("unknown", "FAR", 1, "104000")
    held = desk.check(desk.leg("CALL", 1, "200")).decision
    assert (held.reason, held.detail) == (RejectReason.MARKET_DATA_MISSING, "no price for FAR")


def test_an_underlying_without_parameters_is_not_tradable() -> None:
    desk = funded()
    assert reason(desk, "SOL-PERPETUAL", 1, "150") is RejectReason.INSTRUMENT_NOT_TRADABLE


def test_an_index_too_old_refuses_and_a_younger_one_heals() -> None:
    desk = funded()
    desk.now_ns += 10 * SECOND_NS
    assert reason(desk, "CALL", 1, "200") is RejectReason.NONE
    desk.now_ns += 1
    stale = desk.check(desk.leg("CALL", 1, "200")).decision
    assert (stale.reason, stale.detail) == (
        RejectReason.MARKET_DATA_STALE,
        "price of BTC is too old",
    )
    desk.quote()
    assert reason(desk, "CALL", 1, "200") is RejectReason.NONE


def test_an_instrument_too_old_refuses_only_who_rests_on_it() -> None:
    desk = funded()
    desk.hold(FAR=1)
    desk.open("b", usd="100000")
    desk.now_ns += 61 * SECOND_NS
    others = {name: mark for name, mark in MARKS.items() if name != "FAR"}
    desk.quote(update(others))
    held = desk.check(desk.leg("CALL", 1, "200")).decision
    assert (held.reason, held.detail) == (
        RejectReason.MARKET_DATA_STALE,
        "price of FAR is too old",
    )
    assert desk.check(desk.leg("CALL", 1, "200"), account="b").decision.reason == 0
    ordered = desk.check(desk.leg("FAR", 1, "104000"), account="b").decision
    assert ordered.reason == RejectReason.MARKET_DATA_STALE


def test_an_open_order_on_a_stale_instrument_refuses_too() -> None:
    desk = funded()
    desk.check(desk.leg("FAR", 1, "104000"))
    desk.now_ns += 61 * SECOND_NS
    desk.quote(update({"CALL": MARKS["CALL"]}))
    assert reason(desk, "CALL", 1, "200") is RejectReason.MARKET_DATA_STALE


def test_an_expired_instrument_that_is_held_is_exempt_from_its_own_age() -> None:
    desk = funded()
    desk.hold(NEAR=1)
    desk.now_ns += 61 * SECOND_NS
    others = {"FAR-CALL": MARKS["FAR-CALL"]}
    desk.quote(update(others, market_time_ns=NEAR_NS - 1))
    assert reason(desk, "FAR-CALL", 1, "12000") is RejectReason.MARKET_DATA_STALE
    desk.quote(update(others, market_time_ns=NEAR_NS))
    assert reason(desk, "FAR-CALL", 1, "12000") is RejectReason.NONE
    assert reason(desk, "NEAR", 1, "101000") is RejectReason.INSTRUMENT_NOT_TRADABLE


def test_a_coin_held_as_collateral_rests_on_its_index() -> None:
    desk = small_desk().open(usd="100000", coins="1")
    desk.now_ns += 11 * SECOND_NS
    desk.quote(update({"CALL": MARKS["CALL"]}, index=None, market_time_ns=2 * DAY_NS))
    assert reason(desk, "CALL", 1, "200") is RejectReason.MARKET_DATA_STALE


def test_the_largest_size_is_accepted_and_one_lot_more_is_not() -> None:
    desk = funded("10000")
    leg = desk.leg("NEAR", -1, "101000")
    lots, why = max_size(desk.desk.checking.asked("a", desk.order(leg), desk.now_ns))
    assert (lots, why) == (6, RejectReason.INSUFFICIENT_INITIAL_MARGIN)
    assert reason(desk, "NEAR", -7, "101000") is RejectReason.INSUFFICIENT_INITIAL_MARGIN
    assert reason(desk, "NEAR", -6, "101000") is RejectReason.NONE


@pytest.mark.parametrize("name", ["NEAR", "CALL", "COIN-CALL", "BTC", "COIN-PERPETUAL"])
@pytest.mark.parametrize("side", [1, -1])
def test_the_largest_price_and_size_of_the_grammar_get_a_decision(name: str, side: int) -> None:
    desk = small_desk().open(usd="100000", coins="1")
    for lots, price in ((1, "9" * 18), (10**15, "1"), (10**15, "9" * 18)):
        decision = desk.check(desk.leg(name, side * lots, price)).decision
        assert isinstance(RejectReason(decision.reason), RejectReason)
        order = desk.order(desk.leg(name, side, price))
        assert max_size(desk.desk.checking.asked("a", order, desk.now_ns))[0] >= 0


def test_a_price_beyond_the_integers_is_refused_as_such() -> None:
    desk = funded()
    decision = desk.check(desk.leg("NEAR", 1, "9" * 18)).decision
    assert decision.reason == RejectReason.MAX_ORDER_QUANTITY
    assert decision.detail.endswith("beyond the range of the risk integers")


def test_a_market_order_is_held_at_its_collar() -> None:
    desk = funded()
    assert reason(desk, "NEAR", 1, None) is RejectReason.PRICE_COLLAR
    limits = LimitNumbers(collar_ppm=10_000)
    desk.desk.admin.set_limits("a", limits, desk.fresh_id(), "d", desk.now_ns)
    assert reason(desk, "NEAR", 1, None, order_id="o") is RejectReason.NONE
    (leg,) = desk.account().portfolio.legs["o"]
    assert leg.price_nano == 102_010 * 10**9


def test_an_order_of_several_legs_is_all_or_none() -> None:
    desk = funded("1700")
    legs = (desk.leg("NEAR", -1, "101000"), desk.leg("NEAR", -1, "101000"))
    assert desk.check(*legs).decision.reason == RejectReason.INSUFFICIENT_INITIAL_MARGIN
    assert desk.account().portfolio.legs == {}
    offset = (desk.leg("NEAR", -1, "101000"), desk.leg("NEAR", 1, "101000"))
    assert desk.check(*offset, order_id="o").decision.reason == 0
    assert [leg.side for leg in desk.account().portfolio.legs["o"]] == [Side.SELL, Side.BUY]


def test_a_refusal_by_a_rule_waits_for_what_the_rule_read() -> None:
    desk = funded()
    first = desk.check(desk.leg("CALL", 1, "200"), order_id="o")
    again = desk.check(desk.leg("CALL", 1, "200"), order_id="o")
    assert again.decision.reason == RejectReason.DUPLICATE_ORDER_ID
    assert again.seq == first.seq > 0
    _, suspended = desk.desk.admin.suspend("a", "", desk.fresh_id(), "d", desk.now_ns)
    refused = desk.check(desk.leg("CALL", 1, "200"))
    assert refused.decision.reason == RejectReason.ACCOUNT_SUSPENDED
    assert refused.seq == suspended


def test_an_order_of_which_some_was_filled_is_with_the_venue_and_not_to_be_sent_again() -> None:
    desk = funded("100000")
    leg = desk.leg("NEAR", -5, "101000")
    first = desk.check(leg, order_id="o", request_id="r")
    desk.fill("o", "NEAR", -2, "101000")
    again = desk.check(leg, order_id="o", request_id="r")
    assert (again.is_replayed, again.is_held, again.order) == (True, False, first.order)
    assert not desk.desk.checking.decision_of("a", "r").is_held


def test_a_retry_says_whether_the_order_still_holds_its_margin() -> None:
    desk = funded("1600")
    leg = desk.leg("CALL", 1, "200")
    first = desk.check(leg, order_id="o", request_id="r")
    assert first.is_held
    assert desk.check(leg, order_id="o", request_id="r").is_held
    assert desk.desk.checking.decision_of("a", "r").is_held
    desk.release("o")
    again = desk.check(leg, order_id="o", request_id="r")
    assert (again.is_replayed, again.is_held, again.decision) == (True, False, first.decision)
    assert not desk.desk.checking.decision_of("a", "r").is_held
    refused = desk.check(desk.leg("NEAR", -9, "101000"), order_id="p", request_id="no")
    assert not refused.is_held
