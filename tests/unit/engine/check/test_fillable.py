"""What fills of accepted orders can take a balance to, by hand."""

import pytest

from margingate_engine.check.fillable import SMALL_PART, beyond_balances
from margingate_engine.core.amounts import AMOUNT_UNITS_MAX
from margingate_engine.core.orders import Side
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from tests.unit.engine.small_market import COIN, NANO, USD, small_market

MARKET = small_market()
HALF_USD = AMOUNT_UNITS_MAX // USD // 2


def leg(name: str, lots: int, price: int, side: Side = Side.BUY) -> OpenLeg:
    return OpenLeg(row=MARKET.row(name), side=side, lots=lots, price_nano=price * NANO)


def beyond(portfolio: Portfolio, *legs: OpenLeg) -> str | None:
    return beyond_balances(MARKET.question(portfolio, MARKET.leg("NEAR", 1, "1")), legs)


def test_what_moves_less_than_half_of_what_a_balance_may_come_to_can_be_filled() -> None:
    lots = HALF_USD * 10 // 101_000
    portfolio = MARKET.portfolio(0)
    assert beyond(portfolio, leg("NEAR", lots, 101_000)) is None
    assert beyond(portfolio, leg("NEAR", lots + 1, 101_000)) == "USD"
    assert beyond(portfolio, leg("NEAR", lots, 101_001)) == "USD"
    assert beyond(portfolio, leg("NEAR", lots // 2, 101_000), leg("NEAR", lots, 1)) == "USD"


def test_a_sale_far_below_the_mark_may_fill_at_the_mark() -> None:
    lots = HALF_USD * 10 // 100_000 + 1
    assert beyond(MARKET.portfolio(0), leg("BTC", lots, 1, Side.SELL)) == "USD"


@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_held_counts_with_entries_and_with_every_open_order(sign: int) -> None:
    lots = HALF_USD * 10 // 101_000 - 10
    order = leg("NEAR", lots, 101_000)
    assert beyond(MARKET.portfolio(0), order) is None
    assert beyond(MARKET.portfolio(sign * 200_000), order) == "USD"
    holding, open_order = MARKET.portfolio(0), MARKET.portfolio(0)
    holding.positions[MARKET.row("NEAR")] = Position(sign, -sign * 200_000 * USD)
    assert beyond(holding, order) == "USD"
    open_order.legs["o"] = (leg("CALL", 10_000, 200),)
    assert beyond(open_order, order) == "USD"
    open_order.legs["o"] = (leg("CALL", 100, 200),)
    assert beyond(open_order, order) is None
    open_order.amendments["o"] = (leg("CALL", 10_000, 200),)
    assert beyond(open_order, order) == "USD"


def test_coins_are_bounded_by_what_they_are_worth() -> None:
    # 46 million coins are worth what the risk integers hold; half of them are for large orders.
    most = AMOUNT_UNITS_MAX * 10**6 // 100_000 // COIN // 2
    portfolio = MARKET.portfolio(0)
    portfolio.cash["BTC"] = (most + 1) * COIN
    assert beyond(portfolio, leg("BTC", 10, 100_000)) == "BTC"


def test_small_orders_are_not_added_up() -> None:
    lots = HALF_USD * 2 * 10 // 101_000 // SMALL_PART - 1
    crowded = MARKET.portfolio(0)
    crowded.legs["o"] = (leg("NEAR", HALF_USD * 10 // 101_000 - 1, 101_000),)
    assert beyond(crowded, leg("NEAR", lots, 101_000)) is None
    assert beyond(crowded, leg("NEAR", lots + 2, 101_000)) == "USD"
