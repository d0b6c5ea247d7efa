"""A book cut into pieces of one common size, so that strategies pair them one to one. [STR-02]"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.strategy.legs import Book, OptionLeg, SpotLeg, StandsFor

SPOT_SYMBOL = "spot"


class Kind(IntEnum):
    """What a piece is."""

    CALL = 0
    PUT = 1
    SPOT = 2


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Piece:
    """One unit of what is held `units` times; the order of pieces is that of these fields.

    mark_nano: of an option its mark, of spot its price. Strike and expiry of spot are 0,
    but for the strike that what stands for it may have.
    """

    expiry_ns: int = 0
    strike_nano: int = 0
    kind: Kind
    is_long: bool
    mark_nano: int
    symbol: str = SPOT_SYMBOL
    is_long_term: bool = False
    is_uncertain: bool = False
    credit_nano: int = 0
    stands_for: StandsFor = StandsFor.UNDERLYING
    units: int = field(default=1, compare=False)

    @property
    def series(self) -> tuple[int, int]:
        """Expiry and strike: what a call and a put of one synthetic future share."""
        return self.expiry_ns, self.strike_nano

    def payoff_nano(self, price_nano: int) -> int:
        """What a long option pays per coin when the underlying settles at a price, >= 0."""
        moneyness = price_nano - self.strike_nano
        return max(0, moneyness if self.kind is Kind.CALL else -moneyness)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutBook:
    """Pieces in canonical order, each a whole number of units of `unit_nano` coins.

    odd_spot: spot that fills no unit and so covers nothing.
    """

    unit_nano: int
    pieces: tuple[Piece, ...]
    odd_spot: tuple[SpotLeg, ...]


def cut(book: Book) -> CutBook:
    """The pieces of a book: equal ones together, longs and shorts of a series netted. [STR-02]"""
    unit_nano = book.unit_nano or math.gcd(*(leg.size_nano for leg in book.options))
    units_by_piece: Counter[Piece] = Counter()
    for leg in _netted_options(book.options):
        units_by_piece[_option_piece(leg)] += abs(leg.lots) * leg.size_nano // unit_nano
    odd = []
    for spot, units in _whole_spot(_netted_spot(book.spot), unit_nano):
        sign = 1 if spot.quantity_nano > 0 else -1
        rest_nano = abs(spot.quantity_nano) - units * unit_nano
        if units:
            units_by_piece[spot_piece(spot)] += units
        if rest_nano:
            odd.append(replace(spot, quantity_nano=sign * rest_nano))
    pieces = tuple(replace(piece, units=count) for piece, count in sorted(units_by_piece.items()))
    return CutBook(unit_nano=unit_nano or 1, pieces=pieces, odd_spot=tuple(odd))


def _whole_spot(legs: list[SpotLeg], unit_nano: int) -> Iterator[tuple[SpotLeg, int]]:
    """Each leg with its whole units; no unit, no whole ones.

    A fill may leave part of an uncertain unit, which is margined and covers nothing. It is never
    more than one unit: where the odd spot of a side is less than that, one of its uncertain units
    is odd as well. [STR-15]
    """
    certain_odd_nano: dict[tuple[int, bool], int] = {}
    # Certain legs come first.
    for leg in legs:
        units, odd_nano = divmod(abs(leg.quantity_nano), unit_nano) if unit_nano else (0, 0)
        side = leg.price_nano, leg.quantity_nano > 0
        if not leg.is_uncertain:
            certain_odd_nano[side] = odd_nano
        elif units and odd_nano + certain_odd_nano.get(side, 0) < unit_nano:
            units -= 1
        yield leg, units


def _netted_options(legs: tuple[OptionLeg, ...]) -> list[OptionLeg]:
    """One leg per certain series, none where it is flat; uncertain legs as they are."""
    certain: dict[OptionLeg, int] = {}
    described: dict[str, OptionLeg] = {}
    for leg in legs:
        series = replace(leg, lots=0, is_uncertain=False, credit_nano=0)
        if described.setdefault(leg.symbol, series) != series:
            raise InvalidInput(leg.symbol, "is described in two ways")
        if not leg.is_uncertain:
            certain[series] = certain.get(series, 0) + leg.lots
    netted = [replace(series, lots=lots) for series, lots in certain.items()]
    uncertain = [leg for leg in legs if leg.is_uncertain]
    return [leg for leg in (*netted, *uncertain) if leg.lots]


def _netted_spot(legs: tuple[SpotLeg, ...]) -> list[SpotLeg]:
    certain: dict[SpotLeg, int] = {}
    for leg in legs:
        if not leg.is_uncertain:
            lot = replace(leg, quantity_nano=0)
            certain[lot] = certain.get(lot, 0) + leg.quantity_nano
    own = [amount for lot, amount in certain.items() if lot.stands_for is StandsFor.UNDERLYING]
    if len({amount > 0 for amount in own if amount}) > 1:
        raise InvalidInput("spot", "is long at one price and short at another: net it first")
    netted = [
        replace(lot, quantity_nano=certain[lot])
        for lot in sorted(certain, key=lambda each: (each.price_nano, each.stands_for))
    ]
    uncertain = [leg for leg in legs if leg.is_uncertain]
    return [leg for leg in (*netted, *uncertain) if leg.quantity_nano]


def _option_piece(leg: OptionLeg) -> Piece:
    return Piece(
        kind=Kind.CALL if leg.is_call else Kind.PUT,
        is_long=leg.lots > 0,
        strike_nano=leg.strike_nano,
        expiry_ns=leg.expiry_ns,
        mark_nano=leg.mark_nano,
        symbol=leg.symbol,
        is_long_term=leg.is_long_term,
        is_uncertain=leg.is_uncertain,
        credit_nano=leg.credit_nano,
    )


def spot_piece(leg: SpotLeg) -> Piece:
    """One unit of spot."""
    return Piece(
        kind=Kind.SPOT,
        is_long=leg.quantity_nano > 0,
        mark_nano=leg.price_nano,
        strike_nano=leg.strike_nano or 0,
        is_uncertain=leg.is_uncertain,
        stands_for=leg.stands_for,
    )
