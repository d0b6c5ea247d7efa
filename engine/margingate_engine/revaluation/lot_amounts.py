"""What a lot of every instrument adds to a cell, held long or short, side by side in columns."""

from dataclasses import dataclass

import numpy as np

from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_engine.revaluation.keyed import KeyedColumns
from margingate_engine.revaluation.sizes import sizes

_SINGLE = ("value", "coin", "minimum", "surcharge", "unpriced")
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

    gross_j: bound of any row's size, whatever the side.
    """

    amount_jn: IntArray
    gross_j: FloatArray
    row_count: int

    @classmethod
    def of(cls, arrays: RiskArrays, keyed: KeyedColumns, is_usable_i: BoolArray) -> "LotAmounts":
        """Amounts at a market; lots of what is not usable count as without a price."""
        minimum_i = np.array(arrays.minimum_i, dtype=np.int64)
        surcharge_i = np.array(arrays.surcharge_i, dtype=np.int64)
        unpriced_i = np.where(is_usable_i, 0, 1)
        long = {
            "value": np.array(arrays.value_long_i, dtype=np.int64),
            "coin": np.array(arrays.coin_long_pico_i, dtype=np.int64),
            "minimum": np.zeros_like(minimum_i),
            "surcharge": surcharge_i,
            "unpriced": unpriced_i,
        }
        short = {
            "value": np.array(arrays.value_short_i, dtype=np.int64),
            "coin": np.array(arrays.coin_short_pico_i, dtype=np.int64),
            "minimum": -minimum_i,
            "surcharge": -surcharge_i,
            "unpriced": -unpriced_i,
        }
        sides = [
            np.column_stack((arrays.pnl_ir, *(single[name] for name in _SINGLE), keyed.amount_ik))
            for single in (long, short)
        ]
        gross_i = np.array(arrays.gross_i, dtype=np.float64)
        return cls(
            amount_jn=np.stack(sides, axis=1).reshape(-1, sides[0].shape[1]),
            gross_j=np.repeat(gross_i, 2),
            row_count=arrays.pnl_ir.shape[1],
        )

    def sizes_jb(self) -> FloatArray:
        """Bounds of what a signed lot adds, as `sizes` has them, (J, 3)."""
        is_coin_k = np.zeros(self.amount_jn.shape[1] - self.row_count, dtype=np.bool_)
        is_coin_k[_SINGLE.index("coin")] = True
        sign_j = np.where(np.arange(len(self.amount_jn)) % 2, -1.0, 1.0)
        size_jb = sizes(self.gross_j, self.amount_jn[:, self.row_count :], is_coin_k)
        return np.asarray(sign_j[:, None] * size_jb)

    def split(self, sum_cn: IntArray) -> CellSums:
        """Sums of the amounts under their names."""
        rows, keyed = self.row_count, self.row_count + len(_SINGLE)
        sum_by_name = dict(zip(_SINGLE, sum_cn[:, rows:keyed].T, strict=True))
        return CellSums(
            rows_cr=sum_cn[:, :rows],
            value_c=sum_by_name["value"],
            coin_c=sum_by_name["coin"],
            minimum_c=sum_by_name["minimum"],
            surcharge_c=sum_by_name["surcharge"],
            unpriced_c=sum_by_name["unpriced"],
            keyed_ck=sum_cn[:, keyed:],
        )
