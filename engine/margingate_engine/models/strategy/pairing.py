"""The pairing of a book that requires least: an integer program, or greedily. [STR-13]"""

from collections.abc import Mapping
from dataclasses import dataclass

from margingate_engine.models.strategy.bounded_set import largest_loss_micro
from margingate_engine.models.strategy.columns import (
    Candidates,
    Column,
    Costs,
    alone_columns,
    candidates,
)
from margingate_engine.models.strategy.covering import covering_counts
from margingate_engine.models.strategy.greedy import greedy_counts
from margingate_engine.models.strategy.pieces import CutBook
from margingate_engine.models.strategy.program import Solution, solved
from margingate_engine.models.strategy.strategies import Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much work a pairing may take, counted and not timed, so that it replays identically.

    series_max: of option series, held or on order; of more, shorts are covered one to one alone, of
    more than covered_max not even that.
    """

    series_max: int = 40
    covered_max: int = 200
    nodes_max: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A strategy that a pairing uses.

    units: by index of the piece, in all; count: units of the strategy, 1 of a bounded set.
    requirement_micro: in all, 1e-6 USD, >= 0.
    """

    strategy: Strategy
    units: tuple[tuple[int, int], ...]
    count: int
    requirement_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """A partition of a book into strategies. is_optimal: no other one requires less."""

    chosen: tuple[Chosen, ...]
    is_optimal: bool

    @property
    def requirement_micro(self) -> int:
        """The sum over its strategies, 1e-6 USD."""
        return sum(each.requirement_micro for each in self.chosen)


def best_pairing(book: CutBook, costs: Costs, effort: Effort, series_count: int) -> Pairing:
    """The pairing that requires least.

    Where that takes too much effort, one that may require more, and is not called optimal.
    series_count: of the book once every order fills, so that no fill changes the way it is paired.
    """
    if series_count > effort.covered_max:
        counts = {
            column: book.pieces[column.members[0]].units for column in alone_columns(book, costs)
        }
        return Pairing(chosen=_columns_chosen(counts), is_optimal=False)
    if series_count > effort.series_max:
        return Pairing(chosen=_columns_chosen(covering_counts(book, costs)), is_optimal=False)
    found = candidates(book, costs)
    greedily = Pairing(chosen=_columns_chosen(greedy_counts(found)), is_optimal=False)
    if not found.together and not found.expiries:
        return Pairing(chosen=greedily.chosen, is_optimal=True)
    solution = solved(found, effort.nodes_max)
    if solution is None or not solution.is_optimal:
        covered = Pairing(chosen=_columns_chosen(covering_counts(book, costs)), is_optimal=False)
        greedily = min(greedily, covered, key=lambda each: each.requirement_micro)
    if solution is None:
        return greedily
    paired = Pairing(chosen=_chosen(found, solution), is_optimal=solution.is_optimal)
    # The solver compares floats: of two pairings that differ by less, the smaller sum is meant.
    if greedily.requirement_micro < paired.requirement_micro:
        return Pairing(chosen=greedily.chosen, is_optimal=solution.is_optimal)
    return paired


def _chosen(found: Candidates, solution: Solution) -> tuple[Chosen, ...]:
    sets = tuple(
        Chosen(
            strategy=Strategy.BOUNDED_SET,
            units=tuple(sorted(units.items())),
            count=1,
            requirement_micro=_set_micro(found, units),
        )
        for units in solution.sets
    )
    return (*_columns_chosen(solution.counts), *sets)


def _set_micro(found: Candidates, units: Mapping[int, int]) -> int:
    loss_micro = largest_loss_micro(found.book.pieces, units, found.book.unit_nano)
    assert loss_micro is not None
    return loss_micro + sum(found.set_micro[index] * count for index, count in units.items())


def _columns_chosen(counts: Mapping[Column, int]) -> tuple[Chosen, ...]:
    return tuple(
        Chosen(
            strategy=column.strategy,
            units=tuple((member, count) for member in column.members),
            count=count,
            requirement_micro=column.unit_micro * count,
        )
        for column, count in counts.items()
        if count
    )
