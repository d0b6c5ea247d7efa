"""What many accounts have of one underlying, in columns. A cell is what one of them has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from margingate_engine.core.arrays import FloatArray, IntArray
from margingate_engine.portfolio.holdings import OpenLeg
from margingate_engine.revaluation.growing import Growing
from margingate_engine.revaluation.slots import Slots


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of the rows of cells: column_n and lots_n of each, row after row from start_c on.

    held_n: lots of the position in the instrument of an order's entry; empty for positions.
    """

    column_n: NDArray[np.int32]
    lots_n: IntArray
    held_n: IntArray
    start_c: IntArray

    def part(self, first: int, last: int) -> "Entries":
        """Those of cells from first up to, not including, last."""
        start, end = int(self.start_c[first]), int(self.start_c[last])
        held_n = self.held_n[start:end] if len(self.held_n) else self.held_n
        return Entries(
            column_n=self.column_n[start:end],
            lots_n=self.lots_n[start:end],
            held_n=held_n,
            start_c=self.start_c[first : last + 1] - start,
        )

    def times(self, amount_jn: IntArray) -> IntArray:
        """Sums over each cell's entries of lots x the amounts of their columns, (C, N)."""
        return np.asarray(self._lots_cj(len(amount_jn)) @ amount_jn)

    def sizes(self, size_jb: FloatArray) -> FloatArray:
        """As `times`, of bounds that floats are exact enough for, (C, B)."""
        return np.asarray(self._lots_cj(len(size_jb)) @ size_jb)

    def _lots_cj(self, columns: int) -> "csr_matrix[np.int64]":
        shape = (len(self.start_c) - 1, columns)
        return csr_matrix((self.lots_n, self.column_n, self.start_c), shape=shape, copy=False)


class GroupCells:
    """Cells of one underlying. Columns of positions are 2 x instrument row, + 1 for shorts."""

    def __init__(self) -> None:
        self._cell_a = Growing(filler=-1)
        self._account_c, self._coin_c, self._lots_c = Growing(), Growing(), Growing()
        self._positions, self._orders = Slots(), Slots(width=2)

    def __len__(self) -> int:
        return len(self._positions)

    def cell(self, account: int) -> int:
        """Cell of an account, -1 when it never had any."""
        return int(self._cell_a.first(account + 1)[account])

    def put(
        self,
        account: int,
        coin_pico: int,
        lots: Mapping[int, int],
        legs: Sequence[tuple[int, OpenLeg]],
    ) -> None:
        """Take what an account has; lots signed, by row; legs with their effects' numbers."""
        cell = self.cell(account)
        if cell < 0:
            if not (coin_pico or lots or legs):
                return
            cell = self._positions.extend()
            self._orders.extend()
            self._cell_a[account], self._account_c[cell] = cell, account
        self._coin_c[cell] = coin_pico
        self._lots_c[cell] = sum(map(abs, lots.values())) + sum(leg.lots for _, leg in legs)
        columns = [2 * row + (each < 0) for row, each in lots.items()]
        self._positions.put(cell, columns, list(lots.values()))
        legs = sorted(legs, key=lambda each: each[1].row)
        self._orders.put(
            cell,
            [effect for effect, _ in legs],
            [leg.lots for _, leg in legs],
            [lots.get(leg.row, 0) for _, leg in legs],
        )

    def account_c(self) -> IntArray:
        """Number of the account of each cell."""
        return self._account_c.first(len(self))

    def coin_c(self) -> IntArray:
        """Coins of each cell, entries of coin-settled futures with them, 1e-12."""
        return self._coin_c.first(len(self))

    def lots_c(self) -> IntArray:
        """Lots of each cell, all of them positive, those on order with them."""
        return self._lots_c.first(len(self))

    def positions(self) -> Entries:
        """Entries of positions."""
        slots = self._positions
        held_n = np.zeros(0, dtype=np.int64)
        return Entries(slots.columns(), slots.values(), held_n, slots.starts())

    def used_effects(self) -> NDArray[np.int32]:
        """Numbers of the effects of open orders, and 0, ascending."""
        return np.union1d(self._orders.columns(), [0]).astype(np.int32)

    def renumber_effects(self, number_e: NDArray[np.int32]) -> None:
        """Take the new numbers of effects, by those of before."""
        self._orders.renumber(number_e)

    def orders(self) -> Entries:
        """Entries of open orders, by instrument within a cell; columns are numbers of effects."""
        slots = self._orders
        return Entries(slots.columns(), slots.values(0), slots.values(1), slots.starts())
