"""Every rule with its reason, and which of two failing rules speaks. [DEC-05]"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from margingate_engine.check.decide import decide
from margingate_engine.check.explain import also_failing
from margingate_engine.check.question import (
    Freshness,
    Gates,
    Limits,
    Policy,
    Question,
    RequestedLeg,
)
from margingate_engine.check.rules import RULES, first_refusal, kill_switch
from margingate_engine.check.sizing import LOTS_MAX
from margingate_engine.core.reasons import RejectReason
from tests.unit.engine.small_market import NANO, NEAR_NS, USD, SmallMarket, small_market

MARKET = small_market()
RICH = MARKET.portfolio(10**6, 10**13)


def ask(*legs: RequestedLeg, market: SmallMarket = MARKET, **given: Any) -> Question:
    return market.question(RICH, *(legs or (MARKET.leg("NEAR", 1, "101000"),)), **given)


def reason(question: Question) -> RejectReason:
    outcome = decide(question)
    assert outcome.is_accepted == (outcome.reason is RejectReason.NONE)
    assert bool(outcome.detail) != outcome.is_accepted
    return outcome.reason


def test_a_plain_order_of_a_rich_account_passes_every_rule() -> None:
    assert first_refusal(ask()) is None
    assert reason(ask()) is RejectReason.NONE


ONE_FAILURE: dict[RejectReason, Question] = {
    RejectReason.REQUEST_EXPIRED: ask(gates=Gates(is_expired_request=True)),
    RejectReason.KILL_SWITCH: ask(gates=Gates(is_killed=True)),
    RejectReason.ACCOUNT_SUSPENDED: ask(gates=Gates(is_suspended=True)),
    RejectReason.INSTRUMENT_NOT_TRADABLE: ask(market=small_market(halted=frozenset({"NEAR"}))),
    RejectReason.OFF_TICK: ask(MARKET.leg("NEAR", 1, "101000.25")),
    RejectReason.OFF_LOT: ask(MARKET.leg("NEAR", Decimal("1.5"), "101000")),
    RejectReason.DUPLICATE_ORDER_ID: ask(gates=Gates(is_duplicate_order=True)),
    RejectReason.MAX_ORDER_QUANTITY: ask(limits=Limits(quantity_nano_max=NANO // 10 - 1)),
    RejectReason.REDUCE_ONLY_WOULD_INCREASE: ask(is_reduce_only=True),
    RejectReason.MARKET_DATA_MISSING: ask(freshness=Freshness(missing_subject="FAR")),
    RejectReason.MARKET_DATA_STALE: ask(freshness=Freshness(stale_subject="BTC")),
    RejectReason.MARKET_DATA_SUSPECT: ask(freshness=Freshness(suspect_subject="BTC")),
    RejectReason.MAX_ORDER_NOTIONAL: ask(limits=Limits(notional_micro_max=10_100 * USD - 1)),
    RejectReason.PRICE_COLLAR: ask(MARKET.leg("NEAR", 1, None)),
}


@pytest.mark.parametrize("expected", ONE_FAILURE)
def test_a_failing_rule_gives_its_reason_and_no_margin(expected: RejectReason) -> None:
    """[DEC-07]"""
    outcome = decide(ONE_FAILURE[expected])
    assert outcome.reason is expected
    assert outcome.detail
    assert outcome.before is outcome.after is None
    assert not outcome.legs
    assert outcome.hold is None


def test_every_rule_was_tried_in_the_order_of_the_numbers_but_for_doubt_which_follows_age() -> None:
    in_order = [each for each, _ in RULES]
    assert in_order == list(ONE_FAILURE)
    by_number = sorted(ONE_FAILURE)
    by_number.remove(RejectReason.MARKET_DATA_SUSPECT)
    by_number.insert(
        by_number.index(RejectReason.MARKET_DATA_STALE) + 1, RejectReason.MARKET_DATA_SUSPECT
    )
    assert in_order == by_number


def merged(one: Question, other: Question) -> Question | None:
    """A question that fails as both do; None where both change the leg."""
    plain = ask()
    if one.order != plain.order and other.order not in (plain.order, one.order):
        return None
    gates = {
        name: getattr(one.gates, name) or getattr(other.gates, name)
        for name in Gates.__dataclass_fields__
    }
    pick = {
        name: getattr(one, name)
        if getattr(one, name) != getattr(plain, name)
        else getattr(other, name)
        for name in ("order", "limits", "freshness")
    }
    if one.limits != plain.limits and other.limits not in (plain.limits, one.limits):
        pick["limits"] = Limits(quantity_nano_max=1, notional_micro_max=1)
    if one.freshness != plain.freshness and other.freshness not in (
        plain.freshness,
        one.freshness,
    ):
        pick["freshness"] = Freshness(
            **{
                name: getattr(one.freshness, name) or getattr(other.freshness, name)
                for name in ("missing_subject", "stale_subject", "suspect_subject")
            }
        )
    arrays = one.arrays if one.arrays is not MARKET.arrays else other.arrays
    return replace(plain, gates=Gates(**gates), arrays=arrays, **pick)


BOTH_FAILURES = {
    (first, second): both
    for first, one in ONE_FAILURE.items()
    for second, other in ONE_FAILURE.items()
    if (both := merged(one, other)) is not None
}


@pytest.mark.parametrize(("first", "second"), BOTH_FAILURES)
def test_of_two_failing_rules_the_one_of_higher_precedence_speaks(
    first: RejectReason, second: RejectReason
) -> None:
    both = BOTH_FAILURES[first, second]
    higher, lower = sorted((first, second), key=list(ONE_FAILURE).index)
    assert decide(both).reason is higher
    if first is not second and RejectReason.INSTRUMENT_NOT_TRADABLE not in {first, second}:
        assert set(also_failing(both, higher)) <= {lower}


def test_an_option_that_expired_by_the_markets_own_clock_is_not_tradable() -> None:
    at_expiry, before = (
        small_market(market_time_ns=NEAR_NS),
        small_market(market_time_ns=NEAR_NS - 1),
    )
    assert reason(ask(market=at_expiry)) is RejectReason.INSTRUMENT_NOT_TRADABLE
    assert reason(ask(market=before)) is RejectReason.NONE


def test_an_underlying_without_parameters_is_not_tradable() -> None:
    sol = ask(MARKET.leg("SOL-PERPETUAL", 1, "150"))
    assert reason(sol) is RejectReason.INSTRUMENT_NOT_TRADABLE


@pytest.mark.parametrize(
    ("name", "limit", "is_on_tick"),
    [
        ("NEAR", "101000.5", True),
        ("NEAR", "101000.4", False),
        ("NEAR", "0", False),  # a future has a price
        ("CALL", "0", True),  # an option may be worth nothing
        ("COIN-CALL", "0.0049", True),
        ("COIN-CALL", "0.005", True),
        ("COIN-CALL", "0.0051", False),  # above 0.005 the tick is 0.0005
        ("COIN-CALL", "0.0055", True),
        ("CALL", "0.50000000000000001", False),
        ("BTC", "0", False),
    ],
)
def test_limits_keep_to_the_tick_of_their_price(name: str, limit: str, is_on_tick: bool) -> None:
    taken = decide(ask(MARKET.leg(name, 1, limit))).reason
    assert (taken is not RejectReason.OFF_TICK) == is_on_tick


def test_the_quantity_limit_of_inverse_futures_is_its_own_and_in_usd() -> None:
    limits = Limits(quantity_nano_max=NANO // 10, quantity_usd_nano_max=20 * NANO)
    assert (
        reason(ask(MARKET.leg("COIN-PERPETUAL", 2, "100000"), limits=limits)) is RejectReason.NONE
    )
    too_many = ask(MARKET.leg("COIN-PERPETUAL", 3, "100000"), limits=limits)
    assert reason(too_many) is RejectReason.MAX_ORDER_QUANTITY
    assert reason(ask(MARKET.leg("COIN-CALL", 1, "0.2"), limits=limits)) is RejectReason.NONE


def test_the_notional_of_all_legs_together_is_limited() -> None:
    """[DEC-07]"""
    legs = (MARKET.leg("NEAR", 1, "101000"), MARKET.leg("BTC", 1, "100000"))
    exactly = Limits(notional_micro_max=20_100 * USD)
    below = Limits(notional_micro_max=20_100 * USD - 1)
    assert reason(ask(*legs, limits=exactly)) is RejectReason.NONE
    assert reason(ask(*legs, limits=below)) is RejectReason.MAX_ORDER_NOTIONAL


@pytest.mark.parametrize(
    ("name", "side", "at_bound", "beyond"),
    [
        ("NEAR", 1, "102010", "102010.5"),  # 101,000 x 1.01
        ("NEAR", -1, "99990", "99989.5"),
        ("BTC", 1, "101000", "101000.5"),
        ("CALL", 1, "1200", "1200.5"),  # 200 and 1 % of the forward
        ("COIN-CALL", 1, "0.21", "0.2105"),  # 0.2 and 0.01 coins
        ("COIN-CALL", -1, "0.19", "0.1895"),
        ("COIN-PERPETUAL", -1, "99000", "98999.5"),
    ],
)
def test_a_limit_may_stand_at_the_collar_and_not_beyond_it(
    name: str, side: int, at_bound: str, beyond: str
) -> None:
    """[DEC-05]"""
    limits = Limits(collar_ppm=10_000)
    bound = ask(MARKET.leg(name, side, at_bound), limits=limits)
    worse = ask(MARKET.leg(name, side, beyond), limits=limits)
    better = ask(MARKET.leg(name, -side, beyond), limits=limits)
    assert reason(bound) is RejectReason.NONE
    assert reason(worse) is RejectReason.PRICE_COLLAR
    assert reason(better) is RejectReason.NONE


@pytest.mark.parametrize("lots", [LOTS_MAX, LOTS_MAX * 10**6, 10**40])
def test_a_quantity_beyond_any_range_is_refused_and_not_wrapped(lots: int) -> None:
    assert reason(ask(MARKET.leg("NEAR", lots, "101000"))) is RejectReason.MAX_ORDER_QUANTITY


@pytest.mark.parametrize("name", ["NEAR", "COIN-CALL", "COIN-PERPETUAL", "BTC", "FAR-PUT"])
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("lots", [LOTS_MAX - 1, 2**48, 2**40, 2**33])
def test_the_largest_quantities_get_an_answer_and_never_an_acceptance(
    name: str, side: int, lots: int
) -> None:
    limit = "0.2" if name == "COIN-CALL" else "10" if name == "FAR-PUT" else "100000"
    outcome = decide(ask(MARKET.leg(name, side * lots, limit)))
    assert not outcome.is_accepted
    if outcome.before is not None and outcome.after is not None:
        assert outcome.after.initial >= outcome.before.initial


def test_legs_that_are_in_range_alone_and_not_together_are_refused() -> None:
    lots = 2**62 // MARKET.arrays.gross_i[MARKET.row("NEAR")] * 2 // 3
    leg = MARKET.leg("NEAR", lots, "101000")
    assert reason(ask(leg)) is RejectReason.INSUFFICIENT_INITIAL_MARGIN
    assert reason(ask(leg, leg)) is RejectReason.MAX_ORDER_QUANTITY


def test_rules_that_need_whole_lots_or_prices_are_left_out_of_the_list_without_them() -> None:
    question = ask(
        MARKET.leg("NEAR", Decimal("1.5"), "101000.25"),
        gates=Gates(is_suspended=True),
        limits=Limits(notional_micro_max=1, collar_ppm=1, quantity_nano_max=1),
        freshness=Freshness(missing_subject="NEAR", stale_subject="BTC", suspect_subject="BTC"),
    )
    assert also_failing(question, RejectReason.ACCOUNT_SUSPENDED) == (
        RejectReason.OFF_TICK,
        RejectReason.OFF_LOT,
        RejectReason.MAX_ORDER_QUANTITY,
        RejectReason.MARKET_DATA_MISSING,
        RejectReason.MARKET_DATA_STALE,
        RejectReason.MARKET_DATA_SUSPECT,
    )


def test_without_an_account_the_rules_still_speak() -> None:
    unpriced = replace(ask(freshness=Freshness(missing_subject="FAR")), account=None)
    assert reason(unpriced) is RejectReason.MARKET_DATA_MISSING
    killed = replace(unpriced, gates=Gates(is_killed=True))
    assert reason(killed) is RejectReason.KILL_SWITCH


@pytest.mark.parametrize(
    ("lots", "may_pass"),
    [
        ((-3,), True),
        ((-3.5,), False),
        ((-4,), False),
        ((-6,), False),
        ((1,), False),
        ((-2, -1), True),
        ((-2, -2), False),
    ],
)
def test_who_may_only_reduce_may_close_and_neither_grow_nor_turn_over(
    lots: tuple[float, ...], may_pass: bool
) -> None:
    """[DEC-08] five are held and two of them are on sale"""
    portfolio = MARKET.portfolio(10**6, NEAR=5)
    portfolio.legs["resting"] = (MARKET.open_leg("NEAR", -2, "101000"),)
    portfolio.legs["more"] = (MARKET.open_leg("NEAR", 9, "101000"),)  # the other side is no matter
    legs = [MARKET.leg("NEAR", Decimal(each), "101000") for each in lots]
    policy = Policy(may_hedges_grow=True)
    question = MARKET.question(portfolio, *legs, gates=Gates(is_reduce_only=True), policy=policy)
    assert (kill_switch(question) is None) == may_pass
    assert kill_switch(replace(question, gates=Gates())) is None


def test_who_may_only_reduce_may_sell_the_coins_that_are_there() -> None:
    """[DEC-08] of spot, q is the cash in its coin: 0.25 coins, and a lot is 0.1"""
    gates, owner = Gates(is_reduce_only=True), MARKET.portfolio(10**6, 25 * 10**10)
    for lots, may_pass in ((-2, True), (-3, False), (1, False)):
        question = MARKET.question(owner, MARKET.leg("BTC", lots, "100000"), gates=gates)
        assert (kill_switch(question) is None) == may_pass
