"""Candidate strategies of a book with the most that a unit of each can require. [STR-14, STR-15]"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations as subsets
from typing import Protocol

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.strategy.pieces import CutBook, Kind, Piece
from margingate_engine.models.strategy.strategies import Strategy, alone, combinations
from margingate_engine.models.strategy.terms import FINE_PER_NANO, micro


class Costs(Protocol):
    """What a unit of each strategy requires, in fine amounts; which regime is its own matter."""

    def unit(self, strategy: Strategy, pieces: Sequence[Piece]) -> int | None:
        """Amount of one unit of a strategy, >= 0; None where it is not offered."""
        ...

    def in_set(self, piece: Piece) -> int:
        """Amount that a piece adds to a bounded set beside what the set can lose, >= 0."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A strategy, the pieces it takes one unit of, and its requirement a unit, 1e-6 USD, >= 0."""

    strategy: Strategy
    members: tuple[int, ...]
    unit_micro: int
    is_in_sets: bool
    """True when bounded sets of its expiry require no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """All columns of a book, those of a piece alone first and in the order of the pieces."""

    book: CutBook
    alone: tuple[Column, ...]
    together: tuple[Column, ...]
    set_micro: tuple[int, ...]
    """What a unit of each piece adds to a bounded set beside what the set can lose."""
    expiries: tuple[int, ...]
    """Expiries of which options are both long and short."""


def candidates(book: CutBook, costs: Costs) -> Candidates:
    """The columns that require less than their pieces alone.

    InvalidInput when a piece may not be held alone under these costs.
    """
    pieces = book.pieces
    worst = WorstUnit(costs)
    alone_fine = [worst.alone(piece) for piece in pieces]
    found = []
    for strategy, members in combinations(pieces):
        chosen = tuple(pieces[member] for member in members)
        unit_fine = worst.of(strategy, chosen)
        if unit_fine is None or unit_fine >= sum(alone_fine[member] for member in members):
            continue
        found.append(
            Column(
                strategy=strategy,
                members=members,
                unit_micro=micro(unit_fine, book.unit_nano),
                is_in_sets=strategy is Strategy.SPREAD
                and chosen[0].expiry_ns == chosen[1].expiry_ns,
            )
        )
    return Candidates(
        book=book,
        alone=alone_columns(book, costs),
        together=tuple(found),
        set_micro=tuple(micro(costs.in_set(piece), book.unit_nano) for piece in pieces),
        expiries=_expiries_of_both_sides(pieces),
    )


def alone_columns(book: CutBook, costs: Costs) -> tuple[Column, ...]:
    """One column a piece, in their order: the book with nothing paired."""
    worst = WorstUnit(costs)
    return tuple(
        Column(
            strategy=alone(piece),
            members=(index,),
            unit_micro=micro(worst.alone(piece), book.unit_nano),
            is_in_sets=False,
        )
        for index, piece in enumerate(book.pieces)
    )


class WorstUnit:
    """The most a unit can require over which of its uncertain pieces are there. [STR-14]"""

    def __init__(self, costs: Costs) -> None:
        self._costs = costs
        self._cheapest = lru_cache(maxsize=None)(self._cheapest_of)

    def alone(self, piece: Piece) -> int:
        """Of one piece; InvalidInput where the regime does not let it be held."""
        amount = self._costs.unit(alone(piece), (piece,))
        if amount is None:
            raise InvalidInput(piece.symbol, "cannot be held in this kind of account")
        return max(0, amount - FINE_PER_NANO * piece.credit_nano)

    def of(self, strategy: Strategy, pieces: tuple[Piece, ...]) -> int | None:
        """Of a strategy; None where the regime does not offer it."""
        whole = self._costs.unit(strategy, pieces)
        uncertain = [piece for piece in pieces if piece.is_uncertain]
        if whole is None or not uncertain:
            return whole
        worst = whole - _credit(uncertain)
        for count in range(1, len(uncertain) + 1):
            for absent in subsets(uncertain, count):
                present = [piece for piece in uncertain if piece not in absent]
                rest = tuple(piece for piece in pieces if piece not in absent)
                worst = max(worst, self._cheapest(rest) - _credit(present))
        return worst

    def _cheapest_of(self, pieces: tuple[Piece, ...]) -> int:
        """Pieces that are all there, as one strategy or each alone."""
        amounts = [0]
        for piece in pieces:
            amount = self._costs.unit(alone(piece), (piece,))
            assert amount is not None
            amounts[0] += amount
        for strategy, members in combinations(pieces):
            if len(members) == len(pieces):
                amount = self._costs.unit(strategy, tuple(pieces[member] for member in members))
                amounts += [] if amount is None else [amount]
        return min(amounts)


def _credit(present: Sequence[Piece]) -> int:
    return FINE_PER_NANO * sum(piece.credit_nano for piece in present)


def _expiries_of_both_sides(pieces: Sequence[Piece]) -> tuple[int, ...]:
    options = [piece for piece in pieces if piece.kind is not Kind.SPOT]
    long = {piece.expiry_ns for piece in options if piece.is_long}
    short = {piece.expiry_ns for piece in options if not piece.is_long}
    return tuple(sorted(long & short))
