"""One lot on order, by hand. [SPAN-13]"""

from dataclasses import replace
from decimal import Decimal

import pytest

from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.orders import Side
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.registry import model
from margingate_engine.portfolio.effect import LegEffect, leg_effect
from margingate_engine.portfolio.fees import FeeRate, FeeTier
from margingate_engine.portfolio.hold import GROSS_MAX, hold_of
from margingate_engine.portfolio.holdings import OpenLeg
from tests.span_margins import effect_basis
from tests.unit.engine.small_market import (
    COIN,
    INSTRUMENTS,
    NANO,
    NO_FEES,
    PARAMETERS,
    USD,
    small_market,
)

MARKET = small_market()
DOWN_15, UP_15, NULL = 12, 10, 16


def effect(name: str, side: Side, price: float, fees: FeeTier = NO_FEES) -> LegEffect:
    return leg_effect(MARKET.arrays, fees, MARKET.row(name), side, round(price * NANO))


def test_a_buy_above_the_mark_loses_the_difference_when_it_fills() -> None:
    assert effect("NEAR", Side.BUY, 101_100).entry == -10 * USD
    assert effect("CALL", Side.BUY, 250).entry == -5 * USD


def test_a_fill_better_than_the_mark_is_not_credited() -> None:
    assert effect("NEAR", Side.BUY, 100_000).entry == 0
    assert effect("NEAR", Side.SELL, 102_000).entry == 0
    assert effect("CALL", Side.SELL, 250).entry == 0


def test_a_short_lot_owes_the_rounding_reserve() -> None:
    """[SPAN-07]"""
    assert effect("NEAR", Side.SELL, 101_000).entry == -1
    assert effect("COIN-PERPETUAL", Side.SELL, 100_000).entry == -1


def test_the_fee_is_part_of_the_entry_loss() -> None:
    fees = {**NO_FEES, InstrumentKind.FUTURE: FeeRate(maker_ppm=0, taker_ppm=500)}
    assert effect("NEAR", Side.BUY, 101_000, fees).entry == -5_050_000


def test_each_row_takes_the_fill_only_where_it_hurts() -> None:
    near = effect("NEAR", Side.BUY, 101_100)
    assert near.worst_r[DOWN_15] == -1_515 * USD - 10 * USD
    assert near.worst_r[UP_15] == 0
    assert near.worst_r[NULL] == -10 * USD


def test_a_coin_premium_is_scanned_as_coins() -> None:
    bought = effect("COIN-CALL", Side.BUY, 0.2)
    # 0.1 coin, in the money: +-1,500 less the premium of 0.02 coins, which loses 15 % of 2,000.
    assert bought.worst_r[DOWN_15] == -(1_500 - 300) * USD
    assert bought.worst_r[UP_15] == 0
    # Delta less premium in the bucket of its expiry; premium gained and premium paid in spot's.
    assert effect_basis(MARKET.arrays, bought) == (80 * USD, 20 * USD - 20 * USD, 0)


def test_selling_an_option_may_add_to_the_short_option_minimum_and_buying_takes_away() -> None:
    assert effect("FAR-PUT", Side.SELL, 10).minimum == -100 * USD - 1
    assert effect("FAR-PUT", Side.BUY, 10).minimum == 0
    # A buy that loses more than the minimum it releases.
    assert effect("FAR-PUT", Side.BUY, 1_210).minimum == -20 * USD


def test_futures_take_no_cash_and_options_and_spot_take_what_they_pay() -> None:
    """[DEC-03]"""
    assert effect("NEAR", Side.BUY, 101_000).cash == ()
    assert effect("CALL", Side.BUY, 200).cash == (("USD", -20 * USD),)
    assert effect("CALL", Side.SELL, 200).cash == (("USD", 20 * USD),)
    assert effect("COIN-CALL", Side.BUY, 0.2).cash == (("BTC", -COIN // 50),)
    bought, sold = effect("BTC", Side.BUY, 100_000), effect("BTC", Side.SELL, 100_000)
    assert bought.cash == (("USD", -10_000 * USD), ("BTC", COIN // 10))
    assert sold.cash == (("USD", 10_000 * USD), ("BTC", -COIN // 10))


def test_a_sale_for_less_than_its_fee_takes_cash() -> None:
    fees = {**NO_FEES, InstrumentKind.OPTION: FeeRate(maker_ppm=300, taker_ppm=300)}
    assert effect("FAR-PUT", Side.SELL, 0.5, fees).cash == (("USD", 50_000 - 3 * USD),)


def test_a_haircut_makes_sold_coins_dear_and_bought_coins_cheap() -> None:
    market = small_market(collateral_haircut=Decimal("0.1"))
    row = market.row("BTC")
    for side in (Side.BUY, Side.SELL):
        taken = leg_effect(market.arrays, NO_FEES, row, side, 100_000 * NANO)
        assert taken.entry == -1_000 * USD


def test_gross_bounds_every_row() -> None:
    for name in ("NEAR", "COIN-CALL", "COIN-PERPETUAL", "BTC", "FAR-PUT"):
        for side in Side:
            taken = effect(name, side, 150_000 if name != "COIN-CALL" else 0.9)
            assert taken.gross >= max(abs(int(row)) for row in taken.worst_r)


@pytest.mark.parametrize(("name", "price"), [("COIN-PERPETUAL", 1e-9), ("NEAR", 9e8)])
def test_one_lot_at_an_absurd_limit_is_beyond_the_range_and_not_an_error(
    name: str, price: float
) -> None:
    """[SPAN-04] what one lot could lose does not fit an int64"""
    table = InstrumentTable(
        [replace(i, lot_nano=9 * 10**15) if i.name == name else i for i in INSTRUMENTS]
    )
    arrays = model("span", {"BTC": PARAMETERS}).risk_arrays(table, MARKET.arrays.snapshot)
    row = table.row_by_name[name]
    assert arrays.priced_i[row]
    taken = leg_effect(arrays, NO_FEES, row, Side.BUY, round(price * NANO))
    assert taken.gross >= GROSS_MAX
    assert not taken.worst_r.any()
    leg = OpenLeg(row=row, side=Side.BUY, lots=1, price_nano=round(price * NANO))
    assert hold_of(arrays, NO_FEES, [leg]).gross >= GROSS_MAX
