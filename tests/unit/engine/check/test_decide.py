"""Margin, cash and switches, by hand. [DEC-01, DEC-03, DEC-04]"""

from typing import Any

import pytest

from margingate_engine.check.decide import Outcome, cash_shortfall, decide
from margingate_engine.check.question import Gates, Policy
from margingate_engine.core.charges import Charge
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.orders import Execution
from margingate_engine.core.reasons import RejectReason
from margingate_engine.core.risk import Exactness
from margingate_engine.models.span import SpanModel
from margingate_engine.portfolio.fees import FeeRate
from margingate_engine.portfolio.hold import OrderHold
from margingate_engine.portfolio.holdings import Portfolio
from tests.unit.engine.small_market import COIN, NO_FEES, USD, SmallMarket, small_market

MARKET = small_market()


def answer(
    portfolio: Portfolio,
    name: str,
    lots: int,
    price: str | None,
    market: SmallMarket = MARKET,
    **given: Any,
) -> Outcome:
    return decide(market.question(portfolio, market.leg(name, lots, price), **given))


def test_headroom_of_exactly_zero_is_accepted_and_one_unit_less_is_not() -> None:
    """[DEC-01]"""
    # One lot of the future needs 1,515; sold at its mark it also owes the reserve of one unit.
    enough = MARKET.portfolio(1_515)
    assert answer(enough, "NEAR", 1, "101000").is_accepted
    assert not answer(enough, "NEAR", -1, "101000").is_accepted
    enough.cash["USD"] += 1
    outcome = answer(enough, "NEAR", -1, "101000")
    assert outcome.after is not None
    assert outcome.after.headroom == 0
    assert outcome.is_accepted


def test_the_margin_before_and_after_and_what_it_rests_on_are_reported() -> None:
    outcome = answer(MARKET.portfolio(5_000, NEAR=1), "NEAR", 1, "101000")
    assert outcome.before is not None
    assert outcome.after is not None
    assert (outcome.before.initial, outcome.after.initial) == (1_515 * USD, 3_030 * USD)
    assert outcome.before.equity == outcome.after.equity == 5_000 * USD
    assert outcome.before.maintenance == outcome.after.maintenance == 1_212 * USD
    (worst,) = outcome.worst_after
    assert (worst.group, worst.scenario, worst.description) == (
        "BTC", 13, "price -3/3, vol up",
    )  # fmt: skip
    assert outcome.binding is Charge.SCAN_RISK
    assert [leg.lots for leg in outcome.legs] == [1]
    assert outcome.hold is not None


def test_what_is_required_before_the_order_is_worked_out_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worked_out: list[object] = []
    requirements = SpanModel.requirements
    monkeypatch.setattr(
        SpanModel, "requirements", lambda *given: worked_out.append(0) or requirements(*given)
    )
    answer(MARKET.portfolio(5_000, NEAR=1), "NEAR", 1, "101000")
    assert len(worked_out) == len(("before", "after"))


def test_each_component_may_be_what_the_requirement_rests_on() -> None:
    rich = MARKET.portfolio(10**6)
    assert answer(rich, "FAR-PUT", -1, "10").binding is Charge.SHORT_OPTION_MINIMUM
    (worst,) = answer(rich, "FAR-PUT", -1, "10").worst_after
    assert (worst.scenario, worst.description) == (-1, "short option minimum")
    calendar = MARKET.portfolio(10**6, NEAR=100, FAR=-97)
    assert answer(calendar, "CALL", 1, "200").binding is Charge.BASIS_CHARGE
    nothing = answer(rich, "CALL", 1, "200")
    assert nothing.binding is Charge.NONE
    assert [each.description for each in nothing.worst_after] == ["no scenario loses"]


def test_basis_makes_a_bound_and_orders_without_it_are_exact() -> None:
    """[SPAN-15]"""
    rich = MARKET.portfolio(10**6)
    legs = (MARKET.leg("NEAR", 1, "101000"), MARKET.leg("CALL", -1, "200"))
    combo = decide(MARKET.question(rich, *legs, execution=Execution.ATOMIC_COMBO))
    apart = decide(MARKET.question(rich, *legs, execution=Execution.INDEPENDENT_LEGS))
    assert combo.exactness is apart.exactness is Exactness.EXACT
    calendar = (MARKET.leg("NEAR", 1, "101000"), MARKET.leg("FAR", -1, "104000"))
    assert decide(MARKET.question(rich, *calendar)).exactness is Exactness.BOUND


