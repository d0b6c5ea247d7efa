"""Margins of many accounts at one market: the integers of AccountRisk, by a few sparse products."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from margingate_engine.core.amounts import AMOUNT_UNITS_MAX
from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray
from margingate_engine.core.floors import floor_products
from margingate_engine.portfolio.risk_arrays import COIN_VALUE_DIVISOR, GroupArrays, RiskArrays
from margingate_engine.revaluation.account_figures import AccountFigures
from margingate_engine.revaluation.coins import beyond_cap, coin_rows_cs, coin_values
from margingate_engine.revaluation.effects import EffectColumns, OrderSums, effect_columns
from margingate_engine.revaluation.floors import worst_minimum_c
from margingate_engine.revaluation.group_cells import Entries, GroupCells
from margingate_engine.revaluation.holdings import Holdings
from margingate_engine.revaluation.keyed import SPOT_COLUMN, KeyedColumns
from margingate_engine.revaluation.lot_amounts import CellSums, LotAmounts
from margingate_engine.revaluation.many_margins import ManyMargins, many_margins
from margingate_engine.revaluation.sizes import COINS, COINS_MAX, ROWS, SIZE_MAX, USD

CELLS_AT_ONCE = 32_768
"""More at once fall out of the caches, fewer pay more often for what each step costs at least."""


@dataclass(frozen=True, slots=True)
class UsablePrices:
    """Whether the price of each instrument, and the index of each underlying, may be relied on."""

    is_usable_i: BoolArray
    is_usable_u: BoolArray

    def is_same(self, other: "UsablePrices") -> bool:
        """Whether the same prices may be relied on."""
        return np.array_equal(self.is_usable_i, other.is_usable_i) and np.array_equal(
            self.is_usable_u, other.is_usable_u
        )


def revalued(
    holdings: Holdings, arrays: RiskArrays, usable: UsablePrices | None = None
) -> AccountFigures | None:
    """Margins of all accounts; None when the model cannot be worked out in columns.

    usable: prices that may be relied on, all when None. The holdings are of a table that the
    arrays' table begins with.
    """
    model, keyed = many_margins(arrays.model), KeyedColumns.of(arrays)
    if model is None or keyed is None:
        return None
    is_usable_i = np.array(arrays.priced_i, dtype=np.bool_)
    is_usable_u = np.array([each is not None for each in arrays.groups], dtype=np.bool_)
    if usable is not None:
        is_usable_i, is_usable_u = (
            is_usable_i & usable.is_usable_i,
            is_usable_u & usable.is_usable_u,
        )
    lot = LotAmounts.of(arrays, keyed, is_usable_i)
    effects = effect_columns(arrays, holdings.effects.known(), keyed, is_usable_i)
    sums = _Sums(holdings)
    for cells, group, is_usable in zip(holdings.groups, arrays.groups, is_usable_u, strict=False):
        if group is None or not is_usable:
            sums.leave_out(cells)
            continue
        work = _Work(arrays, model, lot, effects, group)
        for part, margins in work.margins(cells):
            sums.add(cells.account_c()[part], margins)
    return sums.figures(arrays)


class _Sums:
    """Sums over the groups of each account."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._equity_a = holdings.usd_a().copy()
        zeros = np.zeros((3, len(holdings)), dtype=np.int64)
        self._initial_a, self._maintenance_a, self._worst_a = zeros
        self._size_a = np.abs(self._equity_a.astype(np.float64))
        self._is_known_a = np.ones(len(holdings), dtype=np.bool_)
        for account in holdings.left_out:
            self._is_known_a[holdings.number(account)] = False

    def leave_out(self, cells: GroupCells) -> None:
        """Whoever has something of a group that has no price."""
        has_some_c = (cells.lots_c() > 0) | (cells.coin_c() != 0)
        self._is_known_a[cells.account_c()[has_some_c]] = False

    def add(self, account_c: IntArray, margins: "_Margins") -> None:
        """Margins of cells of these accounts, each of which is there once."""
        self._equity_a[account_c] += margins.value_c
        self._initial_a[account_c] += margins.initial_c
        self._maintenance_a[account_c] += margins.maintenance_c
        self._worst_a[account_c] += margins.worst_c
        self._size_a[account_c] += margins.size_c
        self._is_known_a[account_c] &= margins.is_known_c

    def figures(self, arrays: RiskArrays) -> AccountFigures:
        """What the sums come to; whose amounts are beyond any range is not known."""
        headroom_a = self._equity_a - self._worst_a
        amount_fa = np.stack((self._equity_a, self._initial_a, self._maintenance_a, headroom_a))
        is_known_a = self._is_known_a & (self._size_a < SIZE_MAX)
        is_known_a &= (np.abs(amount_fa) < AMOUNT_UNITS_MAX).all(axis=0)
        equity_a, initial_a, maintenance_a, headroom_a = np.where(is_known_a, amount_fa, 0)
        return AccountFigures(
            arrays=arrays,
            accounts=tuple(self._holdings.accounts),
            version_a=self._holdings.version_a().copy(),
            equity_a=equity_a,
            initial_a=initial_a,
            maintenance_a=maintenance_a,
            headroom_a=headroom_a,
            strain_ppm_a=np.zeros_like(equity_a),
            is_known_a=is_known_a,
        )


