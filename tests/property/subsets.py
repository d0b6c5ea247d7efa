"""Headroom over subsets of fills, each computed from nothing by the reference's lots.

What may fill is worked out here once more: one shape of every order, a combo in whole units, and
every lot beyond them alone. [SPAN-16, SPAN-17]
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from margingate_engine.market.table import IntArray
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from tests.property.bridge import reference_book, reference_leg, reference_of
from tests.property.chain import World
from tests.reference.legs import LegLot
from tests.reference.margin import Group

LEVELS = (0, 1, 2)
"""Halves of what may fill."""
HALVES_MAX = 7
"""Of more than so many, each is tried at nothing and at all alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Lots of one leg in a unit: (instrument, its group, signed side), and what one lot does."""

    symbol: str
    group: str
    side: int
    ratio: int
    lot: LegLot


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """So many units that fill whole."""

    count: int
    parts: tuple[Part, ...]


def worst_by_trying(world: World, portfolio: Portfolio) -> int:
    """The smallest headroom over all shapes of the orders and combinations of their fills.

    Of each thing that may fill nothing, half and all is tried. Numbers stay far below int64.
    """
    book, account = reference_book(world), reference_of(world, portfolio)
    groups = book.groups_of(account)
    for group in groups.values():
        group.minimums = {name: book.lot(name).minimum for name in book.instruments}
    equity = book.equity(account)
    return min(
        equity + _worst_of_fills(groups, [_units(world, *each) for each in together])
        for together in every_shape(portfolio)
    )


def every_shape(
    portfolio: Portfolio,
) -> Iterator[list[tuple[int, tuple[tuple[int, OpenLeg], ...]]]]:
    """What may fill, for each choice of the old or the new legs of changing orders."""
    amendments = portfolio.amendments
    shapes = [
        [legs] + ([amendments[key]] if key in amendments else [])
        for key, legs in portfolio.legs.items()
    ]
    for chosen in product(*shapes):
        yield [each for legs in chosen for each in _together(legs)]


def _together(legs: Sequence[OpenLeg]) -> Iterator[tuple[int, tuple[tuple[int, OpenLeg], ...]]]:
    """(units, ratio and leg of each that fills with them)."""
    combo = [leg for leg in legs if leg.ratio]
    units = min((leg.lots // leg.ratio for leg in combo), default=0)
    if units:
        yield units, tuple((leg.ratio, leg) for leg in combo)
    for leg in legs:
        if leg.lots - units * leg.ratio:
            yield leg.lots - units * leg.ratio, ((1, leg),)


def _units(world: World, count: int, together: tuple[tuple[int, OpenLeg], ...]) -> Units:
    book = reference_book(world)
    parts = []
    for ratio, leg in together:
        named = reference_leg(world, leg)
        parts.append(
            Part(
                symbol=named.symbol,
                group=book.instruments[named.symbol].underlying,
                side=named.side,
                ratio=ratio,
                lot=book.leg_lot(named),
            )
        )
    return Units(count=count, parts=tuple(parts))


def _worst_of_fills(groups: dict[str, Group], working: Sequence[Units]) -> int:
    """Worst over fills of what they leave in all groups together, less the requirements."""
    fills = fill_levels([each.count for each in working])
    left = np.zeros(len(fills), dtype=np.int64)
    for name, group in groups.items():
        own = [[part for part in each.parts if part.group == name] for each in working]
        left += _left(group, fills, own)
    return int(left.min())


def fill_levels(units: Sequence[int]) -> IntArray:
    """Filled units (combinations, working): none, half (rounded down) or all of each."""
    levels = LEVELS if len(units) <= HALVES_MAX else (LEVELS[0], LEVELS[-1])
    halves = np.array(list(product(levels, repeat=len(units))), dtype=np.int64)
    return halves * np.array(units, dtype=np.int64) // 2


def _left(group: Group, fills: IntArray, working: Sequence[Sequence[Part]]) -> IntArray:
    losses = fills @ _column(
        [min(0, sum(part.ratio * part.lot.gain for part in parts)) for parts in working]
    )
    scan_risk = np.maximum(0, -_rows(group, fills, working).min(axis=1))
    longs, shorts = _sides(group, fills, working)
    needed = np.maximum(scan_risk + np.minimum(longs, shorts), _shortage(group, fills, working))
    return np.asarray(losses - needed)


def _rows(group: Group, fills: IntArray, working: Sequence[Sequence[Part]]) -> IntArray:
    of_unit = [
        [sum(part.ratio * part.lot.rows[row] for part in parts) for row in range(16)]
        for parts in working
    ]
    change = fills @ np.array(of_unit, dtype=np.int64).reshape(len(of_unit), 16)
    return np.asarray(np.array(group.rows, dtype=np.int64)[None, :] + change)


def _sides(
    group: Group, fills: IntArray, working: Sequence[Sequence[Part]]
) -> tuple[IntArray, IntArray]:
    buckets = {*group.charges, *(b for parts in working for p in parts for b in p.lot.charges)}
    longs = shorts = np.zeros(len(fills), dtype=np.int64)
    for bucket in buckets:
        of_unit = _column(
            [sum(p.ratio * p.lot.charges.get(bucket, 0) for p in parts) for parts in working]
        )
        total = group.charges.get(bucket, 0) + fills @ of_unit
        longs, shorts = longs + np.maximum(0, total), shorts + np.maximum(0, -total)
    return longs, shorts


def _shortage(group: Group, fills: IntArray, working: Sequence[Sequence[Part]]) -> IntArray:
    shortage = np.zeros(len(fills), dtype=np.int64)
    for symbol in {*group.held, *(part.symbol for parts in working for part in parts)}:
        sides = [sum(p.side * p.ratio for p in parts if p.symbol == symbol) for parts in working]
        after = group.held.get(symbol, 0) + fills @ _column(sides)
        shortage += np.maximum(0, -after) * group.minimums.get(symbol, 0)
    return shortage


def _column(of_unit: Sequence[int]) -> IntArray:
    return np.array(of_unit, dtype=np.int64)