def test_the_reason_says_whether_the_account_was_margined_before() -> None:
    """[DEC-04]"""
    fine, missing = MARKET.portfolio(2_000, NEAR=1), MARKET.portfolio(1_000, NEAR=1)
    assert answer(fine, "NEAR", 1, "101000").reason is RejectReason.INSUFFICIENT_INITIAL_MARGIN
    refused = answer(missing, "NEAR", 1, "101000")
    assert refused.reason is RejectReason.STILL_UNDERMARGINED
    assert refused.after is not None
    assert [leg.lots for leg in refused.legs] == [1]  # what would have been held is told


def test_a_premium_must_be_paid_from_cash_of_its_own_asset() -> None:
    """[DEC-03]"""
    coins = MARKET.portfolio(coins=COIN)
    assert answer(coins, "COIN-CALL", 1, "0.2").is_accepted
    usd_for_coins = answer(MARKET.portfolio(10**6), "COIN-CALL", 1, "0.2")
    assert usd_for_coins.reason is RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY
    assert usd_for_coins.detail == "not enough cash in BTC"
    coins_for_usd = answer(coins, "CALL", 1, "200")
    assert coins_for_usd.reason is RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY
    assert answer(coins, "NEAR", 1, "101000").is_accepted  # a future takes no cash


def test_cash_counts_to_the_unit_with_the_fee_in_it() -> None:
    """[DEC-03, FEE-01]"""
    fees = {**NO_FEES, InstrumentKind.OPTION: FeeRate(maker_ppm=0, taker_ppm=300)}
    market = small_market(fees=fees)
    portfolio = market.portfolio(23)  # 0.1 x 200 and a fee of 3
    assert answer(portfolio, "CALL", 1, "200", market).is_accepted
    portfolio.cash["USD"] -= 1
    short = answer(portfolio, "CALL", 1, "200", market)
    assert short.reason is RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY


def test_open_orders_have_a_claim_on_cash_and_their_sales_give_none() -> None:
    """[DEC-03]"""
    portfolio = MARKET.portfolio(40, 10 * COIN)
    portfolio.legs["one"] = (MARKET.open_leg("CALL", 1, "200"),)
    assert answer(portfolio, "CALL", 1, "200").is_accepted
    portfolio.legs["two"] = (MARKET.open_leg("CALL", -5, "200"),)
    assert answer(portfolio, "CALL", 1, "200").is_accepted
    assert not answer(portfolio, "CALL", 2, "200").is_accepted
    portfolio.legs["three"] = (MARKET.open_leg("CALL", 1, "200"),)
    refused = answer(portfolio, "CALL", 1, "200")
    assert refused.reason is RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY


