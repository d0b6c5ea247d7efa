"""Worst fills of open orders, by hand. [SPAN-14, SPAN-15]"""

from decimal import Decimal

import pytest

from margingate_engine.models.basis import basis_charge, side_sum
from margingate_engine.models.span_requirement import SpanMargin
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from margingate_engine.portfolio.margin_model import NOT_A_SCENARIO
from margingate_engine.portfolio.risk_arrays import SPOT_KEY
from tests.span_margins import positions_margin, worst_margins
from tests.unit.engine.small_market import USD, SmallMarket, small_market

MARKET = small_market()
NO_BASIS = small_market(basis_rate=Decimal(0))


def worst(portfolio: Portfolio, *legs: OpenLeg, market: SmallMarket = MARKET) -> SpanMargin:
    portfolio.legs = {str(number): (leg,) for number, leg in enumerate(legs)}
    (requirement,) = worst_margins(AccountRisk.of(portfolio, market.arrays)).values()
    return requirement


def test_orders_on_both_sides_need_the_worse_one_and_do_not_net() -> None:
    both = worst(
        NO_BASIS.portfolio(),
        NO_BASIS.open_leg("NEAR", 2, "101000"),
        NO_BASIS.open_leg("NEAR", -3, "101000"),
        market=NO_BASIS,
    )
    assert both.scan == 3 * 1_515 * USD + 3
    assert both.scenario == 11
    assert both.is_exact


def test_a_closing_order_is_worst_when_it_does_not_fill() -> None:
    closing = worst(
        NO_BASIS.portfolio(NEAR=2), NO_BASIS.open_leg("NEAR", -2, "101000"), market=NO_BASIS
    )
    assert closing.scan == 2 * 1_515 * USD


def test_an_entry_loss_counts_in_the_null_row_when_nothing_else_loses() -> None:
    bought = worst(MARKET.portfolio(), MARKET.open_leg("COIN-PUT", 1, "0.0015"))
    # 0.0005 x 0.1 coins above the mark; the coins paid are short 15 USD and the coin up 15 %.
    assert bought.scan == 5 * USD + 2_250_000
    put = worst(MARKET.portfolio(), MARKET.open_leg("FAR-PUT", 1, "20"))
    assert (put.scan, put.scenario) == (1 * USD, 0)


def test_a_basis_is_charged_for_the_worst_of_both_sides_and_makes_a_bound() -> None:
    calendar = worst(MARKET.portfolio(NEAR=10), MARKET.open_leg("FAR", -10, "104000"))
    assert calendar.basis == 1_010 * USD
    assert not calendar.is_exact
    parallel = worst(MARKET.portfolio(NEAR=10), MARKET.open_leg("FAR", 10, "104000"))
    assert parallel.basis == 0
    assert parallel.is_exact


def test_one_order_in_two_buckets_is_charged_as_if_it_could_split() -> None:
    """An inverse call's delta and its premium stand in different buckets."""
    sold = worst(MARKET.portfolio(), MARKET.open_leg("COIN-CALL", -10, "0.15"))
    # Sold 0.05 under the mark: spot bucket -200 + 150, expiry bucket -800: both short.
    assert sold.basis == 0
    bought = worst(MARKET.portfolio(), MARKET.open_leg("COIN-CALL", 10, "0.25"))
    assert bought.basis == 50 * USD


def test_the_spot_bucket_of_a_fill_is_rounded_outward_at_both_ends() -> None:
    """[SPAN-14] 0.1 coins at a rate of 0.000003 and an index of 1.05 are 0.315 units."""
    market = small_market(index=1.05, basis_rate=Decimal("0.000003"))
    for lots, end in ((7, "up"), (-7, "down")):
        portfolio = market.portfolio()
        portfolio.legs["o"] = (market.open_leg("BTC", lots, "1"),)
        orders = AccountRisk.of(portfolio, market.arrays).groups[0].orders
        assert getattr(orders, end) == {SPOT_KEY: lots}


def test_the_short_option_minimum_counts_every_sell_that_may_fill_and_no_buy() -> None:
    sells = worst(
        MARKET.portfolio(FAR_PUT=-1),
        MARKET.open_leg("FAR-PUT", -2, "10"),
        MARKET.open_leg("FAR-PUT", 3, "10"),
    )
    assert sells.minimum == 3 * 100 * USD + 2
    assert sells.scenario == NOT_A_SCENARIO
    assert sells.is_exact


def test_longs_use_up_the_minimum_of_sells_in_the_same_instrument_alone() -> None:
    own = worst(MARKET.portfolio(FAR_PUT=2), MARKET.open_leg("FAR-PUT", -3, "10"))
    assert own.minimum == 100 * USD + 3
    other = worst(MARKET.portfolio(COIN_PUT=5), MARKET.open_leg("FAR-PUT", -3, "10"))
    assert other.minimum == 300 * USD + 3


def test_the_minimum_of_positions_alone_knows_nothing_of_what_is_on_order() -> None:
    portfolio = MARKET.portfolio(FAR_PUT=-1)
    portfolio.legs = {"1": (MARKET.open_leg("FAR-PUT", -2, "10"),)}
    totals = AccountRisk.of(portfolio, MARKET.arrays).groups[0]
    assert totals.worst_minimum(()) == totals.minimum == 100 * USD
    assert totals.worst_minimum((totals.orders,)) == 3 * 100 * USD + 2
    with pytest.raises(AssertionError, match="come first"):
        totals.worst_minimum((totals.orders.copied(),))


def test_an_entry_loss_beyond_the_minimum_is_a_loss_all_the_same() -> None:
    """The first term of the minimum: every order fills, and none leaves a short."""
    buys = worst(
        MARKET.portfolio(FAR_PUT=-1),
        MARKET.open_leg("FAR-PUT", 1, "2010"),
        MARKET.open_leg("NEAR", 1, "102000"),
    )
    # Fills lose 200 and 100; unfilled, the short needs 100 where the put's fill needs none.
    assert buys.minimum == 200 * USD + 100 * USD
    assert buys.scan == 1_515 * USD + 300 * USD


def test_sides_are_summed_as_positive_numbers_and_the_smaller_one_is_charged() -> None:
    buckets = {1: 5, 2: -3, 3: 4, 4: -1}
    assert (side_sum(buckets, 1), side_sum(buckets, -1)) == (9, 4)
    assert basis_charge(buckets) == 4
    assert basis_charge({1: 5}) == 0


def test_trying_a_change_on_a_copy_leaves_the_account_alone() -> None:
    taken = AccountRisk.of(MARKET.portfolio(NEAR=1, CALL=-1), MARKET.arrays)
    before = positions_margin(taken.groups[0])
    copy = taken.groups[0].positions_copy()
    copy.move_position(MARKET.row("NEAR"), 5)
    copy.move_coin(10**12)
    assert positions_margin(taken.groups[0]) == before
    assert taken.groups[0].lots == {MARKET.row("NEAR"): 1, MARKET.row("CALL"): -1}
    assert positions_margin(copy).total > before.total


def test_a_copy_of_the_positions_requires_as_much_with_no_orders_as_without() -> None:
    """[SPAN-14]"""
    portfolio = MARKET.portfolio(CALL=-2, PUT=1, FAR_PUT=-1)
    portfolio.legs["o"] = (MARKET.open_leg("CALL", -1, "200"),)
    copy = AccountRisk.of(portfolio, MARKET.arrays).groups[0].positions_copy()
    assert copy.worst_minimum((copy.orders,)) == copy.worst_minimum(()) == copy.minimum > 0
