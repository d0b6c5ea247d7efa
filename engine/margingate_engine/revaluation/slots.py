"""Rows of a sparse matrix, each of which can be written anew without moving the others."""

import numpy as np
from numpy.typing import NDArray

from margingate_engine.core.arrays import IntArray

SLACK = 1.25
CAPACITY_MIN = 4
"""Entries that a row has room for at least: most changes of a row then move nothing."""


class Slots:
    """Rows of (column, values) entries, n-th row for the n-th cell; those not used are zeros.

    width: how many values an entry has. Not for two threads at once.
    """

    def __init__(self, width: int = 1) -> None:
        self._start_c = np.zeros(1, dtype=np.int64)
        self._column_n = np.zeros(0, dtype=np.int32)
        self._value_wn = np.zeros((width, 0), dtype=np.int64)
        self._count_c: list[int] = []
        self._capacity_c: list[int] = []
        self._late: dict[int, tuple[NDArray[np.int32], IntArray]] = {}

    def __len__(self) -> int:
        return len(self._count_c)

    def extend(self) -> int:
        """A new empty row at the end; its number."""
        self._count_c.append(0)
        self._capacity_c.append(0)
        return len(self._count_c) - 1

    def put(self, cell: int, columns: list[int], *values: list[int]) -> None:
        """Write a row anew; values by width, each as long as the columns."""
        count = len(columns)
        if not count and not self._count_c[cell]:
            return
        self._count_c[cell] = count
        if cell not in self._late and count <= self._capacity_c[cell]:
            start = int(self._start_c[cell])
            end = start + self._capacity_c[cell]
            self._column_n[start : start + count] = columns
            self._column_n[start + count : end] = 0
            self._value_wn[:, start : start + count] = values
            self._value_wn[:, start + count : end] = 0
            return
        row = np.array(columns, dtype=np.int32), np.array(values, dtype=np.int64)
        self._late[cell] = row

    def columns(self) -> NDArray[np.int32]:
        """Column of every entry, unused ones included, row after row."""
        self._settle()
        return self._column_n

    def renumber(self, number_j: NDArray[np.int32]) -> None:
        """Give every column another number, of column 0 the same; as many as there are columns."""
        self._settle()
        self._column_n = number_j[self._column_n]

    def values(self, number: int = 0) -> IntArray:
        """A value of every entry."""
        self._settle()
        values: IntArray = self._value_wn[number]
        return values

    def starts(self) -> IntArray:
        """Where each row starts, and where the last one ends."""
        self._settle()
        return self._start_c

    def _settle(self) -> None:
        """Give rows that outgrew theirs, and new ones, a place; in one go, for it moves all."""
        if not self._late and len(self._start_c) == len(self) + 1:
            return
        old_start_c = self._start_c
        old_capacity_c = np.diff(old_start_c)
        for cell, (columns, _) in self._late.items():
            self._capacity_c[cell] = max(CAPACITY_MIN, int(len(columns) * SLACK))
        self._start_c = np.zeros(len(self) + 1, dtype=np.int64)
        np.cumsum(np.array(self._capacity_c, dtype=np.int64), out=self._start_c[1:])
        size = int(self._start_c[-1])
        column_n = np.zeros(size, dtype=np.int32)
        value_wn = np.zeros((len(self._value_wn), size), dtype=np.int64)
        kept_c = old_capacity_c == np.diff(self._start_c[: len(old_start_c)])
        kept_c[[cell for cell in self._late if cell < len(kept_c)]] = False
        moved_c = np.where(kept_c, old_capacity_c, 0)
        from_n = _spread(old_start_c[:-1], moved_c)
        to_n = _spread(self._start_c[: len(moved_c)], moved_c)
        column_n[to_n] = self._column_n[from_n]
        value_wn[:, to_n] = self._value_wn[:, from_n]
        for cell, (columns, values) in self._late.items():
            start = int(self._start_c[cell])
            column_n[start : start + len(columns)] = columns
            value_wn[:, start : start + len(columns)] = values
        self._column_n, self._value_wn, self._late = column_n, value_wn, {}


def _spread(start_c: IntArray, count_c: IntArray) -> IntArray:
    """The numbers start, start + 1, ... of each, so many as counted, one after another."""
    within_n = np.arange(int(count_c.sum())) - np.repeat(np.cumsum(count_c) - count_c, count_c)
    return np.repeat(start_c, count_c) + within_n