def test_spot_takes_usd_from_a_buyer_and_coins_from_a_seller() -> None:
    """[DEC-03]"""
    portfolio = MARKET.portfolio(10_000, COIN // 10)
    assert answer(portfolio, "BTC", 1, "100000").is_accepted
    assert answer(portfolio, "BTC", -1, "100000").is_accepted
    for lots in (2, -2):
        refused = answer(portfolio, "BTC", lots, "100000")
        assert refused.reason is RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY


def test_the_borrow_limit_of_the_asset_lets_cash_fall_below_zero() -> None:
    """[DEC-03]"""
    coins = MARKET.portfolio(coins=10 * COIN)
    policy = Policy(borrow_limit_by_asset=(("USD", 20 * USD),))
    assert answer(coins, "CALL", 1, "200", policy=policy).is_accepted
    assert not answer(coins, "CALL", 2, "200", policy=policy).is_accepted
    assert not answer(coins, "COIN-CALL", 501, "0.2", policy=policy).is_accepted


def test_missing_cash_speaks_before_missing_margin() -> None:
    poor = MARKET.portfolio(10)
    refused = answer(poor, "BTC", 1, "100000")
    assert refused.reason is RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY
    assert refused.after is not None
    assert refused.after.headroom < 0


def test_a_reducing_kill_switch_lets_only_orders_pass_that_reduce() -> None:
    portfolio = MARKET.portfolio(10**5, NEAR=5)
    gates = Gates(is_reduce_only=True)
    assert answer(portfolio, "NEAR", -5, "101000", gates=gates).is_accepted
    assert answer(portfolio, "NEAR", 1, "101000", gates=gates).reason is RejectReason.KILL_SWITCH
    # It is no larger a position, and no less risk either.
    turned = answer(portfolio, "NEAR", -10, "101000", gates=gates)
    assert turned.reason is RejectReason.KILL_SWITCH
    assert answer(portfolio, "FAR", -1, "104000", gates=gates).reason is RejectReason.KILL_SWITCH


def test_an_account_that_does_not_qualify_may_only_reduce() -> None:
    portfolio = MARKET.portfolio(10**5, NEAR=5)
    gates = Gates(is_unqualified=True)
    closing = answer(portfolio, "NEAR", -5, "101000", gates=gates)
    assert closing.is_accepted
    for name, lots, price in (("NEAR", 1, "101000"), ("FAR", -1, "104000")):
        refused = answer(portfolio, name, lots, price, gates=gates)
        assert refused.reason is RejectReason.NOT_QUALIFIED
        assert refused.before is not None
    both = Gates(is_unqualified=True, is_reduce_only=True)
    killed = answer(portfolio, "NEAR", -10, "101000", gates=both)
    assert killed.reason is RejectReason.KILL_SWITCH


def test_asking_changes_nothing() -> None:
    portfolio = MARKET.portfolio(5_000, NEAR=1)
    question = MARKET.question(portfolio, MARKET.leg("NEAR", 1, "101000"))
    assert question.account is not None
    before = question.account.risk
    first, second = decide(question), decide(question)
    assert (first.reason, first.after) == (second.reason, second.after)
    assert question.account.risk == before
    assert portfolio == MARKET.portfolio(5_000, NEAR=1)


def test_the_asset_that_is_named_short_of_cash_hangs_on_no_order() -> None:
    """[DEC-03] A decision that is taken again names the same one."""
    question = MARKET.question(MARKET.portfolio(), MARKET.leg("CALL", 1, "200"))
    assert question.account is not None
    for outflows in ({"USD": 1, "BTC": 1}, {"BTC": 1, "USD": 1}):
        hold = OrderHold(outflows=outflows)
        assert cash_shortfall(question, question.account, hold) == "BTC"


# One lot of NEAR requires 1,515 USD, 1,212 to maintain it.
WARNED, CALLED, LIQUIDATED = 1_550, 1_300, 1_000


def in_state(usd: int) -> Portfolio:
    """Three lots of NEAR with so many USD for each, another order to close one of them resting."""
    portfolio = MARKET.portfolio(3 * usd, NEAR=3)
    portfolio.legs["closing"] = (MARKET.open_leg("NEAR", -1, "101000"),)
    return portfolio


def test_a_warning_restricts_nothing() -> None:
    """[MON-10]"""
    assert answer(in_state(WARNED), "NEAR", -2, "101000").is_accepted
    assert answer(MARKET.portfolio(2 * WARNED, NEAR=1), "NEAR", 1, "101000").is_accepted


@pytest.mark.parametrize("usd", [CALLED, LIQUIDATED])
def test_in_a_margin_call_and_in_liquidation_only_what_reduces_risk_passes(usd: int) -> None:
    """[MON-10]"""
    closing = answer(in_state(usd), "NEAR", -2, "101000")
    assert closing.is_accepted
    assert closing.is_risk_reducing
    for name, lots, price in (
        ("NEAR", 1, "101000"),
        ("NEAR", -7, "101000"),  # turns the position over
        ("CALL", -1, "200"),
        ("FAR-PUT", -1, "10"),
    ):
        refused = answer(in_state(usd), name, lots, price)
        assert refused.reason is RejectReason.STILL_UNDERMARGINED, name


def test_an_account_in_liquidation_may_be_left_to_liquidators() -> None:
    """[MON-11]"""
    policy = Policy(may_trade_in_liquidation=False)
    closing = ("NEAR", -2, "101000")
    refused = answer(in_state(LIQUIDATED), *closing, policy=policy)
    assert refused.reason is RejectReason.ACCOUNT_IN_LIQUIDATION
    assert refused.before is not None
    assert answer(in_state(CALLED), *closing, policy=policy).is_accepted
    suspended = Gates(is_liquidation_suspended=True)
    assert answer(in_state(LIQUIDATED), *closing, policy=policy, gates=suspended).is_accepted
    both = Gates(is_unqualified=True)
    unqualified = answer(in_state(LIQUIDATED), *closing, policy=policy, gates=both)
    assert unqualified.reason is RejectReason.ACCOUNT_IN_LIQUIDATION


def test_liquidation_begins_for_orders_one_millionth_below_maintenance() -> None:
    """[MON-01] [MON-11]"""
    policy = Policy(may_trade_in_liquidation=False)
    portfolio = MARKET.portfolio(1_212, NEAR=1)
    assert answer(portfolio, "NEAR", -1, "101000", policy=policy).is_accepted
    portfolio.cash["USD"] -= 1
    refused = answer(portfolio, "NEAR", -1, "101000", policy=policy)
    assert refused.reason is RejectReason.ACCOUNT_IN_LIQUIDATION