class _Margins(NamedTuple):
    """Of some cells: what they add to equity, what they require, and the bound of all of it."""

    value_c: IntArray
    initial_c: IntArray
    maintenance_c: IntArray
    worst_c: IntArray
    size_c: FloatArray
    is_known_c: BoolArray


class _Work:
    """Works out cells of one group."""

    def __init__(
        self,
        arrays: RiskArrays,
        model: ManyMargins,
        lot: LotAmounts,
        effects: EffectColumns,
        group: GroupArrays,
    ) -> None:
        self._model, self._group = model, group
        self._lot, self._effects = lot, effects
        self._size_jb, self._size_eb = lot.sizes_jb(), effects.sizes_eb()
        self._minimum_i = np.array(arrays.minimum_i, dtype=np.int64)

    def margins(self, cells: GroupCells) -> Iterator[tuple[slice, _Margins]]:
        """Margins of all cells, some at a time."""
        positions, orders = cells.positions(), cells.orders()
        coin_c = cells.coin_c()
        for first in range(0, len(cells), CELLS_AT_ONCE):
            last = min(first + CELLS_AT_ONCE, len(cells))
            part = slice(first, last)
            yield (
                part,
                self._part(
                    positions.part(first, last),
                    orders.part(first, last),
                    coin_c[part],
                ),
            )

    def _part(self, positions: Entries, orders: Entries, coin_c: IntArray) -> _Margins:
        group = self._group
        sums = self._lot.split(positions.times(self._lot.amount_jn))
        coin_pico_c = coin_c + sums.coin_c
        coin_cr = coin_rows_cs(group, coin_pico_c)
        sums.rows_cr[:, :-1] += coin_cr
        rate = group.index_nano * group.coin_feature_ppm
        sums.keyed_ck[:, SPOT_COLUMN] += floor_products(coin_pico_c, rate, COIN_VALUE_DIVISOR)
        beyond_c = beyond_cap(group, coin_pico_c)
        required_c = self._required_c(sums.rows_cr, sums.keyed_ck, sums.keyed_ck, sums.minimum_c)
        worst_c, unpriced_c = required_c, sums.unpriced_c
        counted_c = coin_values(group, coin_pico_c)
        size_cb = positions.sizes(self._size_jb)
        size_cb[:, ROWS] += np.abs(coin_cr).max(axis=1, initial=0)
        size_cb[:, USD] += np.abs(counted_c.astype(np.float64))
        size_cb[:, COINS] += np.abs(coin_c.astype(np.float64))
        if orders.lots_n.any():
            fills = self._effects.split(orders.times(self._effects.amount_en))
            worst_c = self._worst_c(sums, fills, orders, coin_pico_c)
            worst_c += beyond_cap(group, coin_pico_c + fills.coin_up_c) - beyond_c
            unpriced_c = unpriced_c + fills.unpriced_c
            size_cb += orders.sizes(self._size_eb)
        return _Margins(
            value_c=sums.value_c + counted_c - beyond_c,
            initial_c=required_c + sums.surcharge_c,
            maintenance_c=self._maintenance_c(required_c) + sums.surcharge_c,
            worst_c=worst_c + sums.surcharge_c,
            size_c=size_cb[:, ROWS] + size_cb[:, USD],
            is_known_c=(unpriced_c == 0) & (size_cb[:, COINS] < COINS_MAX),
        )

    def _required_c(
        self, rows_cr: IntArray, highest_ck: IntArray, lowest_ck: IntArray, minimum_c: IntArray
    ) -> IntArray:
        """What the model requires; of mere collateral nothing."""
        if self._group.is_collateral_only:
            return np.zeros(len(minimum_c), dtype=np.int64)
        return self._model.cell_requirements(self._group, rows_cr, highest_ck, lowest_ck, minimum_c)

    def _maintenance_c(self, required_c: IntArray) -> IntArray:
        if self._group.is_collateral_only:
            return required_c
        return self._model.cell_maintenances(self._group, required_c)

    def _worst_c(
        self, sums: CellSums, fills: OrderSums, orders: Entries, coin_pico_c: IntArray
    ) -> IntArray:
        """What is required over the fills of orders, but for coins beyond the cap."""
        if self._group.is_collateral_only:
            is_owned_c = coin_pico_c >= fills.coin_down_c
            losses_c = np.where(is_owned_c, fills.owned_entry_c, fills.worst_cr[:, -1])
            return np.asarray(fills.surcharge_c - losses_c)
        minimum_c = worst_minimum_c(sums.minimum_c, orders, self._effects, self._minimum_i)
        return fills.surcharge_c + self._required_c(
            sums.rows_cr + fills.worst_cr,
            sums.keyed_ck + fills.up_ck,
            sums.keyed_ck + fills.down_ck,
            minimum_c,
        )
