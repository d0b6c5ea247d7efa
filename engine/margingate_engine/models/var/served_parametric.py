"""The method `parametric` as it is served: integer sensitivities that add up. [VAR-12, VAR-13]

Positions have delta, gamma and vega as keyed features; the coin balance is delta as well. Of an
order only its deviation adds up over fills, so that is a feature of its own. The coins that a fill
pays depend on its limit: the deviation of a lot is taken with its mark paid, and two rows hold by
how much the coins of orders differ from that, up and down.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from margingate_engine.core.amounts import MICRO, NANO, PICO
from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.mark_values import MarkValues
from margingate_engine.models.var.fills import LotsOnOrder
from margingate_engine.models.var.parametric import (
    OnOrder,
    account_sensitivities,
    lot_sensitivities,
    required_with,
)
from margingate_engine.models.var.settings import VarSettings
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.scenarios.rounding import fits, units_down, units_nearest, units_up

DELTA, GAMMA, VEGA, DEVIATION, PAID = -1, -2, -3, -4, -5
"""Keys of features; below zero, so that they are no buckets of the basis charge.

PAID is the delta of a lot with its mark paid in coins, which are delta, too.
"""

_FIRST_LOTS = -6
"""Key of the lots of the table's first instrument; those of the others follow below it."""

DESCRIPTIONS = ("coins gain their value", "coins lose their value")
"""What the two rows are: of positions with the coins that inverse options are worth."""

_COIN_VALUE = PICO * NANO // MICRO
"""1e-12 coins x 1e-9 USD, in 1e-6 USD."""
_UP, _DOWN = 0, 1


class LotParts(NamedTuple):
    """Of one long lot, 1e-6 USD: rows (I, 2), and (key, amount) features by row."""

    pnl_is: IntArray
    features_i: Sequence[tuple[tuple[int, int], ...]]


class GroupOrders(NamedTuple):
    """What fills in one underlying may add at most, as OnOrder says, 1e-6 USD.

    delta, vega: the most that fills take and the most that they add. coins: by how much those that
    fills bring may differ from what `lots` have at marks, >= 0.
    """

    deviation: float
    coins: float
    mean: float
    is_straight: bool
    delta: tuple[float, float]
    vega: tuple[float, float]
    lots: tuple[LotsOnOrder, ...]


NO_ORDERS = GroupOrders(
    deviation=0.0,
    coins=0.0,
    mean=0.0,
    is_straight=True,
    delta=(0.0, 0.0),
    vega=(0.0, 0.0),
    lots=(),
)


class GroupSensitivities(NamedTuple):
    """One underlying, 1e-6 USD: sums of its positions, and what its orders may add."""

    delta: float
    gamma: float
    vega: float
    on_order: GroupOrders | None


