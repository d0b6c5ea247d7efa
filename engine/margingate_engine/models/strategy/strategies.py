"""The strategies that rules-based margin knows, and where each can be found in a book. [STR-03]"""

from collections.abc import Iterator, Sequence
from enum import Enum

from margingate_engine.models.strategy.legs import StandsFor
from margingate_engine.models.strategy.pieces import Kind, Piece


class Strategy(Enum):
    """A set of legs with a requirement of its own; legs are named in the order given here."""

    LONG_OPTION = "long_option"
    NAKED_CALL = "naked_call"
    NAKED_PUT = "naked_put"
    LONG_SPOT = "long_spot"
    SHORT_SPOT = "short_spot"
    STRADDLE = "straddle"
    """Short call, short put; a strangle is one, too."""
    SPREAD = "spread"
    """Short option, long option of the same right that expires with it or later."""
    COVERED_CALL = "covered_call"
    """Long spot, short call."""
    COVERED_PUT = "covered_put"
    """Short spot, short put."""
    PROTECTIVE_PUT = "protective_put"
    """Long spot, long put."""
    PROTECTIVE_CALL = "protective_call"
    """Short spot, long call."""
    CONVERSION = "conversion"
    """Long spot, long put, short call of the same strike and expiry."""
    COLLAR = "collar"
    """Long spot, long put, short call of a higher strike and the same expiry."""
    FUND_COVERED_CALL = "fund_covered_call"
    """Long fund that follows an index, short call on the index."""
    CONVERTIBLE_COVERED_CALL = "convertible_covered_call"
    """Long security that converts into the underlying, short call."""
    WARRANT_COVERED_CALL = "warrant_covered_call"
    """Long warrant, short call."""
    REVERSE_CONVERSION = "reverse_conversion"
    """Short spot, long call, short put of the same strike and expiry."""
    LONG_BOX = "long_box"
    """Long call and short put of the lower strike, short call and long put of the higher one."""
    SHORT_BOX = "short_box"
    """Short call and long put of the lower strike, long call and short put of the higher one."""
    BOUNDED_SET = "bounded_set"
    """Options of one expiry whose largest loss has a bound, however many they are."""
    FUTURE = "future"


Found = tuple[Strategy, tuple[int, ...]]
"""A strategy and the indexes of its pieces, one unit of each."""


def alone(piece: Piece) -> Strategy:
    """The strategy of a piece that nothing is paired with."""
    if piece.kind is Kind.SPOT:
        return Strategy.LONG_SPOT if piece.is_long else Strategy.SHORT_SPOT
    if piece.is_long:
        return Strategy.LONG_OPTION
    return Strategy.NAKED_CALL if piece.kind is Kind.CALL else Strategy.NAKED_PUT


class Sides:
    """Indexes of the pieces of a book by kind and side."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces
        self.long_calls = self._of(Kind.CALL, is_long=True)
        self.short_calls = self._of(Kind.CALL, is_long=False)
        self.long_puts = self._of(Kind.PUT, is_long=True)
        self.short_puts = self._of(Kind.PUT, is_long=False)
        self.long_spot = self.long_of(StandsFor.UNDERLYING)
        self.short_spot = self._of(Kind.SPOT, is_long=False)

    def long_of(self, stands_for: StandsFor) -> list[int]:
        """Long spot of this sort."""
        return [
            index
            for index in self._of(Kind.SPOT, is_long=True)
            if self.pieces[index].stands_for is stands_for
        ]

    def _of(self, kind: Kind, *, is_long: bool) -> list[int]:
        return [
            index
            for index, piece in enumerate(self.pieces)
            if piece.kind is kind and piece.is_long is is_long
        ]


def combinations(pieces: Sequence[Piece]) -> Iterator[Found]:
    """Every strategy of two or more pieces, one of each; bounded sets are not listed. [STR-03]"""
    sides = Sides(pieces)
    yield from _option_pairs(sides)
    yield from _spot_pairs(sides)
    yield from _spot_triples(sides)
    yield from _boxes(sides)


def _option_pairs(sides: Sides) -> Iterator[Found]:
    for call in sides.short_calls:
        for put in sides.short_puts:
            yield Strategy.STRADDLE, (call, put)
    same_right = ((sides.short_calls, sides.long_calls), (sides.short_puts, sides.long_puts))
    for shorts, longs in same_right:
        for short in shorts:
            for long in longs:
                if sides.pieces[long].expiry_ns >= sides.pieces[short].expiry_ns:
                    yield Strategy.SPREAD, (short, long)


def _spot_pairs(sides: Sides) -> Iterator[Found]:
    pairs = (
        (Strategy.COVERED_CALL, sides.long_spot, sides.short_calls),
        (Strategy.FUND_COVERED_CALL, sides.long_of(StandsFor.INDEX), sides.short_calls),
        (Strategy.CONVERTIBLE_COVERED_CALL, sides.long_of(StandsFor.CONVERSION), sides.short_calls),
        (Strategy.WARRANT_COVERED_CALL, sides.long_of(StandsFor.WARRANT), sides.short_calls),
        (Strategy.PROTECTIVE_PUT, sides.long_spot, sides.long_puts),
        (Strategy.COVERED_PUT, sides.short_spot, sides.short_puts),
        (Strategy.PROTECTIVE_CALL, sides.short_spot, sides.long_calls),
    )
    for strategy, spots, options in pairs:
        for spot in spots:
            for option in options:
                yield strategy, (spot, option)


def _spot_triples(sides: Sides) -> Iterator[Found]:
    pieces = sides.pieces
    for spot in sides.long_spot:
        for put in sides.long_puts:
            for call in sides.short_calls:
                if pieces[put].expiry_ns != pieces[call].expiry_ns:
                    continue
                if pieces[put].strike_nano == pieces[call].strike_nano:
                    yield Strategy.CONVERSION, (spot, put, call)
                elif pieces[put].strike_nano < pieces[call].strike_nano:
                    yield Strategy.COLLAR, (spot, put, call)
    for spot in sides.short_spot:
        for call in sides.long_calls:
            for put in sides.short_puts:
                if pieces[call].series == pieces[put].series:
                    yield Strategy.REVERSE_CONVERSION, (spot, call, put)


def _boxes(sides: Sides) -> Iterator[Found]:
    pieces = sides.pieces
    bought = _synthetics(sides.long_calls, sides.short_puts, pieces)
    sold = _synthetics(sides.short_calls, sides.long_puts, pieces)
    for long_call, short_put in bought:
        for short_call, long_put in sold:
            one, other = pieces[long_call], pieces[short_call]
            legs = (long_call, short_call, short_put, long_put)
            if one.expiry_ns != other.expiry_ns or one.strike_nano == other.strike_nano:
                continue
            if one.strike_nano < other.strike_nano:
                yield Strategy.LONG_BOX, legs
            else:
                yield Strategy.SHORT_BOX, (short_call, long_call, long_put, short_put)


def _synthetics(
    calls: list[int], puts: list[int], pieces: Sequence[Piece]
) -> list[tuple[int, int]]:
    """Calls and puts of the same strike and expiry."""
    return [
        (call, put) for call in calls for put in puts if pieces[call].series == pieces[put].series
    ]
