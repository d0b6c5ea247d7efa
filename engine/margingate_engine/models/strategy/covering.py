"""Shorts and what covers them, one to one: how books too large for the program pair. [STR-13]"""

from collections.abc import Iterator

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from margingate_engine.models.strategy.columns import Column, Costs, WorstUnit, alone_columns
from margingate_engine.models.strategy.pieces import CutBook
from margingate_engine.models.strategy.strategies import Sides, Strategy
from margingate_engine.models.strategy.terms import micro


def covering_counts(book: CutBook, costs: Costs) -> dict[Column, int]:
    """Units of spreads, covered calls and covered puts, and of what is left alone.

    The least that pairs of these three can require: an assignment, whose linear program has whole
    numbers at its corners.
    """
    left = [piece.units for piece in book.pieces]
    counts: dict[Column, int] = {}
    alone = alone_columns(book, costs)
    pairs = [each for each in _pairs(book, costs, alone) if each[1] > 0]
    if pairs:
        for (column, _), assigned in zip(pairs, _assigned(book, pairs), strict=True):
            # What the solver leaves a little short of whole, or over, is never taken twice.
            count = min(assigned, *(left[member] for member in column.members))
            if count > 0:
                counts[column] = count
                for member in column.members:
                    left[member] -= count
    return counts | {column: count for column, count in zip(alone, left, strict=True) if count}


def _pairs(book: CutBook, costs: Costs, alone: tuple[Column, ...]) -> Iterator[tuple[Column, int]]:
    """(pair, what a unit of it saves in 1e-6 USD) of every short with every cover."""
    worst = WorstUnit(costs)
    for strategy, members in _found(Sides(book.pieces)):
        unit_fine = worst.of(strategy, tuple(book.pieces[member] for member in members))
        if unit_fine is None:
            continue
        column = Column(
            strategy=strategy,
            members=members,
            unit_micro=micro(unit_fine, book.unit_nano),
            is_in_sets=False,
        )
        yield column, sum(alone[member].unit_micro for member in members) - column.unit_micro


def _found(sides: Sides) -> Iterator[tuple[Strategy, tuple[int, int]]]:
    pieces = sides.pieces
    for shorts, longs in (
        (sides.short_calls, sides.long_calls),
        (sides.short_puts, sides.long_puts),
    ):
        for short in shorts:
            for long in longs:
                if pieces[long].expiry_ns >= pieces[short].expiry_ns:
                    yield Strategy.SPREAD, (short, long)
    for strategy, spots, options in (
        (Strategy.COVERED_CALL, sides.long_spot, sides.short_calls),
        (Strategy.COVERED_PUT, sides.short_spot, sides.short_puts),
    ):
        for spot in spots:
            for option in options:
                yield strategy, (spot, option)


def _assigned(book: CutBook, pairs: list[tuple[Column, int]]) -> list[int]:
    """Units of each pair that save most together; each piece is used as often as it is there."""
    count = len(pairs)
    members = np.array([column.members for column, _ in pairs]).ravel()
    shape = (len(book.pieces), count)
    uses = coo_array((np.ones(2 * count), (members, np.repeat(np.arange(count), 2))), shape=shape)
    saved = np.array([saving for _, saving in pairs], dtype=np.float64)
    units = np.array([piece.units for piece in book.pieces], dtype=np.float64)
    result = milp(
        -saved / saved.max(),
        constraints=LinearConstraint(uses.tocsc(), -np.inf, units),
        bounds=Bounds(0, np.inf),
    )
    if result.x is None:
        return [0] * count
    return [int(each) for each in np.rint(result.x)]
