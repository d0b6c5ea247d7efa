"""Features of one account in one group: its positions and its open orders. [SPAN-09 to SPAN-14]"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from margingate_engine.core.arrays import IntArray
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.portfolio.risk_arrays import SPOT_KEY, GroupArrays, RiskArrays


class Pocket(NamedTuple):
    """What a position of so many lots (signed) has to itself. [ISO-02]

    wallet: 1e-6 USD. entry: settlement asset's units.
    """

    lots: int
    wallet: int
    entry: int


@dataclass(slots=True)
class GroupTotals:
    """Additive features of positions and open orders of one group, 1e-6 USD.

    pnl_r: positions' rows without the coin balance; its last entry is the null row. coin_pico: coin
    balance. keyed: features by key, the coin balance's part not included. lots: signed, by
    instrument row. minimum: what the shorts require at least. surcharge: what positions put up on
    top while their prices are in doubt. pockets: what positions have to themselves, by row.
    floor_worst: sum over instruments of the worst headroom where the minimum binds, open orders
    filled, <= 0. positions_margin, worst_margin: what the model made of them last, None when
    something changed since.
    """

    arrays: RiskArrays
    group: GroupArrays
    pnl_r: IntArray
    orders: OrderTotals
    coin_pico: int = 0
    keyed: dict[int, int] = field(default_factory=dict)
    lots: dict[int, int] = field(default_factory=dict)
    minimum: int = 0
    surcharge: int = 0
    pockets: dict[int, Pocket] = field(default_factory=dict)
    floor_worst: int = 0
    positions_margin: Any = None
    worst_margin: Any = None
    _rows: IntArray | None = None

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

    def copied(self) -> "GroupTotals":
        """The same, to be changed apart from this."""
        return replace(
            self,
            orders=self.orders.copied(),
            keyed=dict(self.keyed),
            lots=dict(self.lots),
            pockets=dict(self.pockets),
        )

    def positions_copy(self) -> "GroupTotals":
        """The positions without the open orders, to try a change on."""
        copy = GroupTotals.empty(self.arrays, self.group)
        copy.pnl_r, copy.coin_pico, copy.minimum = self.pnl_r, self.coin_pico, self.minimum
        copy.keyed, copy.lots = dict(self.keyed), dict(self.lots)
        copy.pockets, copy.surcharge = dict(self.pockets), self.surcharge
        copy.floor_worst = -self.minimum
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
        for key, amount in self.arrays.features_i[row]:
            self.keyed[key] = self.keyed.get(key, 0) + lots * amount
        self.minimum += self.arrays.minimum_i[row] * (max(0, -after) - max(0, -before))
        self.surcharge += self.arrays.surcharge_i[row] * (abs(after) - abs(before))
        self._rows = self.positions_margin = self.worst_margin = None

    def take_positions(self, pockets: Mapping[int, Pocket]) -> None:
        """Positions by row, none of them zero, of a group that has none and nothing on order."""
        arrays, keyed, rows = self.arrays, self.keyed, [*pockets]
        self.pockets = dict(pockets)
        self.lots = {row: pocket.lots for row, pocket in pockets.items()}
        lots_i = np.array([*self.lots.values()], dtype=np.int64)
        self.pnl_r = lots_i @ arrays.pnl_ir[rows]
        for row, lots in self.lots.items():
            for key, amount in arrays.features_i[row]:
                keyed[key] = keyed.get(key, 0) + lots * amount
            if lots < 0:
                self.minimum -= lots * arrays.minimum_i[row]
            self.surcharge += arrays.surcharge_i[row] * abs(lots)
        self.floor_worst = -self.minimum
        self._rows = self.positions_margin = self.worst_margin = None

    def allocate(self, row: int, pocket: Pocket) -> None:
        """Say what a position has to itself; one of no lots has nothing."""
        if pocket.lots:
            self.pockets[row] = pocket
        else:
            self.pockets.pop(row, None)
        self.positions_margin = self.worst_margin = None

    def move_coin(self, coin_pico: int) -> None:
        """Change the coin balance."""
        self.coin_pico += coin_pico
        self._rows = self.positions_margin = self.worst_margin = None

    def add_order(self, orders: OrderTotals) -> None:
        """Put the totals of an order in."""
        self._merge(orders, 1)

    def remove_order(self, orders: OrderTotals) -> None:
        """Take the totals of an order out that were put in before."""
        self._merge(orders, -1)

    def _merge(self, orders: OrderTotals, sign: int) -> None:
        self.worst_margin = None
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
        return self.group.coin_gross(self.coin_pico)

    def worst_rows(self, holds: Sequence[OrderTotals]) -> IntArray:
        """Worst P&L per row over the fills of orders, each row for itself."""
        rows = self.rows
        for hold in holds:
            rows = rows + hold.worst_r
        return rows

    def worst_minimum(self, holds: Sequence[OrderTotals]) -> int:
        """What shorts require at least over the fills of orders, entry losses with it. [SPAN-14]

        holds: none, or the open orders, and possibly one order more after them.
        """
        if not holds:
            return self.minimum
        assert holds[0] is self.orders, "the open orders come first"
        floor = self.floor_worst
        for row in holds[-1].floors if len(holds) > 1 else ():
            floor += self._floor(row, *holds) - self._floor(row, self.orders)
        return -floor

    def cap_hold(self, holds: Sequence[OrderTotals]) -> int:
        """What the value that counts may lack of the value at the worst fills, >= 0. [COL-05]

        Beyond what it lacks now, which equity knows.
        """
        coin_up = sum(hold.coin_up for hold in holds)
        if not coin_up:
            return 0
        up = self.coin_pico + coin_up
        return self.group.beyond_cap(up) - self.group.beyond_cap(self.coin_pico)

    def _floor(self, row: int, *holds: OrderTotals) -> int:
        """Worst headroom effect of an instrument where the minimum binds, <= 0."""
        entry = minimum = 0
        for hold in holds:
            hold_entry, hold_minimum = hold.floors.get(row, (0, 0))
            entry, minimum = entry + hold_entry, minimum + hold_minimum
        return min(entry, self.arrays.minimum_i[row] * self.lots.get(row, 0) + minimum)

    def features(self) -> dict[int, int]:
        """Features of the positions by key, the coin balance included. [SPAN-10]"""
        spot = self.keyed.get(SPOT_KEY, 0) + self.group.coin_feature(self.coin_pico)
        return {**self.keyed, SPOT_KEY: spot}

    def extreme_features(
        self, holds: Sequence[OrderTotals]
    ) -> tuple[dict[int, int], dict[int, int]]:
        """Highest and lowest feature by key over the fills of orders, of the same keys."""
        highest, lowest = self.features(), self.features()
        for hold in holds:
            for key, change in hold.up.items():
                highest[key] = highest.get(key, 0) + change
                lowest.setdefault(key, 0)
            for key, change in hold.down.items():
                lowest[key] = lowest.get(key, 0) + change
                highest.setdefault(key, 0)
        return highest, lowest
