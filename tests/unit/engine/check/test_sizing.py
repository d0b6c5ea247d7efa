"""Whole lots, ticks and the price of a market order. [DEC-05]"""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.check.sizing import (
    mark_price_nano,
    market_order_price_nano,
    price_nano,
    sized_legs,
    whole_units,
)
from margingate_engine.core.amounts import whole
from margingate_engine.core.instruments import TickStep
from margingate_engine.core.orders import Execution, Side
from tests.unit.engine.small_market import NANO, small_market

MARKET = small_market()


@given(st.integers(1, 10**18), st.integers(1, 10**15))
def test_whole_lots_are_counted_exactly(lots: int, lot_nano: int) -> None:
    assert whole_units(whole(lots * lot_nano, NANO), lot_nano) == lots
    if lot_nano > 1:
        assert whole_units(whole(lots * lot_nano + 1, NANO), lot_nano) is None


def test_a_price_has_at_most_nine_places() -> None:
    assert price_nano(Decimal("0.000000001")) == 1
    assert price_nano(Decimal("0.0000000015")) is None


@pytest.mark.parametrize(
    ("name", "side", "collar", "expected"),
    [
        ("NEAR", Side.BUY, 12, "101001.5"),  # 101,001.212 to the tick of 0.5
        ("NEAR", Side.SELL, 12, "100998.5"),
        ("BTC", Side.BUY, 10_000, "101000"),
        ("CALL", Side.SELL, 1_000, "100"),
        ("CALL", Side.SELL, 10_000, "0"),  # not below zero
        ("COIN-CALL", Side.BUY, 10_200, "0.2105"),
        ("COIN-PUT", Side.BUY, 3_950, "0.005"),  # 0.00495 lies below the step at 0.005
        ("COIN-PUT", Side.BUY, 4_050, "0.0055"),  # 0.00505 above it
        ("COIN-PUT", Side.SELL, 10_000, "0"),
        ("NEAR", Side.SELL, 1_000_000, "0.5"),  # a future keeps a price
    ],
)
def test_a_market_order_is_priced_at_its_collar_to_the_tick_outward(
    name: str, side: Side, collar: int, expected: str
) -> None:
    nano = market_order_price_nano(MARKET.arrays, MARKET.row(name), side, collar)
    assert Decimal(nano) / NANO == Decimal(expected)


def test_a_bound_above_a_step_by_a_fraction_of_a_unit_takes_the_tick_above_it() -> None:
    market = small_market(index=100_000.000000001)
    call, row = market.instrument("CALL"), market.row("CALL")
    stepped = replace(call, tick_steps=(TickStep(above_nano=300 * NANO, tick_nano=7 * NANO),))
    table = market.table.with_instruments([stepped])
    # 200 and 0.1 % of the forward: 300.000000000001
    nano = market_order_price_nano(replace(market.arrays, table=table), row, Side.BUY, 1_000)
    assert nano == 301 * NANO


def test_the_mark_of_spot_is_the_index() -> None:
    assert mark_price_nano(MARKET.arrays, MARKET.row("BTC")) == 100_000 * NANO
    assert mark_price_nano(MARKET.arrays, MARKET.row("NEAR")) == 101_000 * NANO


def test_legs_come_out_in_whole_lots_at_integer_prices() -> None:
    question = MARKET.question(
        MARKET.portfolio(),
        MARKET.leg("NEAR", 3, "101000.5"),
        MARKET.leg("COIN-CALL", -2, None),
        execution=Execution.ATOMIC_COMBO,
    )
    future, call = sized_legs(question.order, MARKET.arrays, 10_000)
    assert (future.lots, future.side, future.price_nano) == (3, Side.BUY, 101_000_500_000_000)
    assert (call.lots, call.side, call.price_nano) == (2, Side.SELL, 190_000_000)
    assert (future.number, future.ratio, call.number, call.ratio) == (0, 3, 1, 2)
