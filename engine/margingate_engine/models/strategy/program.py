"""The integer program of a pairing, and its solution by HiGHS. [STR-13]

Unknowns: units of every column; units of every option in the bounded set of its expiry; what each
set can lose. Every piece is covered exactly; a set loses at least what it loses at each strike.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from margingate_engine.core.amounts import MICRO, NANO
from margingate_engine.models.strategy.bounded_set import calls_slope, loss_nano, settlements
from margingate_engine.models.strategy.columns import Candidates, Column
from margingate_engine.models.strategy.pieces import Kind

_OBJECTIVE_SCALE = 1e4
"""Costs in units of the dearest one, times this: HiGHS's absolute gap is then far below a cent."""
OPTIMAL, LIMIT = 0, 1


@dataclass(frozen=True, slots=True)
class Solution:
    """Units of columns, and of pieces (by index) in each bounded set that is not empty."""

    counts: dict[Column, int]
    sets: tuple[dict[int, int], ...]
    is_optimal: bool


@dataclass(slots=True)
class _Rows:
    """Constraints, low <= A x <= high, as they are added."""

    row: list[int] = field(default_factory=list)
    column: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)

    def add(self, terms: Iterator[tuple[int, float]], low: float, high: float) -> None:
        for column, value in terms:
            if value:
                self.row.append(len(self.low))
                self.column.append(column)
                self.value.append(value)
        self.low.append(low)
        self.high.append(high)

    def constraint(self, width: int) -> LinearConstraint:
        shape = (len(self.low), width)
        matrix = coo_array((self.value, (self.row, self.column)), shape=shape).tocsc()
        return LinearConstraint(matrix, np.array(self.low), np.array(self.high))


def solved(found: Candidates, nodes_max: int) -> Solution | None:
    """The best pairing found within the nodes; None when there was none at all."""
    pieces, scale_micro = found.book.pieces, _scale_micro(found)
    columns = (*found.alone, *(each for each in found.together if not each.is_in_sets))
    members = [
        [
            index
            for index, piece in enumerate(pieces)
            if piece.kind is not Kind.SPOT and piece.expiry_ns == expiry_ns
        ]
        for expiry_ns in found.expiries
    ]
    in_sets = [index for each in members for index in each]
    place = {index: len(columns) + at for at, index in enumerate(in_sets)}
    width = len(columns) + len(in_sets) + len(members)
    rows = _Rows()
    _cover(rows, found, columns, place)
    for at, each in enumerate(members):
        loss_place = len(columns) + len(in_sets) + at
        _bound(rows, found, {index: place[index] for index in each}, loss_place, scale_micro)
    cost = np.array(
        [
            *(column.unit_micro / scale_micro for column in columns),
            *(found.set_micro[index] / scale_micro for index in in_sets),
            *(1.0 for _ in members),
        ]
    )
    result = milp(
        cost * _OBJECTIVE_SCALE,
        constraints=rows.constraint(width),
        integrality=np.array([1] * (width - len(members)) + [0] * len(members)),
        bounds=Bounds(0, np.inf),
        # Presolving takes longer than it saves here: python -m tests.bench.pairing
        options={"node_limit": nodes_max, "mip_rel_gap": 0.0, "presolve": False},
    )
    if result.x is None or result.status not in (OPTIMAL, LIMIT):
        return None
    amounts = [round(amount) for amount in result.x]
    solution = Solution(
        counts={column: amounts[at] for at, column in enumerate(columns) if amounts[at]},
        sets=tuple(
            taken
            for each in members
            if (taken := {index: amounts[place[index]] for index in each if amounts[place[index]]})
        ),
        is_optimal=result.status == OPTIMAL,
    )
    return solution if _covers(found, solution) else None


def _scale_micro(found: Candidates) -> float:
    dearest = max((*(column.unit_micro for column in found.alone), *found.set_micro))
    strikes = max(piece.strike_nano for piece in found.book.pieces)
    return max(float(dearest), strikes * found.book.unit_nano * MICRO / NANO**2, 1.0)


def _cover(
    rows: _Rows, found: Candidates, columns: tuple[Column, ...], place: dict[int, int]
) -> None:
    """Every unit of every piece is in exactly one strategy."""
    takers: list[list[tuple[int, float]]] = [[] for _ in found.book.pieces]
    for at, column in enumerate(columns):
        for member in column.members:
            takers[member].append((at, 1.0))
    for index, at in place.items():
        takers[index].append((at, 1.0))
    for piece, taken in zip(found.book.pieces, takers, strict=True):
        rows.add(iter(taken), piece.units, piece.units)


def _bound(
    rows: _Rows, found: Candidates, place: dict[int, int], loss_place: int, scale_micro: float
) -> None:
    """The set loses no more than its loss at any settlement, and has a bound at all."""
    pieces = found.book.pieces
    per_nano = found.book.unit_nano * MICRO / NANO**2 / scale_micro
    for price_nano in settlements([pieces[index] for index in place]):
        losses = (
            (at, -loss_nano(pieces[index], price_nano) * per_nano) for index, at in place.items()
        )
        rows.add(iter(((loss_place, 1.0), *losses)), 0.0, np.inf)
    slopes = ((at, float(calls_slope(pieces[index]))) for index, at in place.items())
    rows.add(slopes, 0.0, np.inf)


def _covers(found: Candidates, solution: Solution) -> bool:
    """True when the rounded amounts cover every piece exactly and every set has a bound."""
    taken = [0] * len(found.book.pieces)
    for column, count in solution.counts.items():
        for member in column.members:
            taken[member] += count
    for units in solution.sets:
        for index, count in units.items():
            taken[index] += count
    pieces = found.book.pieces
    return taken == [piece.units for piece in pieces] and all(
        sum(calls_slope(pieces[index]) * count for index, count in units.items()) >= 0
        for units in solution.sets
    )
