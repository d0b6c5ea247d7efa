"""What an under-margined account may still do. [DEC-02]"""

from decimal import Decimal

import pytest

from margingate_engine.check.decide import Outcome, decide
from margingate_engine.check.question import Policy, RequestedLeg
from margingate_engine.core.reasons import RejectReason
from margingate_engine.portfolio.holdings import Portfolio
from tests.unit.engine.small_market import COIN, USD, small_market

MARKET = small_market()
NO_BASIS = small_market(basis_rate=Decimal(0))


def answer(portfolio: Portfolio, *legs: RequestedLeg, policy: Policy | None = None) -> Outcome:
    return decide(MARKET.question(portfolio, *legs, policy=policy or Policy()))


def is_let_through(portfolio: Portfolio, *legs: RequestedLeg) -> bool:
    """True when accepted as risk-reducing; the account must lack margin before."""
    outcome = answer(portfolio, *legs)
    assert outcome.before is not None
    assert not outcome.before.is_margined
    assert outcome.is_accepted == outcome.is_risk_reducing
    if not outcome.is_accepted:
        assert outcome.reason is RejectReason.STILL_UNDERMARGINED
    return outcome.is_accepted


def test_closing_shorts_in_a_margin_call_is_accepted() -> None:
    short = MARKET.portfolio(500, CALL=-3)
    for lots in (1, 2, 3):
        assert is_let_through(short, MARKET.leg("CALL", lots, "200"))


def test_closing_more_than_the_short_is_not_when_it_turns_into_a_larger_position() -> None:
    short = MARKET.portfolio(500, CALL=-3)
    assert is_let_through(short, MARKET.leg("CALL", 6, "200"))  # as large, and no longer short
    assert not is_let_through(short, MARKET.leg("CALL", 7, "200"))


def test_selling_new_puts_against_short_calls_is_not() -> None:
    short = MARKET.portfolio(500, CALL=-3)
    assert not is_let_through(short, MARKET.leg("PUT", -1, "100"))
    assert not is_let_through(short, MARKET.leg("FAR-PUT", -1, "10"))


def test_new_risk_behind_a_larger_resting_order_is_not() -> None:
    """Worst fills alone would not notice: the resting calls dominate every scenario."""
    hidden = MARKET.portfolio(500, CALL=-1)
    hidden.legs["resting"] = (MARKET.open_leg("CALL", -50, "200"),)
    order = MARKET.leg("PUT", -1, "100")
    outcome = answer(hidden, order)
    assert outcome.before is not None
    assert outcome.after is not None
    # The put's own loss at -45 % is not seen; only its reserve of one unit is.
    assert outcome.after.headroom >= outcome.before.headroom - 100 * USD
    assert not is_let_through(hidden, order)


def test_closing_the_same_position_twice_is_not() -> None:
    """The closing order that rests already may fill, and the second would open a new position."""
    short = MARKET.portfolio(500, CALL=-3)
    short.legs["closing"] = (MARKET.open_leg("CALL", 3, "200"),)
    assert not is_let_through(short, MARKET.leg("CALL", 3, "200"))
    short.legs["closing"] = (MARKET.open_leg("CALL", 1, "200"),)
    assert is_let_through(short, MARKET.leg("CALL", 2, "200"))


def test_a_resting_order_of_the_other_side_is_no_obstacle() -> None:
    short = MARKET.portfolio(500, CALL=-3)
    short.legs["more"] = (MARKET.open_leg("CALL", -2, "200"),)
    assert is_let_through(short, MARKET.leg("CALL", 3, "200"))


def test_headroom_may_fall_by_the_allowance_and_no_more() -> None:
    """[DEC-02 b] 0.001 of 10,000 a lot"""
    # Three lots need 3,267 while they are short: a close may lose that much, and 30 more.
    short = MARKET.portfolio(500, CALL=-3)
    for allowance_ppm, most, beyond in ((1_000, "11190", "11190.5"), (0, "11090", "11090.5")):
        policy = Policy(allowance_ppm=allowance_ppm, borrow_limit_by_asset=(("USD", 10_000 * USD),))
        assert answer(short, MARKET.leg("CALL", 3, most), policy=policy).is_risk_reducing
        refused = answer(short, MARKET.leg("CALL", 3, beyond), policy=policy)
        assert refused.reason is RejectReason.STILL_UNDERMARGINED


