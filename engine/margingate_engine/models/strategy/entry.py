"""What a book requires when it is entered: gross, premiums of longs included. [STR-11]"""

from collections.abc import Sequence
from decimal import Decimal
from enum import Enum

from margingate_engine.core.amounts import PICO, units_exact
from margingate_engine.models.strategy.legs import StandsFor
from margingate_engine.models.strategy.parameters import (
    Exercise,
    SecuredCall,
    StrategyParameters,
)
from margingate_engine.models.strategy.pieces import Kind, Piece
from margingate_engine.models.strategy.strategies import Strategy
from margingate_engine.models.strategy.terms import FINE_PER_NANO, Phase, Terms, mark


class Account(Enum):
    """What kind of account a deposit is asked for."""

    MARGIN = "margin"
    CASH = "cash"


class EntryCosts:
    """Gross requirement of a unit of each strategy at entry, in a margin account."""

    def __init__(self, parameters: StrategyParameters, underlying_nano: int, phase: Phase) -> None:
        self._terms = Terms.of(parameters, underlying_nano, phase)
        self._is_initial = phase is Phase.INITIAL
        self._long_term_pico = _pico(parameters.long_term_ratio)
        self._box_pico = _pico(parameters.box_ratio)
        self._is_european = parameters.exercise is Exercise.EUROPEAN

    def unit(self, strategy: Strategy, pieces: Sequence[Piece]) -> int | None:
        """Fine amount of one unit; None where the strategy has none of its own."""
        if pieces[0].stands_for is not StandsFor.UNDERLYING:
            amount = self._with_stand_in(*pieces)
        elif pieces[0].kind is Kind.SPOT:
            amount = self._with_spot(strategy, *pieces)
        elif strategy in (Strategy.LONG_BOX, Strategy.SHORT_BOX):
            return self._box(strategy, pieces)
        else:
            amount = self._options(strategy, *pieces)
        return amount + self._terms.house(strategy, pieces)

    def in_set(self, piece: Piece) -> int:
        """Fine amount that a piece adds to a bounded set beside its payoff: a long's premium."""
        return mark(piece) if piece.is_long else 0

    def proceeds(self, strategy: Strategy, pieces: Sequence[Piece]) -> int:
        """Fine amount of short premiums that a unit applies to its requirement."""
        if strategy is Strategy.LONG_BOX and self._is_european:
            return 0
        return _applied(strategy, pieces)

    def _options(self, strategy: Strategy, first: Piece, second: Piece | None = None) -> int:
        if strategy is Strategy.LONG_OPTION:
            return first.mark_nano * (self._long_term_pico if first.is_long_term else PICO)
        if second is None:
            return self._terms.naked(first)
        if strategy is Strategy.STRADDLE:
            return self._straddle(first, second)
        assert strategy is Strategy.SPREAD
        return self._terms.spread(first, second) + mark(second)

    def _straddle(self, call: Piece, put: Piece) -> int:
        """The greater naked requirement and the premium of the other; of equal ones the dearer."""
        sides = ((self._terms.naked(call), mark(put)), (self._terms.naked(put), mark(call)))
        return sum(max(sides))

    def _box(self, strategy: Strategy, pieces: Sequence[Piece]) -> int | None:
        gap = _gap(pieces)
        if strategy is Strategy.SHORT_BOX:
            return gap
        return gap * self._box_pico // PICO if self._is_european else None

    def _with_stand_in(self, spot: Piece, call: Piece | None = None) -> int:
        """What is not the underlying, alone or with a call that it covers. [STR-21]"""
        price_nano = spot.mark_nano
        if call is not None and not self._is_initial:
            called_at_nano = call.strike_nano
            if spot.stands_for is StandsFor.INDEX:
                called_at_nano = spot.strike_nano or call.strike_nano
            price_nano = min(price_nano, called_at_nano)
        if spot.stands_for is not StandsFor.WARRANT:
            return self._terms.long_spot(price_nano)
        lost_nano = 0 if call is None else max(0, spot.strike_nano - call.strike_nano)
        return FINE_PER_NANO * (price_nano + lost_nano)

    def _with_spot(self, strategy: Strategy, spot: Piece, *options: Piece) -> int:
        return (
            self._initial(strategy, spot, options)
            if self._is_initial
            else self._maintenance(strategy, spot, options)
        )

    def _initial(self, strategy: Strategy, spot: Piece, options: Sequence[Piece]) -> int:
        terms, price_nano = self._terms, spot.mark_nano
        paid = sum(mark(option) for option in options if option.is_long)
        if spot.is_long:
            return terms.long_spot(price_nano) + paid
        amount = mark(spot) + terms.short_spot(price_nano) + paid
        if strategy in (Strategy.COVERED_PUT, Strategy.REVERSE_CONVERSION):
            amount += terms.in_the_money(options[-1])
        if strategy is Strategy.REVERSE_CONVERSION:
            amount += terms.strike_part(options[0])
        return amount

    def _maintenance(self, strategy: Strategy, spot: Piece, options: Sequence[Piece]) -> int:
        terms, price_nano = self._terms, self._terms.underlying_nano
        if strategy is Strategy.LONG_SPOT:
            return terms.long_spot(price_nano)
        if strategy is Strategy.COVERED_CALL:
            return terms.long_spot(min(price_nano, options[0].strike_nano))
        if strategy is Strategy.PROTECTIVE_PUT:
            return min(terms.hedged(options[0]), terms.long_spot(price_nano))
        if strategy is Strategy.CONVERSION:
            return terms.strike_part(options[0])
        if strategy is Strategy.COLLAR:
            return min(terms.hedged(options[0]), terms.long_spot(options[1].strike_nano))
        if strategy is Strategy.PROTECTIVE_CALL:
            hedged = min(terms.hedged(options[0]), terms.short_spot(price_nano))
            return mark(spot) + hedged
        if strategy is Strategy.REVERSE_CONVERSION:
            strike = FINE_PER_NANO * options[0].strike_nano
            return strike + terms.strike_part(options[0]) + terms.in_the_money(options[1])
        owed = FINE_PER_NANO * price_nano + terms.short_spot(price_nano)
        return owed + sum(terms.in_the_money(put) for put in options)


