"""Bounds of what columns add up, by hand."""

import numpy as np

from margingate_engine.core.orders import Side
from margingate_engine.portfolio.holdings import OpenLeg
from margingate_engine.revaluation.effects import Effects, effect_columns
from margingate_engine.revaluation.keyed import KeyedColumns
from margingate_engine.revaluation.lot_amounts import LotAmounts
from margingate_engine.revaluation.sizes import COINS, ROWS, USD, sizes
from tests.unit.engine.small_market import NANO, small_market

MARKET = small_market()
KEYED = KeyedColumns.of(MARKET.arrays)
USABLE_I = np.array(MARKET.arrays.priced_i, dtype=np.bool_)


def test_the_largest_amount_counts_whatever_its_sign_and_coins_apart_from_usd() -> None:
    amount_nk = np.array([[3, -7, 5], [0, -(2**63), 2**62]], dtype=np.int64)
    found = sizes(np.array([-4.0, 0.0]), amount_nk, np.array([False, False, True]))
    assert found.tolist() == [[4.0, 7.0, 5.0], [0.0, 2.0**63, 2.0**62]]


def test_a_lot_has_the_size_of_its_rows_its_value_and_its_coins_as_signed() -> None:
    assert KEYED is not None
    lot = LotAmounts.of(MARKET.arrays, KEYED, USABLE_I)
    size_jb, row = lot.sizes_jb(), MARKET.row("COIN-PERPETUAL")
    long, short = size_jb[2 * row], size_jb[2 * row + 1]
    # Ten USD at 100,000 are 1e8 units of a coin.
    assert (long[COINS], short[COINS]) == (1e8, -1e8)
    assert long[ROWS] == -short[ROWS] == MARKET.arrays.gross_i[row]
    call = size_jb[2 * MARKET.row("FAR-CALL")]
    assert call[USD] == MARKET.arrays.value_long_i[MARKET.row("FAR-CALL")] == 1_200_000_000


def test_a_lot_on_order_has_the_size_of_what_its_fill_makes_of_the_minimum() -> None:
    assert KEYED is not None
    effects, row = Effects(), MARKET.row("CALL")
    leg = OpenLeg(row=row, side=Side.SELL, lots=1, price_nano=200 * NANO)
    number = effects.number(MARKET.table, MARKET.fees, leg)
    found = effect_columns(MARKET.arrays, effects.known(), KEYED, USABLE_I)
    size_eb = found.sizes_eb()
    assert size_eb[number, ROWS] == found.gross_e[number] > 0
    assert size_eb[number, USD] >= abs(found.minimum_e[number]) > 0