def test_a_hedge_passes_only_where_policy_lets_positions_grow() -> None:
    """[DEC-02 c]"""
    short = NO_BASIS.portfolio(500, CALL=-3)
    leg = NO_BASIS.leg("FAR", 1, "104000")
    refused = decide(NO_BASIS.question(short, leg))
    hedged = decide(NO_BASIS.question(short, leg, policy=Policy(may_hedges_grow=True)))
    assert refused.reason is RejectReason.STILL_UNDERMARGINED
    # Unfilled it changes nothing, filled it takes 1,544.4 of 3,267 off the worst scenario; but the
    # worst fills now count its own loss at -15 % where the calls lose nothing: still below theirs.
    assert hedged.is_accepted
    assert hedged.is_risk_reducing


def test_legs_are_looked_at_together_and_each_may_not_grow() -> None:
    short = MARKET.portfolio(500, CALL=-3, PUT=-3)
    both = (MARKET.leg("CALL", 1, "200"), MARKET.leg("PUT", 1, "100"))
    assert is_let_through(short, *both)
    assert not is_let_through(short, MARKET.leg("CALL", 3, "200"), MARKET.leg("PUT", -1, "100"))


def test_two_legs_of_one_instrument_count_together() -> None:
    short = MARKET.portfolio(500, CALL=-3)
    half = MARKET.leg("CALL", 3, "200")
    assert is_let_through(short, half)
    assert is_let_through(short, half, half)  # -3 to +3
    assert not is_let_through(short, half, half, MARKET.leg("CALL", 1, "200"))


def test_the_requirement_must_fall_and_standing_still_is_not_enough() -> None:
    # Long calls need nothing; selling them at their mark leaves a short future's margin as it is.
    held = MARKET.portfolio(1_000, NEAR=1, CALL=2)
    assert not is_let_through(held, MARKET.leg("CALL", -1, "200"))


def test_a_long_hedge_may_not_be_sold_off() -> None:
    hedged = MARKET.portfolio(1_500, NEAR=-2, CALL=2)
    assert not is_let_through(hedged, MARKET.leg("CALL", -2, "200"))


def test_spot_is_reduced_down_to_nothing_and_not_beyond() -> None:
    """[DEC-02 c] of spot, q is the cash in its coin"""
    owner = MARKET.portfolio(-92_000, COIN)  # equity 8,000, and the coin needs 15,000
    assert is_let_through(owner, MARKET.leg("BTC", -5, "100000"))
    assert is_let_through(owner, MARKET.leg("BTC", -10, "100000"))


def test_a_coin_premium_counts_as_coins_when_the_order_is_filled_at_its_mark() -> None:
    """[DEC-02 a] the coins spent on a close are short themselves"""
    # Closing takes 1,500 of loss away, 15 % up; the premium of a lot is 0.02, or 0.12 coins.
    policy = Policy(allowance_ppm=10**6, borrow_limit_by_asset=(("BTC", COIN),))
    for mark, adds in (("0.2", 300), ("1.2", 1_800)):
        market = small_market(marks={"COIN-CALL": float(mark)})
        short = market.portfolio(-10_000, COIN_CALL=-1)
        question = market.question(short, market.leg("COIN-CALL", 1, mark), policy=policy)
        assert decide(question).is_risk_reducing == (adds < 1_500)


@pytest.mark.parametrize("lots", [2**40, 2**50])
def test_a_fill_at_mark_beyond_the_integers_is_refused_and_not_an_error(lots: int) -> None:
    """A buy far below a mark that the model does not believe costs little and moves many coins."""
    market = small_market(marks={"COIN-PUT": 0.5})
    poor = market.portfolio(coins=-(COIN // 10))
    policy = Policy(may_hedges_grow=True, borrow_limit_by_asset=(("BTC", 10**30),))
    question = market.question(poor, market.leg("COIN-PUT", lots, "0.0001"), policy=policy)
    assert not decide(question).is_accepted


def test_notional_for_the_allowance_is_that_of_the_instrument() -> None:
    """[DEC-02] of an inverse future its USD"""
    short = MARKET.portfolio(-1, 0, COIN_PERPETUAL=-1_000)
    # 10,000 USD, so 10 may be lost beyond the 1,500 that the short needs. The coins lost are short
    # as well: 15 % up, where the close fills at 115,115, they cost 1,313 and 197 more.
    assert is_let_through(short, MARKET.leg("COIN-PERPETUAL", 1_000, "115115"))
    assert not is_let_through(short, MARKET.leg("COIN-PERPETUAL", 1_000, "115115.5"))
