"""Features of open orders, added up per group. [SPAN-14]"""

from dataclasses import dataclass, field

import numpy as np

from margingate_engine.market.table import IntArray
from margingate_engine.portfolio.effect import LegEffect
from margingate_engine.scenarios.risk_arrays import SPOT_BUCKET


@dataclass(slots=True)
class OrderTotals:
    """Sums over open lots of one group, 1e-6 USD. Adding and taking away is exact.

    worst_r: sum of min(0, e + d) per row. up, down: what fills can add to and take from each basis
    bucket. floors: per instrument (sum of e, sum of e + sign x k). lots: how many are open;
    combo_lots of them belong to combos.
    """

    worst_r: IntArray
    up: dict[int, int] = field(default_factory=dict)
    down: dict[int, int] = field(default_factory=dict)
    floors: dict[int, tuple[int, int]] = field(default_factory=dict)
    lots: int = 0
    combo_lots: int = 0

    @classmethod
    def empty(cls, row_count: int) -> "OrderTotals":
        """No order at all."""
        return cls(worst_r=np.zeros(row_count, dtype=np.int64))

    def add(self, effect: LegEffect, lots: int, *, is_of_combo: bool = False) -> None:
        """Put `lots` > 0 of an order in."""
        self.worst_r = self.worst_r + lots * effect.worst_r
        _shift(self.up, effect.bucket, lots * max(0, effect.basis))
        _shift(self.down, effect.bucket, lots * min(0, effect.basis))
        _shift(self.up, SPOT_BUCKET, lots * max(0, effect.basis_spot_up))
        _shift(self.down, SPOT_BUCKET, lots * min(0, effect.basis_spot))
        entry, minimum = self.floors.get(effect.row, (0, 0))
        entry, minimum = entry + lots * effect.entry, minimum + lots * effect.minimum
        if entry or minimum:
            self.floors[effect.row] = (entry, minimum)
        else:
            self.floors.pop(effect.row, None)
        self.lots += lots
        if is_of_combo:
            self.combo_lots += lots

    def merge(self, other: "OrderTotals", sign: int) -> None:
        """Put the sums of another in (sign 1) or take them out (sign -1)."""
        self.worst_r = self.worst_r + sign * other.worst_r
        for bucket, change in other.up.items():
            _shift(self.up, bucket, sign * change)
        for bucket, change in other.down.items():
            _shift(self.down, bucket, sign * change)
        for row, (entry, minimum) in other.floors.items():
            old_entry, old_minimum = self.floors.get(row, (0, 0))
            merged = (old_entry + sign * entry, old_minimum + sign * minimum)
            if merged == (0, 0):
                del self.floors[row]
            else:
                self.floors[row] = merged
        self.lots += sign * other.lots
        self.combo_lots += sign * other.combo_lots


def _shift(sums: dict[int, int], key: int, change: int) -> None:
    """Add to a sum, forgetting sums of zero so that there-and-back leaves no trace."""
    if change:
        total = sums.get(key, 0) + change
        if total:
            sums[key] = total
        else:
            del sums[key]
