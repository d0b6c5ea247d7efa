"""Headroom over subsets of fills, each computed from nothing by the reference's lots."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from margingate_engine.core.arrays import IntArray
from margingate_engine.portfolio.holdings import Portfolio
from tests.property.bridge import reference_book, reference_of
from tests.property.chain import World
from tests.reference.book import Book
from tests.reference.legs import LegLot
from tests.reference.margin import Group
from tests.reference.orders import OpenLeg, fillers

HALVES_MAX = 7
"""Of more things than so many that may fill, each is tried at nothing and at all alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Lots of one leg in a unit, and what one of them does."""

    symbol: str
    group: str
    side: int
    ratio: int
    lot: LegLot


Choice = tuple[Part, ...]


def worst_by_trying(world: World, portfolio: Portfolio) -> int:
    """The smallest headroom over combinations of fills of everything that may fill.

    Of each thing nothing, half and all is tried, at either limit while a change is pending and half
    at each. Numbers stay far below int64.
    """
    book, account = reference_book(world), reference_of(world, portfolio)
    groups = book.groups_of(replace(account, orders={}))
    for group in groups.values():
        group.minimums = {name: book.lot(name).minimum for name in book.instruments}
    working = [each for order in account.orders.values() for each in fillers(order)]
    choices = [_parts(book, choice) for each in working for choice in each.choices]
    fills = fill_levels([(each.units, len(each.choices)) for each in working])
    left = np.zeros(len(fills), dtype=np.int64)
    for name, group in groups.items():
        own = [[part for part in choice if part.group == name] for choice in choices]
        left += _left(group, fills, own)
    return book.equity(account) + int(left.min())


def _parts(book: Book, choice: Iterable[tuple[int, OpenLeg]]) -> Choice:
    return tuple(
        Part(
            symbol=leg.symbol,
            group=book.instruments[leg.symbol].underlying,
            side=leg.side,
            ratio=ratio,
            lot=book.leg_lot(leg),
        )
        for ratio, leg in choice
    )


def fill_levels(working: Sequence[tuple[int, int]]) -> IntArray:
    """Filled units (combinations, choices of everything); given are units and choices of each."""
    is_many = len(working) > HALVES_MAX
    splits = [_splits(units, choices, is_many=is_many) for units, choices in working]
    rows = [[lots for split in each for lots in split] for each in product(*splits)]
    return np.array(rows, dtype=np.int64).reshape(len(rows), -1)


def _splits(units: int, choices: int, *, is_many: bool) -> list[tuple[int, ...]]:
    levels = (0, units) if is_many else (0, units // 2, units - units // 2, units)
    return [
        split
        for split in sorted({*product(levels, repeat=choices)})
        if sum(split) in {0, units // 2, units}
    ]


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
