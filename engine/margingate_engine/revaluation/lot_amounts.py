"""What a lot of every instrument adds to a cell, held long or short, side by side in columns."""

from dataclasses import dataclass

import numpy as np

from margingate_engine.market.table import BoolArray, FloatArray, IntArray
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_engine.revaluation.keyed import KeyedColumns

OTHERS = 5
"""Columns between the rows and the keyed features."""


@dataclass(frozen=True, slots=True)
class CellSums:
    """Sums of positions per cell (axis C), 1e-6 USD but for coins in 1e-12.

    rows_cr: P&L, the null row last. surcharge_c: what prices in doubt put up. unpriced_c: lots of
    what has no price.
    """

    rows_cr: IntArray
    value_c: IntArray
    coin_c: IntArray
    minimum_c: IntArray
    surcharge_c: IntArray
    unpriced_c: IntArray
    keyed_ck: IntArray


@dataclass(frozen=True, slots=True)
class LotAmounts:
    """What a signed lot adds; axis J is 2 x instrument, + 1 where it is held short.

    gross_j: to the bound of any row's size.
    """

    amount_jn: IntArray
    gross_j: FloatArray
    row_count: int

    @classmethod
    def of(cls, arrays: RiskArrays, keyed: KeyedColumns, is_usable_i: BoolArray) -> "LotAmounts":
        """Amounts at a market; lots of what is not usable count as without a price."""
        instruments, rows = arrays.pnl_ir.shape
        amount_jn = np.zeros((2 * instruments, rows + OTHERS + keyed.amount_ik.shape[1]), np.int64)
        for is_short, value_i, coin_i in (
            (0, arrays.value_long_i, arrays.coin_long_pico_i),
            (1, arrays.value_short_i, arrays.coin_short_pico_i),
        ):
            side_in = amount_jn[is_short::2]
            side_in[:, :rows] = arrays.pnl_ir
            side_in[:, rows], side_in[:, rows + 1] = value_i, coin_i
            sign = -1 if is_short else 1
            side_in[:, rows + 3] = sign * np.array(arrays.surcharge_i, dtype=np.int64)
            side_in[:, rows + 4] = np.where(is_usable_i, 0, sign)
            side_in[:, rows + OTHERS :] = keyed.amount_ik
        amount_jn[1::2, rows + 2] = -np.array(arrays.minimum_i, dtype=np.int64)
        gross_i = np.array(arrays.gross_i, dtype=np.float64)
        return cls(amount_jn, np.stack((gross_i, -gross_i), axis=1).reshape(-1), rows)

    def split(self, sum_cn: IntArray) -> CellSums:
        """Sums of the amounts under their names."""
        rows = self.row_count
        value_c, coin_c, minimum_c, surcharge_c, unpriced_c = sum_cn[:, rows : rows + OTHERS].T
        return CellSums(
            rows_cr=sum_cn[:, :rows],
            value_c=value_c,
            coin_c=coin_c,
            minimum_c=minimum_c,
            surcharge_c=surcharge_c,
            unpriced_c=unpriced_c,
            keyed_ck=sum_cn[:, rows + OTHERS :],
        )
