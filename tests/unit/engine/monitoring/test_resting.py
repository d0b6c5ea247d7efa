"""Which resting orders add risk: those that would not pass as risk-reducing. [MON-07]"""

from margingate_engine.check.question import Policy
from margingate_engine.monitoring.resting import Thoroughness, risk_increasing_orders
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from tests.unit.engine.small_market import small_market

MARKET = small_market()


def with_orders(portfolio: Portfolio, **legs_by_id: OpenLeg) -> Portfolio:
    portfolio.legs = {order_id: (leg,) for order_id, leg in legs_by_id.items()}
    return portfolio


def named(
    portfolio: Portfolio, thoroughness: Thoroughness | None = None, **policy: bool
) -> tuple[str, ...]:
    account = AccountRisk.of(portfolio, MARKET.arrays)
    found = risk_increasing_orders(account, portfolio, Policy(**policy), thoroughness)
    assert found.is_cut is (thoroughness is not None)
    return found.order_ids


def test_orders_that_close_are_left_and_others_named() -> None:
    portfolio = with_orders(
        MARKET.portfolio(13_000, NEAR=10, PUT=-5),
        more=MARKET.open_leg("NEAR", 1, "101000"),
        less=MARKET.open_leg("NEAR", -4, "101000"),
        hedge=MARKET.open_leg("FAR", -1, "104000"),
        buy_back=MARKET.open_leg("PUT", 5, "100"),
        sell=MARKET.open_leg("CALL", -1, "200"),
    )
    assert named(portfolio) == ("more", "hedge", "sell")


def test_orders_that_close_more_together_than_is_held_are_judged_together() -> None:
    """Each with the other resting: filled both, they turn the position over."""
    portfolio = with_orders(
        MARKET.portfolio(13_000, NEAR=10),
        one=MARKET.open_leg("NEAR", -10, "101000"),
        other=MARKET.open_leg("NEAR", -10, "101000"),
    )
    assert named(portfolio) == ("one", "other")
    del portfolio.legs["other"]
    assert named(portfolio) == ()


def test_an_order_far_from_the_mark_is_named_for_what_it_would_lose() -> None:
    portfolio = with_orders(
        MARKET.portfolio(13_000, NEAR=10), cheap=MARKET.open_leg("NEAR", -5, "60000")
    )
    assert named(portfolio) == ("cheap",)


def test_both_shapes_of_a_pending_change_are_judged() -> None:
    """Eleven puts bought against five sold hold no more than five do, and leave six."""
    portfolio = with_orders(
        MARKET.portfolio(13_000, NEAR=10, PUT=-5), order=MARKET.open_leg("PUT", 5, "100")
    )
    assert named(portfolio) == ()
    portfolio.amendments["order"] = (MARKET.open_leg("PUT", 11, "100"),)
    assert named(portfolio) == ("order",)


def test_hedges_may_grow_where_the_policy_says_so() -> None:
    """A put against the long future: less risk, and a position more."""
    portfolio = with_orders(
        MARKET.portfolio(13_000, NEAR=10), hedge=MARKET.open_leg("PUT", 5, "100")
    )
    assert named(portfolio) == ("hedge",)
    assert named(portfolio, may_hedges_grow=True) == ()


def test_few_are_judged_where_time_is_short() -> None:
    portfolio = with_orders(
        MARKET.portfolio(13_000, NEAR=10),
        first=MARKET.open_leg("NEAR", -1, "60000"),
        second=MARKET.open_leg("NEAR", 1, "101000"),
        third=MARKET.open_leg("NEAR", -1, "60000"),
        fourth=MARKET.open_leg("NEAR", 1, "101000"),
    )
    assert named(portfolio) == ("first", "second", "third", "fourth")
    one_margin = Thoroughness(orders_max=4, margins_max=1, open_max=4)
    assert named(portfolio, one_margin) == ("first", "second", "fourth")
    two_orders = Thoroughness(orders_max=2, margins_max=2, open_max=4)
    assert named(portfolio, two_orders) == ("first", "second")
    assert named(portfolio, Thoroughness(orders_max=4, margins_max=4, open_max=3)) == ()
