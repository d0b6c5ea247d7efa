"""Bounds of what is added up in columns: beyond them int64 may wrap, and nothing is known."""

from collections.abc import Mapping

import numpy as np

from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray
from margingate_engine.portfolio.risk_arrays import RiskArrays

ROWS, USD, COINS = 0, 1, 2
"""Columns of bounds (axis B): of any row's size, of every other amount of USD, of coins."""

SIZE_MAX = 2.0**60
"""Rows and USD of an account below it, added up, make sums that an int64 holds."""

COINS_MAX = 2.0**62
"""Coins of a cell below it, with those on order, are an int64."""


def leave_room(arrays: RiskArrays, lots_by_row: Mapping[int, int]) -> bool:
    """Whether positions are worth a quarter of what columns hold at most, so that prices may move.

    lots_by_row: signed. What has no price is worth nothing.
    """
    usd = coins = 0
    for row, lots in lots_by_row.items():
        a_lot = arrays.gross_i[row] + arrays.minimum_i[row]
        usd += abs(lots) * a_lot + abs(arrays.position_value(row, lots))
        coins += abs(arrays.position_coin(row, lots))
    return 4 * usd < SIZE_MAX and 4 * coins < COINS_MAX


def sizes(gross_n: FloatArray, amount_nk: IntArray, is_coin_k: BoolArray) -> FloatArray:
    """Bounds of what a lot adds, (N, 3), 1e-6 USD and 1e-12 coins, not below zero.

    gross_n: bound of its rows, either sign. amount_nk: its other amounts, some of them coins.
    """
    size_nk = np.abs(amount_nk.astype(np.float64))
    usd_n = size_nk[:, ~is_coin_k].max(axis=1, initial=0.0)
    coins_n = size_nk[:, is_coin_k].max(axis=1, initial=0.0)
    return np.stack((np.abs(gross_n), usd_n, coins_n), axis=1)
