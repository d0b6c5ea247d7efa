"""Requirements of a book of one underlying under rules-based margin. [STR-08 to STR-15]"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from margingate_engine.core.amounts import MICRO, ceil_div, units_exact
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.strategy.columns import Costs, WorstUnit
from margingate_engine.models.strategy.entry import Account, CashCosts, EntryCosts
from margingate_engine.models.strategy.legs import Book, FutureLeg
from margingate_engine.models.strategy.ongoing import OngoingCosts
from margingate_engine.models.strategy.pairing import Chosen, Effort, Pairing, best_pairing
from margingate_engine.models.strategy.parameters import StrategyParameters
from margingate_engine.models.strategy.pieces import CutBook, cut, spot_piece
from margingate_engine.models.strategy.strategies import Strategy, alone
from margingate_engine.models.strategy.terms import Phase, mark, micro

STANDARD_EFFORT = Effort()


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Units of one strategy: what it consists of (symbol and signed coins in 1e-9), what it takes.

    requirement_micro: 1e-6 USD, >= 0. applied_proceeds_micro: short premiums that are applied to
    it at entry, rounded down; 0 of what is held.
    """

    strategy: Strategy
    legs: tuple[tuple[str, int], ...]
    requirement_micro: int
    applied_proceeds_micro: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyMargin:
    """Requirement in 1e-6 USD, rounded up, and the strategies it consists of, in a fixed order.

    is_exact: the least that any pairing requires; else it is an upper bound of that, or, with
    uncertain legs, of the worst case of them.
    """

    requirement_micro: int
    components: tuple[Component, ...]
    is_exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryMargin:
    """What entering a book takes, 1e-6 USD: gross requirement, and short premiums applied to it."""

    gross: StrategyMargin

    @property
    def applied_proceeds_micro(self) -> int:
        """The short premiums that are applied, of all strategies together."""
        return sum(each.applied_proceeds_micro for each in self.gross.components)

    @property
    def deposit_micro(self) -> int:
        """What is due beyond the premiums received; below zero where they are more."""
        return self.gross.requirement_micro - self.applied_proceeds_micro


def ongoing_margin(
    book: Book, parameters: StrategyParameters, phase: Phase, effort: Effort = STANDARD_EFFORT
) -> StrategyMargin:
    """What a book that is held requires: marks of shorts included, longs only as cover. [STR-08]

    InvalidInput when a leg is uncertain: that is a question for `upper_requirement`.
    """
    if not book.is_certain:
        raise InvalidInput("book", "has uncertain legs")
    cut_book = cut(book)
    costs = OngoingCosts(parameters, book.underlying_nano, phase)
    pairing = best_pairing(cut_book, costs, effort, book.series_count)
    return _margin(book, parameters, phase, cut_book, costs, pairing)


def upper_requirement(
    book: Book, parameters: StrategyParameters, effort: Effort = STANDARD_EFFORT
) -> StrategyMargin:
    """No less than the initial requirement over what may become of the uncertain legs. [STR-15]

    The credits of the uncertain shorts that are there are taken off, so this is an amount to set
    against equity before any of them fills. Exact where no leg is uncertain.
    """
    cut_book = cut(book)
    costs = OngoingCosts(parameters, book.underlying_nano, Phase.INITIAL)
    pairing = best_pairing(cut_book, costs, effort, book.series_count)
    return _margin(book, parameters, Phase.INITIAL, cut_book, costs, pairing)


def entry_margin(
    book: Book,
    parameters: StrategyParameters,
    phase: Phase,
    account: Account = Account.MARGIN,
    effort: Effort = STANDARD_EFFORT,
) -> EntryMargin:
    """Gross requirement of a book at entry, and the short premiums applied to it. [STR-11]

    Marks are premiums, the price of spot is that of its purchase or sale. InvalidInput when a leg
    is uncertain, or is one that the kind of account may not hold.
    """
    if not book.is_certain:
        raise InvalidInput("book", "has uncertain legs")
    if account is Account.CASH and book.futures:
        raise InvalidInput(book.futures[0].symbol, "cannot be held in this kind of account")
    cut_book = cut(book)
    kind = EntryCosts if account is Account.MARGIN else CashCosts
    costs: EntryCosts | CashCosts = kind(parameters, book.underlying_nano, phase)
    pairing = best_pairing(cut_book, costs, effort, book.series_count)
    return EntryMargin(gross=_margin(book, parameters, phase, cut_book, costs, pairing))


def _margin(
    book: Book,
    parameters: StrategyParameters,
    phase: Phase,
    cut_book: CutBook,
    costs: Costs,
    pairing: Pairing,
) -> StrategyMargin:
    components = [
        Component(
            strategy=each.strategy,
            legs=tuple(_leg(cut_book, index, count) for index, count in each.units),
            requirement_micro=each.requirement_micro,
            applied_proceeds_micro=_applied_micro(costs, cut_book, each),
        )
        for each in pairing.chosen
    ]
    components += _odd_spot(cut_book, costs)
    components += _futures(book.futures, parameters, phase)
    components.sort(key=lambda each: (each.strategy.value, each.legs))
    return StrategyMargin(
        requirement_micro=sum(each.requirement_micro for each in components),
        components=tuple(components),
        is_exact=pairing.is_optimal and book.is_certain,
    )


def _leg(cut_book: CutBook, index: int, count: int) -> tuple[str, int]:
    piece = cut_book.pieces[index]
    coins_nano = count * cut_book.unit_nano
    return piece.symbol, coins_nano if piece.is_long else -coins_nano


def _odd_spot(cut_book: CutBook, costs: Costs) -> Iterable[Component]:
    """Spot that is less than a unit of the options, for itself."""
    for spot in cut_book.odd_spot:
        piece = spot_piece(spot)
        amount_fine = WorstUnit(costs).alone(piece)
        yield Component(
            strategy=alone(piece),
            legs=((piece.symbol, spot.quantity_nano),),
            requirement_micro=micro(amount_fine, abs(spot.quantity_nano)),
        )


def _futures(
    legs: tuple[FutureLeg, ...], parameters: StrategyParameters, phase: Phase
) -> Iterable[Component]:
    """A ratio of each notional; futures cover nothing and nothing covers them. [STR-10]"""
    ratio: Decimal = getattr(parameters, f"future_{phase.value}_ratio")
    ratio_ppm = units_exact(ratio, MICRO, "future_ratio")
    for leg in legs:
        if leg.lots:
            yield Component(
                strategy=Strategy.FUTURE,
                legs=((leg.symbol, leg.lots),),
                requirement_micro=ceil_div(abs(leg.lots) * leg.notional_micro * ratio_ppm, MICRO),
            )


def _applied_micro(costs: Costs, cut_book: CutBook, chosen: Chosen) -> int:
    """Short premiums that a strategy of a pairing applies, all its units together."""
    if not isinstance(costs, EntryCosts | CashCosts):
        return 0
    pieces = [cut_book.pieces[index] for index, _ in chosen.units]
    if chosen.strategy is not Strategy.BOUNDED_SET:
        applied_fine = costs.proceeds(chosen.strategy, pieces) * chosen.count
    else:
        applied_fine = sum(
            mark(piece) * count
            for piece, (_, count) in zip(pieces, chosen.units, strict=True)
            if not piece.is_long
        )
    return -micro(-applied_fine, cut_book.unit_nano)
