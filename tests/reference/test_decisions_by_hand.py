"""Accept or reject, and why, by hand. [DEC-01 to DEC-06, FEE-01]"""

from dataclasses import replace
from fractions import Fraction

import pytest

from tests.reference.contracts import USD as CASH
from tests.reference.contracts import Kind, Limits, Rate
from tests.reference.decision import ACCEPTED, Switches
from tests.reference.oracle import Oracle
from tests.reference.orders import Order
from tests.reference.small_world import (
    COIN,
    INSTRUMENTS,
    MARKET,
    USD,
    hold,
    order,
    small_oracle,
)


def funded(usd: int, **limits: Fraction) -> Oracle:
    oracle = small_oracle(limits=Limits(**limits))
    oracle.accounts["a"].cash[CASH] = usd * USD
    return oracle


def test_a_call_may_be_sold_with_just_enough_and_not_with_a_millionth_less() -> None:
    # Premium 20 comes in, the short lot is marked at 20 and a millionth: 1,500 and a millionth.
    for cash, reason in ((1, ACCEPTED), (0, "INSUFFICIENT_INITIAL_MARGIN")):
        oracle = funded(1_500)
        oracle.accounts["a"].cash[CASH] += cash
        assert oracle.preview("a", order("CALL", -1, 1, "200")).reason == reason


def test_what_a_buyer_pays_above_the_mark_is_lost_at_once() -> None:
    oracle = funded(1_000)
    answer = oracle.preview("a", order("CALL", 1, 1, "300"))
    assert answer.after is not None
    assert (answer.reason, answer.after.initial, answer.is_exact) == (ACCEPTED, 10 * USD, True)


def test_an_order_in_another_expiry_makes_the_margin_a_bound() -> None:
    oracle = funded(100_000)
    hold(oracle, "NEAR", 1)
    answer = oracle.preview("a", order("FAR", -1, 1, "104000"))
    assert (answer.reason, answer.is_exact) == (ACCEPTED, False)


def test_a_future_sold_against_a_call_bought_holds_what_the_call_does_not_cover() -> None:
    """[SPAN-15, SPAN-16] together 15 % up they lose 1,515 - 1,500, and the reserve of the short"""
    oracle = funded(100_000)
    legs = (*order("CALL", 1, 1, "200").legs, *order("NEAR", -1, 1, "101000").legs)
    apart = oracle.preview("a", Order(order_id="o", legs=legs))
    combo = oracle.preview("a", Order(order_id="o", legs=legs, combo=True))
    assert apart.after is not None
    assert combo.after is not None
    assert apart.after.initial == 1_515 * USD + 1
    assert combo.after.initial == 15 * USD + 1
    assert apart.is_exact is combo.is_exact is True


def test_premium_needs_cash_and_open_orders_promise_theirs() -> None:
    oracle = funded(0)
    oracle.accounts["a"].cash["BTC"] = 3 * COIN // 100
    assert oracle.preview("a", order("CALL", 1, 1, "0.5")).reason == (
        "INSUFFICIENT_COLLATERAL_CURRENCY"
    )
    assert oracle.check("a", order("COIN-CALL", 1, 2, "0.1")).accepted
    another = order("COIN-CALL", 1, 2, "0.1", "p")
    assert oracle.preview("a", another).reason == "INSUFFICIENT_COLLATERAL_CURRENCY"
    assert oracle.preview("a", order("COIN-CALL", 1, 1, "0.1", "p")).accepted


def test_spot_is_bought_with_dollars_and_sold_with_coins() -> None:
    oracle = funded(10_000)
    assert oracle.preview("a", order("BTC", 1, 1, "100000")).accepted
    assert oracle.preview("a", order("BTC", 1, 2, "100000")).reason == (
        "INSUFFICIENT_COLLATERAL_CURRENCY"
    )
    assert oracle.preview("a", order("BTC", -1, 1, "100000")).reason == (
        "INSUFFICIENT_COLLATERAL_CURRENCY"
    )


def test_an_undermargined_account_may_reduce_but_not_turn_or_grow() -> None:
    oracle = funded(100)
    hold(oracle, "NEAR", -5)
    reduce = oracle.preview("a", order("NEAR", 1, 2, "101000"))
    assert (reduce.reason, reduce.risk_reducing) == (ACCEPTED, True)
    assert oracle.preview("a", order("NEAR", -1, 1, "101000")).reason == "STILL_UNDERMARGINED"
    assert oracle.preview("a", order("NEAR", 1, 11, "101000")).reason == "STILL_UNDERMARGINED"


