"""The largest order, by hand. [DEC-06]"""

from dataclasses import replace
from decimal import Decimal

import pytest

from margingate_engine.check.decide import decide
from margingate_engine.check.max_size import RUNS_MAX, _kinks, max_order_size, with_lots
from margingate_engine.check.question import Freshness, Gates, Limits, Policy, Question
from margingate_engine.check.sizing import LOTS_MAX, sized_legs
from margingate_engine.core.reasons import RejectReason
from margingate_engine.portfolio.account_risk import AccountRisk
from tests.unit.engine.small_market import COIN, NANO, USD, small_market

MARKET = small_market()


def test_margin_for_three_lots_buys_three() -> None:
    portfolio = MARKET.portfolio(3 * 1_515 + 1_514)
    question = MARKET.question(portfolio, MARKET.leg("NEAR", 1, "101000"))
    assert max_order_size(question) == (3, RejectReason.INSUFFICIENT_INITIAL_MARGIN)


def test_the_quantity_asked_does_not_matter() -> None:
    portfolio = MARKET.portfolio(3 * 1_515)
    for lots in (1, 10**9, Decimal("0.5")):
        question = MARKET.question(portfolio, MARKET.leg("NEAR", lots, "101000"))
        assert max_order_size(question)[0] == 3


def test_a_limit_on_quantity_cash_or_a_missing_price_gives_its_own_reason() -> None:
    rich, leg = MARKET.portfolio(10**6), MARKET.leg("CALL", 1, "200")
    limits = Limits(quantity_nano_max=7 * NANO // 10)
    assert max_order_size(MARKET.question(rich, leg, limits=limits)) == (
        7,
        RejectReason.MAX_ORDER_QUANTITY,
    )
    limits = Limits(notional_micro_max=55_000 * USD)
    assert max_order_size(MARKET.question(rich, leg, limits=limits)) == (
        5,
        RejectReason.MAX_ORDER_NOTIONAL,
    )
    poor = MARKET.portfolio(90)
    assert max_order_size(MARKET.question(poor, leg)) == (
        4,
        RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY,
    )
    stale = MARKET.question(rich, leg, freshness=Freshness(stale_subject="BTC"))
    assert max_order_size(stale) == (0, RejectReason.MARKET_DATA_STALE)


def test_what_needs_nothing_is_bounded_by_the_range_alone() -> None:
    rich = MARKET.portfolio(10**6)
    free = MARKET.question(rich, MARKET.leg("CALL", 1, "0"))
    lots, reason = max_order_size(free)
    assert reason is RejectReason.MAX_ORDER_QUANTITY
    assert 2**31 < lots < LOTS_MAX


def test_an_under_margined_account_may_close_what_it_has_and_turn_it_at_most() -> None:
    short = MARKET.portfolio(500, CALL=-3)
    closing = MARKET.question(short, MARKET.leg("CALL", 1, "200"))
    assert max_order_size(closing) == (6, RejectReason.STILL_UNDERMARGINED)
    opening = MARKET.question(short, MARKET.leg("CALL", -1, "200"))
    assert max_order_size(opening) == (0, RejectReason.STILL_UNDERMARGINED)


def accepted(question: Question, lots: int) -> bool:
    return decide(with_lots(question, lots)).is_accepted


def basis_hump(*, usd: int, gates: Gates) -> Question:
    """A sale whose requirement falls, rises over a hump of basis charge, and falls again.

    Turning the near future short makes a basis against the long far one, at 9,595 a lot until the
    far one is matched; all the while the scan of a large short put position falls by 1,500 a lot.
    """
    market = small_market(basis_rate=Decimal("0.95"))
    portfolio = market.portfolio(usd, PUT=-1_000, NEAR=100, FAR=19)
    leg = market.leg("NEAR", -1, "101000")
    return market.question(portfolio, leg, policy=Policy(allowance_ppm=10**6), gates=gates)


def test_sizes_beyond_a_hump_of_basis_do_not_count() -> None:
    question = basis_hump(usd=10_000, gates=Gates())  # accepted as risk-reducing only
    runs = [accepted(question, lots) for lots in range(1, 201)]
    hump = runs.index(False)
    assert hump == 118
    assert all(runs[125:200])
    assert max_order_size(question)[0] == hump


@pytest.mark.parametrize("usd", [10_000, 10**8])
def test_who_may_only_reduce_may_sell_what_is_held_and_not_on_order_yet(usd: int) -> None:
    """[DEC-08] however well margined, and although a sale of 118 lots would lower the margin"""
    question = basis_hump(usd=usd, gates=Gates(is_reduce_only=True))
    assert max_order_size(question) == (100, RejectReason.KILL_SWITCH)
    assert [accepted(question, lots) for lots in (1, 99, 100, 101, 118, 200)] == [True] * 3 + [
        False
    ] * 3
    question.portfolio.legs["resting"] = (MARKET.open_leg("NEAR", -30, "101000"),)
    again = replace(question, account=AccountRisk.of(question.portfolio, question.arrays))
    assert max_order_size(again) == (70, RejectReason.KILL_SWITCH)


def test_sizes_beyond_a_hump_of_the_worst_fills_do_not_count_either() -> None:
    """A sale beyond the position may, unlike it, be charged against all that is long.

    Headroom falls by 9,595 a lot from the 100th to the 200th; the allowance is 4,545 for every lot.
    """
    market = small_market(basis_rate=Decimal("0.95"))
    portfolio = market.portfolio(10_000, PUT=-1_000, NEAR=100)
    policy = Policy(allowance_ppm=450_000, may_hedges_grow=True)
    question = market.question(portfolio, market.leg("NEAR", -1, "101000"), policy=policy)
    runs = [accepted(question, lots) for lots in range(1, 231)]
    assert runs.index(False) == 190
    assert all(runs[212:230])
    assert max_order_size(question) == (190, RejectReason.STILL_UNDERMARGINED)


def test_sizes_of_many_digits_stay_exact() -> None:
    question = MARKET.question(MARKET.portfolio(), MARKET.leg("COIN-PERPETUAL", 1, "100000"))
    lots = LOTS_MAX - 1
    (leg,) = with_lots(question, lots).order.legs
    assert leg.quantity == Decimal(10) * lots


def test_the_kinks_of_a_long_run_are_found_where_they_are() -> None:
    """A lot of spot moves its bucket by 0.315 units; rounded to whole units none would be left."""
    market = small_market(index=1.05, basis_rate=Decimal("0.000003"))
    portfolio = market.portfolio(10**6, coins=-100 * COIN)
    question = market.question(portfolio, market.leg("BTC", 1, "1"))
    assert question.account is not None
    (leg,) = sized_legs(question.order, market.arrays, None)
    assert 1_000 in set(_kinks(question, question.account, leg))


def test_a_model_that_names_no_kinks_has_so_many_sizes_tried_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """[DEC-06] what is found by then is the answer: not too large, and nothing refuses more"""
    short = MARKET.portfolio(40_000, CALL=-(RUNS_MAX + 100))
    closing = MARKET.question(short, MARKET.leg("CALL", 1, "200"))
    assert max_order_size(closing)[0] > RUNS_MAX
    monkeypatch.setattr(type(MARKET.arrays.model), "size_kinks", lambda *_: None)
    assert max_order_size(closing) == (RUNS_MAX, RejectReason.NONE)
    few = MARKET.question(MARKET.portfolio(500, CALL=-3), MARKET.leg("CALL", 1, "200"))
    assert max_order_size(few) == (6, RejectReason.STILL_UNDERMARGINED)
