"""Features of open orders, added up per group. [SPAN-14]"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from margingate_engine.core.arrays import IntArray
from margingate_engine.portfolio.effect import LegEffect


@dataclass(slots=True)
class OrderTotals:
    """Sums over open lots of one group, 1e-6 USD. Adding and taking away is exact.

    worst_r: sum of min(0, e + d) per row. up, down: what fills can add to and take from each keyed
    feature. floors: per instrument (sum of e, sum of e + sign x k). lots: how many are open; of
    row_bound_lots the rows, of floor_bound_lots the floors are worse than any fills make them.
    coin_up: most coins (1e-12) that fills bring, of those with a cap. surcharge: sum over open lots
    of what each puts up on top. owned_entry, coin_down: as in LegEffect, sums over open lots.
    """

    worst_r: IntArray
    up: dict[int, int] = field(default_factory=dict)
    down: dict[int, int] = field(default_factory=dict)
    floors: dict[int, tuple[int, int]] = field(default_factory=dict)
    lots: int = 0
    row_bound_lots: int = 0
    floor_bound_lots: int = 0
    coin_up: int = 0
    surcharge: int = 0
    owned_entry: int = 0
    coin_down: int = 0

    @classmethod
    def empty(cls, row_count: int) -> "OrderTotals":
        """No order at all."""
        return cls(worst_r=np.zeros(row_count, dtype=np.int64))

    def copied(self) -> "OrderTotals":
        """The same, to be changed apart from this."""
        return replace(self, up=dict(self.up), down=dict(self.down), floors=dict(self.floors))

    def add(self, effect: LegEffect, lots: int) -> None:
        """Put `lots` > 0 of an order in."""
        self.worst_r = self.worst_r + lots * effect.worst_r
        self._add_sums(effect, lots)

    def add_together(
        self, parts: Sequence[tuple[int, LegEffect]], units: int, *, is_whole: bool
    ) -> None:
        """Put `units` of a combo in, each (ratio, effect) of its legs in this group. [SPAN-16]

        is_whole: whether it has no legs in other groups.
        """
        gain = sum(ratio * effect.gain for ratio, effect in parts)
        pnl_r = sum((ratio * effect.pnl_r for ratio, effect in parts), np.zeros_like(self.worst_r))
        self.worst_r = self.worst_r + units * np.minimum(pnl_r + min(0, gain), 0)
        for ratio, effect in parts:
            self._add_sums(effect, units * ratio)
            self.floor_bound_lots += units * ratio
            if not is_whole:
                self.row_bound_lots += units * ratio

    def _add_sums(self, effect: LegEffect, lots: int) -> None:
        for key, lowest, highest in effect.features:
            _shift(self.up, key, lots * max(0, highest))
            _shift(self.down, key, lots * min(0, lowest))
        entry, minimum = self.floors.get(effect.row, (0, 0))
        entry, minimum = entry + lots * effect.entry, minimum + lots * effect.minimum
        if entry or minimum:
            self.floors[effect.row] = (entry, minimum)
        else:
            self.floors.pop(effect.row, None)
        self.lots += lots
        self.coin_up += lots * effect.coin_up
        self.surcharge += lots * effect.surcharge
        self.owned_entry += lots * effect.owned_entry
        self.coin_down += lots * effect.coin_down

    def merge(self, other: "OrderTotals", sign: int) -> None:
        """Put the sums of another in (sign 1) or take them out (sign -1)."""
        self.worst_r = self.worst_r + sign * other.worst_r
        for key, change in other.up.items():
            _shift(self.up, key, sign * change)
        for key, change in other.down.items():
            _shift(self.down, key, sign * change)
        for row, (entry, minimum) in other.floors.items():
            old_entry, old_minimum = self.floors.get(row, (0, 0))
            merged = (old_entry + sign * entry, old_minimum + sign * minimum)
            if merged == (0, 0):
                del self.floors[row]
            else:
                self.floors[row] = merged
        self.lots += sign * other.lots
        self.row_bound_lots += sign * other.row_bound_lots
        self.floor_bound_lots += sign * other.floor_bound_lots
        self.coin_up += sign * other.coin_up
        self.surcharge += sign * other.surcharge
        self.owned_entry += sign * other.owned_entry
        self.coin_down += sign * other.coin_down

    def worse(self, other: "OrderTotals") -> "OrderTotals":
        """The worse of both in every sum: whichever of two orders it turns out to be. [SPAN-17]"""
        floors = {}
        for row in {*self.floors, *other.floors}:
            entry, minimum = self.floors.get(row, (0, 0))
            other_entry, other_minimum = other.floors.get(row, (0, 0))
            floors[row] = (min(entry, other_entry), min(minimum, other_minimum))
        return OrderTotals(
            worst_r=np.minimum(self.worst_r, other.worst_r),
            up=_each(max, self.up, other.up),
            down=_each(min, self.down, other.down),
            floors=floors,
            lots=max(self.lots, other.lots),
            row_bound_lots=max(self.row_bound_lots, other.row_bound_lots),
            floor_bound_lots=max(self.floor_bound_lots, other.floor_bound_lots),
            coin_up=max(self.coin_up, other.coin_up),
            surcharge=max(self.surcharge, other.surcharge),
            owned_entry=min(self.owned_entry, other.owned_entry),
            coin_down=max(self.coin_down, other.coin_down),
        )


def _each(
    pick: Callable[[int, int], int], first: dict[int, int], second: dict[int, int]
) -> dict[int, int]:
    """One of both sums of every key, a missing one being zero."""
    return {key: pick(first.get(key, 0), second.get(key, 0)) for key in {*first, *second}}


def _shift(sums: dict[int, int], key: int, change: int) -> None:
    """Add to a sum, forgetting sums of zero so that there-and-back leaves no trace."""
    if change:
        total = sums.get(key, 0) + change
        if total:
            sums[key] = total
        else:
            del sums[key]
