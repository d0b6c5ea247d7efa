"""Headroom over subsets of fills, each computed from nothing by the reference's lots."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from margingate_engine.market.table import IntArray
from margingate_engine.portfolio.holdings import Portfolio
from tests.property.bridge import reference_book, reference_leg, reference_of
from tests.property.chain import World
from tests.reference.margin import Group

LEVELS = (0, 1, 2)
"""Halves of an order that fill."""


def fill_levels(lots: Sequence[int]) -> IntArray:
    """Filled lots (combinations, orders): none, half (rounded down) or all of each."""
    halves = np.array(list(product(LEVELS, repeat=len(lots))), dtype=np.int64)
    return halves * np.array(lots, dtype=np.int64) // 2


def worst_by_trying(world: World, portfolio: Portfolio) -> int:
    """The smallest headroom over all combinations of nothing, half and all of each order.

    Groups share no order, so each is tried alone. Numbers stay far below the range of int64.
    """
    book, account = reference_book(world), reference_of(world, portfolio)
    legs = [reference_leg(world, leg) for order in portfolio.legs.values() for leg in order]
    worst = book.equity(account)
    for group in book.groups_of(account, legs).values():
        worst += min(_left_by_every_fill(group))
    return worst


def _left_by_every_fill(group: Group) -> list[int]:
    fills = fill_levels([working.lots for working in group.working])
    losses = fills @ _column([working.lot.loss for working in group.working])
    scan_risk = np.maximum(0, -_rows(group, fills).min(axis=1))
    longs, shorts = _sides(group, fills)
    needed = np.maximum(scan_risk + np.minimum(longs, shorts), _shortage(group, fills))
    return [int(each) for each in losses - needed]


def _rows(group: Group, fills: IntArray) -> IntArray:
    of_lot = [working.lot.rows for working in group.working]
    change = fills @ np.array(of_lot, dtype=np.int64).reshape(len(of_lot), 16)
    return np.asarray(np.array(group.rows, dtype=np.int64)[None, :] + change)


def _sides(group: Group, fills: IntArray) -> tuple[IntArray, IntArray]:
    buckets = {*group.charges, *(name for each in group.working for name in each.lot.charges)}
    longs = shorts = np.zeros(len(fills), dtype=np.int64)
    for bucket in buckets:
        of_lot = _column([working.lot.charges.get(bucket, 0) for working in group.working])
        total = group.charges.get(bucket, 0) + fills @ of_lot
        longs, shorts = longs + np.maximum(0, total), shorts + np.maximum(0, -total)
    return longs, shorts


def _shortage(group: Group, fills: IntArray) -> IntArray:
    shortage = np.zeros(len(fills), dtype=np.int64)
    for symbol in {*group.held, *(working.symbol for working in group.working)}:
        sides = [w.side if w.symbol == symbol else 0 for w in group.working]
        after = group.held.get(symbol, 0) + fills @ _column(sides)
        shortage += np.maximum(0, -after) * group.minimums.get(symbol, 0)
    return shortage


def _column(of_lot: Sequence[int]) -> IntArray:
    return np.array(of_lot, dtype=np.int64)
