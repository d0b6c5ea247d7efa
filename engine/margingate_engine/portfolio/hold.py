"""The margin that an open order holds: totals of its legs, of both its shapes while it changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from margingate_engine.core.errors import MissingData
from margingate_engine.portfolio.effect import LegEffect, leg_effect
from margingate_engine.portfolio.fees import FeeTier
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.portfolio.risk_arrays import RiskArrays

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

    def add(self, other: "OrderHold") -> None:
        """Hold another's sums beside these."""
        self.gross += other.gross
        for number, totals in other.by_group.items():
            self.group(number, len(totals.worst_r)).merge(totals, 1)
        for asset, units in other.outflows.items():
            self.outflows[asset] = self.outflows.get(asset, 0) + units


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
    """What an open order holds, a change of it that is pending included."""
    legs, amended = portfolio.legs[order_id], portfolio.amendments.get(order_id)
    if amended is None:
        return hold_of(arrays, portfolio.fees, legs)
    return changing_hold(arrays, portfolio.fees, legs, amended)


def changing_hold(
    arrays: RiskArrays, fees: FeeTier, legs: Sequence[OpenLeg], amended: Sequence[OpenLeg]
) -> OrderHold:
    """What covers an order while a change of it is pending, every leg having its number. [SPAN-17]

    Until the venue says so, a lot may fill at either limit, and some at one and some at the other.
    What both shapes have is held at the worse limit, what one has more at its own.
    """
    hold = OrderHold()
    for old, new in _common_and_surplus(legs, amended):
        hold.add(worse(hold_of(arrays, fees, old), hold_of(arrays, fees, new)))
    return hold


def _common_and_surplus(
    legs: Sequence[OpenLeg], amended: Sequence[OpenLeg]
) -> Iterator[tuple[list[OpenLeg], list[OpenLeg]]]:
    """Parts of both shapes, either of which may fill; no legs where only one shape has the part.

    Of a combo only units with every leg that is open in either shape are units here: where one
    shape has filled a leg, fills of its other legs are still to be reported. A change of
    proportions leaves no units at all.
    """
    old, new = ({leg.number: leg for leg in shape} for shape in (legs, amended))
    tied = sorted({leg.number for leg in (*legs, *amended) if leg.ratio})
    is_kept = all(old[number].ratio == new[number].ratio for number in {*old} & {*new})
    old_units, new_units = (_whole_units(each, tied) if is_kept else 0 for each in (old, new))
    units = min(old_units, new_units)
    yield _units(old, tied, units), _units(new, tied, units)
    yield _units(old, tied, old_units - units), []
    yield [], _units(new, tied, new_units - units)
    for number in sorted({*old, *new}):
        old_alone, new_alone = _alone(old, number, old_units), _alone(new, number, new_units)
        lots = min(old_alone, new_alone)
        yield _leg(old, number, lots), _leg(new, number, lots)
        yield _leg(old, number, old_alone - lots), []
        yield [], _leg(new, number, new_alone - lots)


def _whole_units(shape: Mapping[int, OpenLeg], tied: Sequence[int]) -> int:
    """Units of a combo that a shape has; none where a leg is missing or fills alone."""
    legs = [shape[number] for number in tied if number in shape]
    if len(legs) < len(tied) or not all(leg.ratio for leg in legs):
        return 0
    return min((leg.lots // leg.ratio for leg in legs), default=0)


def _units(shape: Mapping[int, OpenLeg], tied: Sequence[int], units: int) -> list[OpenLeg]:
    """So many units of a combo."""
    legs = (shape[number] for number in tied) if units else ()
    return [replace(leg, lots=units * leg.ratio) for leg in legs]


def _alone(shape: Mapping[int, OpenLeg], number: int, units: int) -> int:
    """Lots of a leg beyond those in units."""
    leg = shape.get(number)
    return 0 if leg is None else leg.lots - units * leg.ratio


def _leg(shape: Mapping[int, OpenLeg], number: int, lots: int) -> list[OpenLeg]:
    """So many lots of a leg that fill alone."""
    return [replace(shape[number], lots=lots, ratio=0)] if lots else []


def worse(first: OrderHold, second: OrderHold) -> OrderHold:
    """What covers either of two holds, of which only one comes to be. [SPAN-17]

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
    for number in {*either.by_group, *held.by_group}:
        row_count = len((either.by_group.get(number) or held.by_group[number]).worst_r)
        totals = extra.group(number, row_count)
        for hold, sign in ((either, 1), (held, -1)):
            if number in hold.by_group:
                totals.merge(hold.by_group[number], sign)
    for asset in {*either.outflows, *held.outflows}:
        units = either.outflows.get(asset, 0) - held.outflows.get(asset, 0)
        if units:
            extra.outflows[asset] = units
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