def test_a_risk_reducing_order_may_lose_a_thousandth_of_its_notional_and_no_more() -> None:
    # At +15 % the lot gains 1,515. Filled at 116,251 it costs 1,525.1: 10.1 of 10,100 are lost.
    oracle = funded(100)
    hold(oracle, "NEAR", -5)
    assert oracle.preview("a", order("NEAR", 1, 1, "116251")).accepted
    assert oracle.preview("a", order("NEAR", 1, 1, "116251.5")).reason == "STILL_UNDERMARGINED"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, "OFF_TICK"),
        ({"price": Fraction(101_000)}, "OFF_LOT"),
        ({"price": Fraction(101_000), "quantity": Fraction(90)}, "MAX_ORDER_QUANTITY"),
        ({"price": Fraction(101_000), "quantity": Fraction(2)}, "MAX_ORDER_NOTIONAL"),
        ({"price": Fraction(120_000), "quantity": Fraction("0.1")}, "PRICE_COLLAR"),
        ({"price": Fraction(101_000), "quantity": Fraction("0.1")}, "INSUFFICIENT_INITIAL_MARGIN"),
    ],
)
def test_the_first_failing_rule_is_the_reason(change: dict[str, Fraction], reason: str) -> None:
    limits = {
        "max_order_quantity": Fraction(50),
        "max_order_notional": Fraction(200_000),
        "price_collar": Fraction("0.05"),
    }
    wrong = order("NEAR", 1, 1, "101000.25")
    wrong = Order(order_id="o", legs=(replace(wrong.legs[0], quantity=Fraction("90.05")),))
    tried = Order(order_id="o", legs=(replace(wrong.legs[0], **change),))  # type: ignore[arg-type]
    assert funded(0, **limits).preview("a", tried).reason == reason


def test_switches_come_before_everything() -> None:
    wrong = order("NEAR", 1, 1, "101000.25")
    for switches, reason in (
        (Switches(expired=True, killed=True), "REQUEST_EXPIRED"),
        (Switches(killed=True, suspended=True), "KILL_SWITCH"),
        (Switches(suspended=True), "ACCOUNT_SUSPENDED"),
    ):
        assert funded(0).preview("a", wrong, switches).reason == reason


def test_a_market_order_is_priced_at_the_collar_taken_outward_to_the_tick() -> None:
    oracle = funded(10**6, price_collar=Fraction("0.0000123"))
    buy = oracle.preview("a", order("NEAR", 1, 1, None))
    sell = oracle.preview("a", order("NEAR", -1, 1, None))
    # 101,000 x 0.0000123 = 1.2423: to 1.5 either way on a tick of 0.5.
    assert buy.legs[0].price == Fraction("101001.5")
    assert sell.legs[0].price == Fraction("100998.5")
    assert funded(10**6).preview("a", order("NEAR", 1, 1, None)).reason == "PRICE_COLLAR"


def test_an_option_collar_is_a_fraction_of_the_coin_and_not_below_zero() -> None:
    oracle = funded(10**6, price_collar=Fraction("0.2"))
    oracle.accounts["a"].cash["BTC"] = COIN
    assert oracle.preview("a", order("COIN-CALL", -1, 1, None)).legs[0].price == 0
    assert oracle.preview("a", order("COIN-CALL", 1, 1, None)).legs[0].price == Fraction("0.3")


def test_a_future_has_no_price_of_nothing() -> None:
    oracle = funded(10**9, price_collar=Fraction(1))
    assert oracle.preview("a", order("COIN-PERPETUAL", -1, 1, "0")).reason == "OFF_TICK"
    assert oracle.preview("a", order("NEAR", -1, 1, None)).legs[0].price == Fraction("0.5")


def test_an_unpriced_or_expired_instrument_is_refused() -> None:
    marks = {symbol: mark for symbol, mark in MARKET.mark.items() if symbol != "NEAR"}
    unpriced = small_oracle(market=replace(MARKET, mark=marks))
    assert unpriced.preview("a", order("NEAR", 1, 1, "1")).reason == "MARKET_DATA_MISSING"
    late_ns = INSTRUMENTS["NEAR"].expiry_ns
    assert late_ns is not None
    expired = small_oracle(market=replace(MARKET, time_ns=late_ns))
    assert expired.preview("a", order("NEAR", 1, 1, "1")).reason == "INSTRUMENT_NOT_TRADABLE"


def test_the_fee_of_an_option_is_capped_by_its_premium_and_rounded_up() -> None:
    oracle = funded(0)
    rate = Rate(maker=Fraction(-1), taker=Fraction("0.0003"), cap=Fraction("0.125"))
    oracle.book.fees = {**oracle.book.fees, Kind.OPTION: rate}
    assert oracle.book.largest_fee("COIN-CALL", 1, Fraction("0.1")) == 30_000_000
    assert oracle.book.largest_fee("COIN-CALL", 1, Fraction("0.0001")) == 1_250_000
    assert oracle.book.largest_fee("CALL", 1, Fraction(1)) == 12_500
    assert oracle.book.largest_fee("CALL", 1, Fraction("0.000001")) == 1
    assert oracle.book.largest_fee("CALL", 80, Fraction("0.000001")) == 1


def test_the_largest_size_is_the_last_that_passes() -> None:
    oracle = funded(5_000)
    # Every lot needs 1,500 and a millionth.
    assert oracle.max_lots("a", "CALL", -1, Fraction(200), 10) == (
        3,
        "INSUFFICIENT_INITIAL_MARGIN",
    )
