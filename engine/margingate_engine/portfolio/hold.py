"""The margin that an open order holds: totals of its legs, of both its shapes while it changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from margingate_engine.core.errors import MissingData
from margingate_engine.portfolio.effect import LegEffect, leg_effect
from margingate_engine.portfolio.fees import FeeTier
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.scenarios.risk_arrays import RiskArrays

GROSS_MAX = 2**62
"""Sum of every |row| x |lots|; beyond it an int64 could wrap, so we refuse. [SPAN-04]"""

Sized = list[tuple[OpenLeg, LegEffect]]


@dataclass(slots=True)
class OrderHold:
    """Totals of one order's legs: per group, cash they take per asset, and the range they use."""

    by_group: dict[int, OrderTotals] = field(default_factory=dict)
    outflows: dict[str, int] = field(default_factory=dict)
    gross: int = 0

    def group(self, number: int, row_count: int) -> OrderTotals:
        """Totals of a group to change."""
        totals = self.by_group.get(number)
        if totals is None:
            totals = self.by_group[number] = OrderTotals.empty(row_count)
        return totals

    def take(self, cash: Iterable[tuple[str, int]], times: int) -> None:
        """Hold what a fill takes from the cash of each asset; what it brings is not counted."""
        for asset, units in cash:
            if units < 0 < times:
                self.outflows[asset] = self.outflows.get(asset, 0) - times * units


def hold_of(arrays: RiskArrays, fees: FeeTier, legs: Iterable[OpenLeg]) -> OrderHold:
    """Totals of open legs; MissingData names one without a price. [SPAN-13, SPAN-14, SPAN-16]

    Where `gross` is beyond GROSS_MAX the rest is not filled in, and must not be used.
    """
    order = OrderHold()
    sized: Sized = []
    for leg in legs:
        if not arrays.priced_i[leg.row]:
            raise MissingData(arrays.table.instruments[leg.row].name)
        effect = leg_effect(arrays, fees, leg.row, leg.side, leg.price_nano)
        order.gross += leg.lots * effect.gross
        sized.append((leg, effect))
    if order.gross < GROSS_MAX:
        combo = [each for each in sized if each[0].ratio]
        units = min((leg.lots // leg.ratio for leg, _ in combo), default=0)
        if units:
            _hold_together(order, arrays, combo, units)
        for leg, effect in sized:
            _hold_alone(order, arrays, effect, leg.lots - units * leg.ratio)
    return order


def order_hold(arrays: RiskArrays, portfolio: Portfolio, order_id: str) -> OrderHold:
    """What an open order holds; while a change is pending the worse of both. [SPAN-17]"""
    hold = hold_of(arrays, portfolio.fees, portfolio.legs[order_id])
    amended = portfolio.amendments.get(order_id)
    if amended is None:
        return hold
    return worse(hold, hold_of(arrays, portfolio.fees, amended))


def worse(first: OrderHold, second: OrderHold) -> OrderHold:
    """What covers either of two shapes of an order, of which only one can fill. [SPAN-17]

    Per row it is the worse of both. Floors are taken instrument by instrument, which is a bound
    for an order of several; so are the rows of one with legs in several groups.
    """
    either = OrderHold(gross=max(first.gross, second.gross))
    for number in {*first.by_group, *second.by_group}:
        row_count = len((first.by_group.get(number) or second.by_group[number]).worst_r)
        nothing = OrderTotals.empty(row_count)
        one, other = (each.by_group.get(number, nothing) for each in (first, second))
        either.by_group[number] = one.worse(other)
    for asset in {*first.outflows, *second.outflows}:
        either.outflows[asset] = max(first.outflows.get(asset, 0), second.outflows.get(asset, 0))
    for totals in either.by_group.values():
        if len(totals.floors) > 1:
            totals.floor_bound_lots = totals.lots
        if len(either.by_group) > 1:
            totals.row_bound_lots = totals.lots
    return either


def more(either: OrderHold, held: OrderHold) -> OrderHold:
    """What `either` holds beyond `held`: held + more = either, in every sum."""
    extra = OrderHold(gross=either.gross - held.gross)
    for number, totals in either.by_group.items():
        extra.by_group[number] = totals.copy()
        if number in held.by_group:
            extra.by_group[number].merge(held.by_group[number], -1)
    for asset, units in either.outflows.items():
        if units != held.outflows.get(asset, 0):
            extra.outflows[asset] = units - held.outflows.get(asset, 0)
    return extra


def _hold_alone(order: OrderHold, arrays: RiskArrays, effect: LegEffect, lots: int) -> None:
    if lots:
        order.group(effect.group, arrays.pnl_ir.shape[1]).add(effect, lots)
        order.take(effect.cash, lots)


def _hold_together(
    order: OrderHold, arrays: RiskArrays, combo: Sequence[tuple[OpenLeg, LegEffect]], units: int
) -> None:
    """Hold whole units of a combo: all of its legs or none fill, so its cash is netted."""
    by_group: dict[int, list[tuple[int, LegEffect]]] = {}
    cash: dict[str, int] = {}
    for leg, effect in combo:
        by_group.setdefault(effect.group, []).append((leg.ratio, effect))
        for asset, moved in effect.cash:
            cash[asset] = cash.get(asset, 0) + leg.ratio * moved
    for number, parts in by_group.items():
        totals = order.group(number, arrays.pnl_ir.shape[1])
        totals.add_together(parts, units, is_whole=len(by_group) == 1)
    order.take(cash.items(), units)