@dataclass(frozen=True, slots=True)
class ServedParametric:
    """Covariance of relative changes over the horizon: prices and then vols, by underlying."""

    underlyings: tuple[str, ...]
    covariance_ff: FloatArray
    settings: VarSettings

    def lots(
        self, table: InstrumentTable, snapshot: MarketSnapshot, values: MarkValues
    ) -> tuple[BoolArray, LotParts]:
        """(what fits the integers, parts of every lot); zero where a row does not fit."""
        parts_if = np.column_stack(lot_sensitivities(table, snapshot, values.priced_i))
        is_coins_i = table.is_option_i & table.is_inverse_i
        coins_i = np.where(is_coins_i & ~snapshot.has_expired_i(table), values.value_i, 0.0)
        fits_i = np.asarray(fits(np.column_stack((parts_if, coins_i))).all(axis=1))
        parts_if = np.where(fits_i[:, None], parts_if, 0.0)
        coin_micro_i = units_down(np.where(fits_i, coins_i, 0.0))
        sums_if = units_nearest(parts_if)
        deviation_i = units_up(self._deviations(table, sums_if, coin_micro_i))
        names = (DELTA, GAMMA, VEGA, DEVIATION, PAID)
        own_if = np.column_stack((sums_if, deviation_i, sums_if[:, 0] - coin_micro_i))
        features_i = [
            (*zip(names, each, strict=True), (_FIRST_LOTS - row, 1))
            for row, each in enumerate(own_if.tolist())
        ]
        return fits_i, LotParts(np.stack((coin_micro_i, -coin_micro_i), axis=1), features_i)

    def _deviations(
        self, table: InstrumentTable, sums_if: IntArray, coin_micro_i: IntArray
    ) -> FloatArray:
        """Standard deviation of a lot bought at its mark, 1e-6 USD; 0 without a history."""
        delta_i, gamma_i, vega_i = sums_if.T.astype(np.float64)
        delta_i = delta_i - coin_micro_i
        variance_i = np.zeros(len(table))
        for number, name in enumerate(table.underlyings):
            if name in self.underlyings:
                price, both, vol = self._own_covariance(name)
                variance_i += (table.underlying_i == number) * (
                    delta_i**2 * price
                    + 2.0 * delta_i * vega_i * both
                    + vega_i**2 * vol
                    + 0.5 * (gamma_i * price) ** 2
                )
        return np.sqrt(np.maximum(variance_i, 0.0))

    def _own_covariance(self, underlying: str) -> tuple[float, float, float]:
        """Of one underlying: variance of its price, covariance with its vol, variance of that."""
        price = self.underlyings.index(underlying)
        vol = price + len(self.underlyings)
        pairs = ((price, price), (price, vol), (vol, vol))
        first, both, last = (float(self.covariance_ff[pair]) for pair in pairs)
        return first, both, last

    def coin_factors(self, index_nano: int) -> tuple[int, ...]:
        """Of the two rows: a coin gains and loses its whole value."""
        return index_nano * PICO, -index_nano * PICO

    def group(self, totals: GroupTotals, holds: Sequence[OrderTotals]) -> GroupSensitivities:
        """Sums of the positions of a group, and the most that its orders add to them."""
        coin_micro = totals.coin_pico * totals.group.index_nano / _COIN_VALUE
        sums = totals.keyed
        return GroupSensitivities(
            delta=sums.get(DELTA, 0) + coin_micro,
            gamma=float(sums.get(GAMMA, 0)),
            vega=float(sums.get(VEGA, 0)),
            on_order=self._on_order(totals, holds) if holds else None,
        )

    def _on_order(self, totals: GroupTotals, holds: Sequence[OrderTotals]) -> GroupOrders:
        price, _, _ = self._own_covariance(totals.group.underlying)
        deviation = sum(each.up.get(DEVIATION, 0) - each.down.get(DEVIATION, 0) for each in holds)
        # Of a row and its opposite one is the entry loss alone, which the null row has.
        coins = sum(
            int(each.worst_r[-1]) - int(each.worst_r[_UP]) - int(each.worst_r[_DOWN])
            for each in holds
        )
        (delta_down, delta_up), gamma, vega = (_reach(holds, key) for key in (PAID, GAMMA, VEGA))
        return GroupOrders(
            deviation=deviation + coins * price**0.5,
            coins=coins,
            mean=0.5 * price * gamma[0],
            is_straight=not any(gamma),
            delta=(delta_down - coins, delta_up + coins),
            vega=vega,
            lots=self._lots_on_order(totals, holds),
        )

    def _lots_on_order(
        self, totals: GroupTotals, holds: Sequence[OrderTotals]
    ) -> tuple[LotsOnOrder, ...]:
        count = len(self.underlyings)
        price = self.underlyings.index(totals.group.underlying)
        keys = {key for each in holds for key in (*each.up, *each.down) if key <= _FIRST_LOTS}
        found = []
        for key in sorted(keys, reverse=True):
            lot = dict(totals.arrays.features_i[_FIRST_LOTS - key])
            if not lot[DEVIATION]:
                continue  # of spot: its coins are in the rows
            low, high = _reach(holds, key)
            delta_f, gamma_u = np.zeros(2 * count), np.zeros(count)
            delta_f[price], delta_f[count + price] = lot[PAID], lot[VEGA]
            gamma_u[price] = lot[GAMMA]
            mean = 0.5 * float(self.covariance_ff[price, price]) * lot[GAMMA]
            found.append(LotsOnOrder(low, high, delta_f, gamma_u, lot[DEVIATION], mean))
        return tuple(found)

    def required(self, groups: Mapping[str, GroupSensitivities]) -> int:
        """Requirement of groups by underlying, together, 1e-6 USD, without entry losses."""
        none = GroupSensitivities(0.0, 0.0, 0.0, None)
        each = [groups.get(name, none) for name in self.underlyings]
        delta_u, gamma_u, vega_u = np.array([[g.delta, g.gamma, g.vega] for g in each]).T
        orders = [group.on_order or NO_ORDERS for group in each]
        on_order = OnOrder(
            deviation=sum(order.deviation for order in orders),
            mean=sum(order.mean for order in orders),
            is_straight=all(order.is_straight for order in orders),
            coins_u=np.array([order.coins for order in orders]),
            lots=[each for order in orders for each in order.lots],
            down_f=np.array([o.delta[0] for o in orders] + [o.vega[0] for o in orders]),
            up_f=np.array([o.delta[1] for o in orders] + [o.vega[1] for o in orders]),
        )
        return required_with(
            account_sensitivities(delta_u, gamma_u, vega_u),
            on_order if any(group.on_order for group in each) else None,
            self.covariance_ff,
            self.settings,
        )


def _reach(holds: Sequence[OrderTotals], key: int) -> tuple[int, int]:
    """What fills can take from a feature, <= 0, and add to it, >= 0."""
    return sum(each.down.get(key, 0) for each in holds), sum(each.up.get(key, 0) for each in holds)
