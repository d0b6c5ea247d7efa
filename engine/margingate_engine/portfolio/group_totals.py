"""Features of one account in one group, and the requirement they make. [SPAN-09 to SPAN-15]"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from margingate_engine.core.amounts import ceil_div
from margingate_engine.market.table import IntArray
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.scenarios.risk_arrays import PPM, SPOT_BUCKET, GroupArrays, RiskArrays

NO_SCENARIO = 0
MINIMUM_BINDS = -1


class GroupRequirement(NamedTuple):
    """Requirement of a group in 1e-6 USD, all >= 0.

    total = max(scan + basis, minimum). scenario: number from 1 of the binding one, NO_SCENARIO when
    none loses, MINIMUM_BINDS when the short option minimum is larger. is_exact: no fill combination
    is worse than another one that was counted.
    """

    scan: int
    basis: int
    minimum: int
    scenario: int
    is_exact: bool

    @property
    def total(self) -> int:
        """What the group requires."""
        return max(self.scan + self.basis, self.minimum)


@dataclass(slots=True)
class GroupTotals:
    """Additive features of positions and open orders of one group, 1e-6 USD.

    pnl_r: positions' rows without the coin balance; its last entry is the null row. coin_pico: coin
    balance. basis: per bucket, the coin balance's part not included. lots: signed, by instrument
    row. minimum: short option minimum of the positions.
    """

    arrays: RiskArrays
    group: GroupArrays
    pnl_r: IntArray
    orders: OrderTotals
    coin_pico: int = 0
    basis: dict[int, int] = field(default_factory=dict)
    lots: dict[int, int] = field(default_factory=dict)
    minimum: int = 0
    floor_worst: int = 0
    _rows: IntArray | None = None
    _worst: GroupRequirement | None = None
    _positions: GroupRequirement | None = None

    @classmethod
    def empty(cls, arrays: RiskArrays, group: GroupArrays) -> "GroupTotals":
        """Nothing held and nothing on order."""
        row_count = arrays.pnl_ir.shape[1]
        zero_r = np.zeros(row_count, dtype=np.int64)
        return cls(arrays, group, pnl_r=zero_r, orders=OrderTotals.empty(row_count))

    @property
    def is_empty(self) -> bool:
        """True when nothing is held or on order: what was once here leaves no trace."""
        return not (self.lots or self.coin_pico or self.orders.lots)

    def positions_copy(self) -> "GroupTotals":
        """The positions without the open orders, to try a change on."""
        copy = GroupTotals.empty(self.arrays, self.group)
        copy.pnl_r, copy.coin_pico, copy.minimum = self.pnl_r, self.coin_pico, self.minimum
        copy.basis, copy.lots = dict(self.basis), dict(self.lots)
        return copy

    def move_position(self, row: int, lots: int) -> None:
        """Change a position by `lots` (signed); its coin value is the caller's to move."""
        before = self.lots.get(row, 0)
        after = before + lots
        self.floor_worst -= self._floor(row, self.orders)
        if after:
            self.lots[row] = after
        else:
            self.lots.pop(row, None)
        self.floor_worst += self._floor(row, self.orders)
        self.pnl_r = self.pnl_r + lots * self.arrays.pnl_ir[row]
        bucket = self.arrays.bucket_i[row]
        self.basis[bucket] = self.basis.get(bucket, 0) + lots * self.arrays.basis_i[row]
        self.basis[SPOT_BUCKET] = (
            self.basis.get(SPOT_BUCKET, 0) + lots * self.arrays.basis_spot_i[row]
        )
        self.minimum += self.arrays.minimum_i[row] * (max(0, -after) - max(0, -before))
        self._rows = self._positions = self._worst = None

    def move_coin(self, coin_pico: int) -> None:
        """Change the coin balance."""
        self.coin_pico += coin_pico
        self._rows = self._positions = self._worst = None

    def add_order(self, orders: OrderTotals) -> None:
        """Put the totals of an order in."""
        self._merge(orders, 1)

    def remove_order(self, orders: OrderTotals) -> None:
        """Take the totals of an order out that were put in before."""
        self._merge(orders, -1)

    def _merge(self, orders: OrderTotals, sign: int) -> None:
        self._worst = None
        touched = orders.floors.keys()
        self.floor_worst -= sum(self._floor(row, self.orders) for row in touched)
        self.orders.merge(orders, sign)
        self.floor_worst += sum(self._floor(row, self.orders) for row in touched)

    @property
    def rows(self) -> IntArray:
        """P&L of the positions with the coin balance, (R,), gains positive. [SPAN-09]"""
        if self._rows is None:
            coin_rows = self.group.coin_rows(self.coin_pico)
            self._rows = self.pnl_r + np.array([*coin_rows, 0], dtype=np.int64)
        return self._rows

    @property
    def coin_gross(self) -> int:
        """Largest |row| of the coin balance, 1e-6 USD: its part of the range. [SPAN-04]"""
        return max(map(abs, self.group.coin_rows(self.coin_pico)))

    def positions_requirement(self) -> GroupRequirement:
        """Requirement of the positions alone. [SPAN-12]"""
        if self._positions is None:
            basis = self._basis_charge()
            self._positions = requirement(self.rows, basis, self.minimum, is_exact=True)
        return self._positions

    def maintenance(self) -> int:
        """Maintenance margin, positions only, rounded up. [SPAN-12]"""
        return ceil_div(self.positions_requirement().total * self.group.maintenance_ppm, PPM)

    def worst_rows(self) -> IntArray:
        """Worst P&L per row over the fills of open orders, each row for itself."""
        return self.rows + self.orders.worst_r

    def worst_requirement(self, extra: OrderTotals | None = None) -> GroupRequirement:
        """Requirement over the worst fills of the open orders and of one order more. [SPAN-14]"""
        if extra is not None:
            return self._worst_of((self.orders, extra))
        if self._worst is None:
            self._worst = self._worst_of((self.orders,))
        return self._worst

    def _worst_of(self, holds: tuple[OrderTotals, ...]) -> GroupRequirement:
        floor, rows, lots = self.floor_worst, self.rows, 0
        for hold in holds:
            rows, lots = rows + hold.worst_r, lots + hold.lots
        for row in holds[-1].floors if len(holds) > 1 else ():
            floor += self._floor(row, *holds) - self._floor(row, self.orders)
        basis = self._basis_worst(holds) if lots else self._basis_charge()
        is_exact = not (lots and basis) and not any(hold.row_bound_lots for hold in holds)
        worst = requirement(rows, basis, -floor, is_exact=is_exact)
        if worst.minimum > worst.scan + basis and any(hold.floor_bound_lots for hold in holds):
            return worst._replace(is_exact=False)
        return worst

    def _floor(self, row: int, *holds: OrderTotals) -> int:
        """Worst headroom effect of an instrument where the short option minimum binds, <= 0."""
        entry = minimum = 0
        for hold in holds:
            hold_entry, hold_minimum = hold.floors.get(row, (0, 0))
            entry, minimum = entry + hold_entry, minimum + hold_minimum
        return min(entry, self.arrays.minimum_i[row] * self.lots.get(row, 0) + minimum)

    def buckets(self) -> dict[int, int]:
        """Basis feature per bucket, the coin balance included. [SPAN-10]"""
        spot = self.basis.get(SPOT_BUCKET, 0) + self.group.coin_basis(self.coin_pico)
        return {**self.basis, SPOT_BUCKET: spot}

    def _basis_charge(self) -> int:
        return basis_charge(self.buckets())

    def extreme_buckets(self, *extra: OrderTotals) -> tuple[dict[int, int], dict[int, int]]:
        """Highest and lowest basis feature per bucket over the fills of open and extra orders."""
        highest, lowest = self.buckets(), self.buckets()
        for hold in (self.orders, *extra):
            for bucket, change in hold.up.items():
                highest[bucket] = highest.get(bucket, 0) + change
            for bucket, change in hold.down.items():
                lowest[bucket] = lowest.get(bucket, 0) + change
        return highest, lowest

    def _basis_worst(self, holds: tuple[OrderTotals, ...]) -> int:
        highest, lowest = self.extreme_buckets(*holds[1:])
        return min(side_sum(highest, 1), side_sum(lowest, -1))


def side_sum(buckets: Mapping[int, int], sign: int) -> int:
    """Sum of the buckets of one sign (1 long, -1 short), as a positive number."""
    return sum(sign * value for value in buckets.values() if sign * value > 0)


def basis_charge(buckets: Mapping[int, int]) -> int:
    """Charge for opposite deltas across expiries: the smaller of longs and shorts. [SPAN-10]"""
    return min(side_sum(buckets, 1), side_sum(buckets, -1))


def requirement(rows: IntArray, basis: int, minimum: int, *, is_exact: bool) -> GroupRequirement:
    """The requirement from rows (the null row last), charge and minimum. [SPAN-12, SPAN-14]"""
    index = int(rows.argmin())
    scan = -int(rows[index])
    scenario = NO_SCENARIO if scan == -int(rows[-1]) else index + 1
    if minimum > scan + basis:
        scenario = MINIMUM_BINDS
    return GroupRequirement(scan, basis, minimum, scenario, is_exact)