class CashCosts:
    """Gross requirement of a unit at entry in a cash account: everything is paid or secured.

    Naked options are secured by their full strike or, calls of shares, by the underlying.
    """

    def __init__(self, parameters: StrategyParameters, underlying_nano: int, phase: Phase) -> None:
        self._terms = Terms.of(parameters, underlying_nano, phase)
        self._is_strike = parameters.secured_call is SecuredCall.STRIKE

    def unit(self, strategy: Strategy, pieces: Sequence[Piece]) -> int | None:
        """Fine amount of one unit; None where a cash account does not offer the strategy."""
        paid = sum(mark(piece) for piece in pieces if piece.is_long)
        short = pieces[0]
        if strategy is Strategy.NAKED_PUT:
            amount = FINE_PER_NANO * short.strike_nano
        elif strategy is Strategy.NAKED_CALL:
            price_nano = short.strike_nano if self._is_strike else self._terms.underlying_nano
            amount = FINE_PER_NANO * price_nano
        elif strategy is Strategy.SPREAD:
            long = pieces[1]
            gap_nano = long.strike_nano - short.strike_nano
            gap_nano = gap_nano if short.kind is Kind.CALL else -gap_nano
            amount = FINE_PER_NANO * max(0, gap_nano) + paid
        elif strategy is Strategy.SHORT_BOX:
            return _gap(pieces)
        elif strategy in _PAID_IN_FULL:
            amount = paid
        else:
            return None
        return amount + self._terms.house(strategy, pieces)

    def in_set(self, piece: Piece) -> int:
        """Fine amount that a piece adds to a bounded set beside its payoff: a long's premium."""
        return mark(piece) if piece.is_long else 0

    def proceeds(self, strategy: Strategy, pieces: Sequence[Piece]) -> int:
        """Fine amount of short premiums that a unit applies to its requirement."""
        return _applied(strategy, pieces)


_PAID_IN_FULL = {
    *(Strategy.LONG_OPTION, Strategy.LONG_SPOT, Strategy.COVERED_CALL),
    *(Strategy.PROTECTIVE_PUT, Strategy.CONVERSION, Strategy.COLLAR),
    Strategy.CONVERTIBLE_COVERED_CALL,
}


def _gap(box: Sequence[Piece]) -> int:
    """What a box pays at expiry, fine."""
    return FINE_PER_NANO * abs(box[0].strike_nano - box[1].strike_nano)


def _applied(strategy: Strategy, pieces: Sequence[Piece]) -> int:
    """Premiums of short options, fine; of a short box what is left of them once it has paid."""
    received = sum(mark(piece) for piece in pieces if _is_short_option(piece))
    if strategy is not Strategy.SHORT_BOX:
        return received
    return max(0, received - sum(mark(piece) for piece in pieces if piece.is_long))


def _is_short_option(piece: Piece) -> bool:
    return piece.kind is not Kind.SPOT and not piece.is_long


def _pico(ratio: Decimal) -> int:
    return units_exact(ratio, PICO, "ratio")
