"""What a book requires while it is held: equity without option value. [STR-08 to STR-10]"""

from collections.abc import Callable, Sequence

from margingate_engine.models.strategy.legs import StandsFor
from margingate_engine.models.strategy.parameters import StrategyParameters
from margingate_engine.models.strategy.pieces import Piece
from margingate_engine.models.strategy.strategies import Strategy
from margingate_engine.models.strategy.terms import Phase, Terms, mark

Formula = Callable[..., int]
"""Terms and the pieces of a strategy in its order -> fine amount."""


def _long_spot(terms: Terms, _spot: Piece) -> int:
    return terms.long_spot(terms.underlying_nano)


def _short_spot(terms: Terms, _spot: Piece) -> int:
    return terms.short_spot(terms.underlying_nano)


def _protective_put_initial(terms: Terms, spot: Piece, _put: Piece) -> int:
    return _long_spot(terms, spot)


def _protective_call_initial(terms: Terms, spot: Piece, _call: Piece) -> int:
    return _short_spot(terms, spot)


def _covered_call_initial(terms: Terms, _spot: Piece, call: Piece) -> int:
    return terms.long_spot(terms.underlying_nano) + mark(call)


def _covered_call_maintenance(terms: Terms, _spot: Piece, call: Piece) -> int:
    return terms.long_spot(min(terms.underlying_nano, call.strike_nano)) + mark(call)


def _covered_put(terms: Terms, _spot: Piece, put: Piece) -> int:
    return terms.short_spot(terms.underlying_nano) + max(mark(put), terms.in_the_money(put))


def _protective_put(terms: Terms, _spot: Piece, put: Piece) -> int:
    return min(terms.hedged(put), terms.long_spot(terms.underlying_nano))


def _protective_call(terms: Terms, _spot: Piece, call: Piece) -> int:
    return min(terms.hedged(call), terms.short_spot(terms.underlying_nano))


def _conversion_initial(terms: Terms, _spot: Piece, _put: Piece, call: Piece) -> int:
    return terms.long_spot(terms.underlying_nano) + mark(call)


def _conversion_maintenance(terms: Terms, _spot: Piece, put: Piece, call: Piece) -> int:
    return terms.strike_part(put) + mark(call)


def _collar_maintenance(terms: Terms, _spot: Piece, put: Piece, call: Piece) -> int:
    return min(terms.hedged(put), terms.long_spot(call.strike_nano)) + mark(call)


def _reverse_initial(terms: Terms, spot: Piece, _call: Piece, put: Piece) -> int:
    return _covered_put(terms, spot, put)


def _reverse_maintenance(terms: Terms, _spot: Piece, call: Piece, put: Piece) -> int:
    return terms.strike_part(call) + max(mark(put), terms.in_the_money(put))


_BOTH: dict[Strategy, Formula] = {
    Strategy.LONG_OPTION: lambda _terms, _option: 0,
    Strategy.NAKED_CALL: Terms.naked,
    Strategy.NAKED_PUT: Terms.naked,
    Strategy.STRADDLE: Terms.straddle,
    Strategy.SPREAD: Terms.spread,
    Strategy.LONG_SPOT: _long_spot,
    Strategy.SHORT_SPOT: _short_spot,
    Strategy.COVERED_PUT: _covered_put,
}
_INITIAL: dict[Strategy, Formula] = {
    **_BOTH,
    Strategy.COVERED_CALL: _covered_call_initial,
    Strategy.PROTECTIVE_PUT: _protective_put_initial,
    Strategy.PROTECTIVE_CALL: _protective_call_initial,
    Strategy.CONVERSION: _conversion_initial,
    Strategy.COLLAR: _conversion_initial,
    Strategy.REVERSE_CONVERSION: _reverse_initial,
}
_MAINTENANCE: dict[Strategy, Formula] = {
    **_BOTH,
    Strategy.COVERED_CALL: _covered_call_maintenance,
    Strategy.PROTECTIVE_PUT: _protective_put,
    Strategy.PROTECTIVE_CALL: _protective_call,
    Strategy.CONVERSION: _conversion_maintenance,
    Strategy.COLLAR: _collar_maintenance,
    Strategy.REVERSE_CONVERSION: _reverse_maintenance,
}


class OngoingCosts:
    """Requirement of a unit of each strategy while it is held.

    Initial is never below maintenance, strategy by strategy, so that no pairing can turn them.
    """

    def __init__(self, parameters: StrategyParameters, underlying_nano: int, phase: Phase) -> None:
        maintenance = Terms.of(parameters, underlying_nano, Phase.MAINTENANCE)
        self._tables = [(maintenance, _MAINTENANCE)]
        if phase is Phase.INITIAL:
            initial = Terms.of(parameters, underlying_nano, Phase.INITIAL)
            self._tables.append((initial, _INITIAL))

    def unit(self, strategy: Strategy, pieces: Sequence[Piece]) -> int | None:
        """Fine amount of one unit; None for a box, which is no better than a bounded set.

        None, too, for what only stands for the underlying: it has a deposit at entry alone.
        """
        if strategy in (Strategy.LONG_BOX, Strategy.SHORT_BOX):
            return None
        if pieces[0].stands_for is not StandsFor.UNDERLYING:
            return None
        return max(
            formulas[strategy](terms, *pieces) + terms.house(strategy, pieces)
            for terms, formulas in self._tables
        )

    def in_set(self, piece: Piece) -> int:
        """Fine amount that a piece adds to a bounded set beside its payoff: nothing."""
        del piece
        return 0
