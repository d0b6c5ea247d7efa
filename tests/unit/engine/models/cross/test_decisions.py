"""What an account under `cross` may do, by hand. [DEC-01, DEC-02]"""

from margingate_engine.check.decide import Outcome, decide
from margingate_engine.check.question import Policy
from margingate_engine.core.reasons import RejectReason
from margingate_engine.core.risk import Exactness
from tests.unit.engine.models.cross.standard_market import standard_market
from tests.unit.engine.small_market import COIN

MARKET = standard_market()


def answer(
    name: str, lots: int, price: str, *, usd: int = 0, coins: int = 0, **held: int
) -> Outcome:
    portfolio = MARKET.portfolio(usd, coins, **held)
    return decide(MARKET.question(portfolio, MARKET.leg(name, lots, price)))


def test_headroom_of_exactly_zero_is_accepted() -> None:
    """[DEC-01] a call sold at its mark needs 1,020 and brings 20"""
    enough = answer("CALL", -1, "200", usd=1_000)
    assert enough.is_accepted
    assert enough.after is not None
    assert enough.after.headroom == 0
    assert enough.exactness is Exactness.BOUND
    short = answer("CALL", -1, "199", usd=1_000)
    assert short.reason is RejectReason.INSUFFICIENT_INITIAL_MARGIN


def test_closing_a_short_in_a_margin_call_is_accepted_and_selling_more_is_not() -> None:
    """[DEC-02] three calls short need 3,060"""
    for lots in (1, 2, 3):
        outcome = answer("CALL", lots, "200", usd=500, CALL=-3)
        assert outcome.is_risk_reducing
    assert answer("CALL", -1, "200", usd=500, CALL=-3).reason is RejectReason.STILL_UNDERMARGINED
    assert answer("PUT", -1, "100", usd=500, CALL=-3).reason is RejectReason.STILL_UNDERMARGINED


def test_a_long_option_is_no_hedge_and_buying_one_reduces_no_risk() -> None:
    """[DEC-02]"""
    assert answer("FAR-CALL", 1, "12000", usd=2_000, CALL=-3).reason is (
        RejectReason.STILL_UNDERMARGINED
    )


def test_a_held_option_may_be_sold_in_a_margin_call_but_not_more_of_it() -> None:
    """[DEC-02] it brings cash, and required nothing"""
    for name, price in (("PUT", "100"), ("COIN-PUT", "0.001")):
        held = {name.replace("-", "_"): 2}
        assert answer(name, -2, price, usd=500, coins=COIN // 1_000, CALL=-3, **held).is_accepted
        assert answer(name, -3, price, usd=500, coins=COIN // 1_000, CALL=-3, **held).reason is (
            RejectReason.STILL_UNDERMARGINED
        )


def test_closing_a_future_in_a_margin_call_is_accepted_and_hedging_it_by_another_is_not() -> None:
    """[DEC-02]"""
    assert answer("NEAR", -4, "101000", usd=100, NEAR=10).is_risk_reducing
    assert answer("FAR", -4, "104000", usd=100, NEAR=10).reason is RejectReason.STILL_UNDERMARGINED


def test_a_premium_that_costs_more_than_is_freed_makes_nothing_safer() -> None:
    """[DEC-02 a] 10 USD of a future free 0.2, a put costs 1, the allowance would cover both"""
    held = MARKET.portfolio(0, COIN_PERPETUAL=1)
    legs = (MARKET.leg("COIN-PERPETUAL", -1, "100000"), MARKET.leg("FAR-PUT", 1, "10"))
    held.cash["BTC"] = -COIN // 1_000
    held.cash["USD"] = 50_000_000
    policy = Policy(may_hedges_grow=True)
    assert decide(MARKET.question(held, legs[0], policy=policy)).is_risk_reducing
    outcome = decide(MARKET.question(held, *legs, policy=policy))
    assert outcome.reason is RejectReason.STILL_UNDERMARGINED
