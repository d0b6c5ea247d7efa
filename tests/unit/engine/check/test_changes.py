"""Changes of open orders and reduce-only orders, by hand. [DEC-09, DEC-10]"""

from dataclasses import replace
from typing import Any

from margingate_engine.check.decide import Outcome, decide
from margingate_engine.check.question import Amend, Gates, Question, RequestedLeg
from margingate_engine.core.orders import Execution
from margingate_engine.core.reasons import RejectReason
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from tests.unit.engine.small_market import USD, small_market

MARKET = small_market()


def change(
    portfolio: Portfolio,
    old: tuple[OpenLeg, ...],
    *legs: RequestedLeg,
    filled: int = 0,
    **given: Any,
) -> Question:
    """The question whether the order `o`, of which `old` is open, may become these totals."""
    portfolio.legs["o"] = old
    question = MARKET.question(portfolio, *legs, **given)
    amends = Amend(legs=old, filled_lots=(filled,) * len(legs))
    return replace(question, portfolio=portfolio.without_order("o"), amends=amends)


def near(lots: int, price: str = "101000") -> tuple[OpenLeg, ...]:
    return (MARKET.open_leg("NEAR", lots, price),)


def after(outcome: Outcome) -> int:
    assert outcome.after is not None
    return outcome.after.headroom


def test_a_larger_order_needs_margin_for_what_it_has_more() -> None:
    enough = MARKET.portfolio(3 * 1_515)
    outcome = decide(change(enough, near(2), MARKET.leg("NEAR", 3, "101000")))
    assert outcome.is_accepted
    assert after(outcome) == 0
    assert outcome.hold is not None
    assert outcome.hold.by_group[0].lots == 1
    refused = decide(change(enough, near(2), MARKET.leg("NEAR", 4, "101000")))
    assert refused.reason is RejectReason.INSUFFICIENT_INITIAL_MARGIN


def test_fills_are_part_of_the_totals() -> None:
    portfolio = MARKET.portfolio(5 * 1_515, NEAR=2)
    outcome = decide(change(portfolio, near(1), MARKET.leg("NEAR", 5, "101000"), filled=2))
    assert outcome.is_accepted
    assert [leg.lots for leg in outcome.legs] == [3]
    assert after(outcome) == 0
    done = decide(change(portfolio, near(1), MARKET.leg("NEAR", 2, "101000"), filled=2))
    assert done.is_accepted
    assert done.legs == ()


def test_who_asks_for_no_more_at_no_worse_limit_may_always_change() -> None:
    """[DEC-09] in a margin call and under a reduce-only kill switch"""
    for gates in (Gates(), Gates(is_reduce_only=True)):
        poor = MARKET.portfolio(100)
        smaller = decide(change(poor, near(3), MARKET.leg("NEAR", 2, "101000"), gates=gates))
        assert smaller.is_accepted
        assert smaller.is_risk_reducing
        dearer = decide(change(poor, near(3), MARKET.leg("NEAR", 2, "101100"), gates=gates))
        assert not dearer.is_accepted
        larger = decide(change(poor, near(3), MARKET.leg("NEAR", 4, "101000"), gates=gates))
        assert not larger.is_accepted


def test_the_allowance_of_a_close_is_not_to_be_had_again_by_changing_it() -> None:
    """[DEC-02 b, DEC-09] 10.1 of 10,100 may be lost beyond what the short gives back, once"""
    short = MARKET.portfolio(100, NEAR=-5)
    # A lot needs 1,515 while it is short: filled at 116,150 the close loses that, at 116,251 10.1
    # more.
    for price, may_be in (("116150", True), ("116251", True), ("116251.5", False)):
        for old in ("101000", "116150", "116250"):
            outcome = decide(change(short, near(1, old), MARKET.leg("NEAR", 1, price)))
            assert outcome.is_accepted == may_be
    short.legs.clear()
    assert decide(MARKET.question(short, MARKET.leg("NEAR", 1, "116251"))).is_accepted
    assert not decide(MARKET.question(short, MARKET.leg("NEAR", 1, "116251.5"))).is_accepted


def test_cash_covers_what_a_change_takes_beyond_what_the_order_takes() -> None:
    """[DEC-03, DEC-09]"""
    portfolio = MARKET.portfolio(50)
    old = (MARKET.open_leg("CALL", 2, "200"),)
    assert decide(change(portfolio, old, MARKET.leg("CALL", 2, "250"))).is_accepted
    short = decide(change(portfolio, old, MARKET.leg("CALL", 2, "250.5")))
    assert short.reason is RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY


def test_a_reduce_only_order_is_cut_to_what_its_side_leaves_to_close() -> None:
    """[DEC-10]"""
    portfolio = MARKET.portfolio(10**5, NEAR=5)
    portfolio.legs["resting"] = near(-2)
    cut = decide(MARKET.question(portfolio, MARKET.leg("NEAR", -9, "101000"), is_reduce_only=True))
    assert [leg.lots for leg in cut.legs] == [3]
    growing = MARKET.question(portfolio, MARKET.leg("NEAR", 1, "101000"), is_reduce_only=True)
    assert decide(growing).reason is RejectReason.REDUCE_ONLY_WOULD_INCREASE


def test_legs_of_one_instrument_are_served_in_their_order() -> None:
    """[DEC-10]"""
    portfolio = MARKET.portfolio(10**5, NEAR=5)
    legs = [MARKET.leg("NEAR", lots, "101000") for lots in (-4, -4)]
    cut = decide(MARKET.question(portfolio, *legs, is_reduce_only=True))
    assert [(leg.number, leg.lots) for leg in cut.legs] == [(0, 4), (1, 1)]
    empty = decide(MARKET.question(portfolio, *legs, legs[0], is_reduce_only=True))
    assert empty.reason is RejectReason.REDUCE_ONLY_WOULD_INCREASE


def test_a_combo_is_not_cut() -> None:
    """[DEC-10]"""
    portfolio = MARKET.portfolio(10**5, NEAR=5, CALL=-2)
    for lots, passes in ((2, True), (3, False)):
        legs = (MARKET.leg("NEAR", -lots, "101000"), MARKET.leg("CALL", lots, "200"))
        question = MARKET.question(
            portfolio, *legs, is_reduce_only=True, execution=Execution.ATOMIC_COMBO
        )
        assert decide(question).is_accepted == passes


def test_of_a_changing_order_the_larger_shape_of_each_leg_leaves_the_less_to_close() -> None:
    """[DEC-10, SPAN-17]"""
    portfolio = MARKET.portfolio(10**5, NEAR=5)
    portfolio.legs["resting"] = near(-1)
    portfolio.amendments["resting"] = near(-4)
    question = MARKET.question(portfolio, MARKET.leg("NEAR", -5, "101000"), is_reduce_only=True)
    assert [leg.lots for leg in decide(question).legs] == [1]


def test_spot_is_cut_to_the_whole_lots_of_the_coins_that_are_there() -> None:
    """[DEC-10] 0.25 coins, and a lot is 0.1"""
    owner = MARKET.portfolio(10**5, 25 * 10**10)
    question = MARKET.question(owner, MARKET.leg("BTC", -9, "100000"), is_reduce_only=True)
    outcome = decide(question)
    assert [leg.lots for leg in outcome.legs] == [2]
    assert outcome.before is not None
    assert outcome.before.equity == 125_000 * USD
