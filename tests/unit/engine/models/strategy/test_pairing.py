"""The pairing when effort is short, and the books that greedy pairings get wrong."""

from random import Random

from margingate_engine.models.strategy.legs import OptionLeg
from margingate_engine.models.strategy.margin import ongoing_margin
from margingate_engine.models.strategy.pairing import Effort
from margingate_engine.models.strategy.strategies import Strategy
from margingate_engine.models.strategy.terms import Phase
from tests.reference.strategy_books import book, option, parameters, spot, usd

PARAMETERS = parameters()
BOTH_SIDES = [
    option("C", 98, 1, 8),
    option("C", 103, -1, 5),
    option("C", 100, 1, 7),
    option("C", 105, -1, 4),
]


def legs_of(seed: int, count: int) -> list[OptionLeg]:
    draw = Random(seed)
    series = draw.sample(
        [
            (kind, strike, expiry)
            for kind in "CP"
            for strike in range(70, 135, 5)
            for expiry in (1, 2, 3)
        ],
        count,
    )
    return [
        option(kind, strike, draw.choice((-5, -3, -1, 1, 2, 4)), draw.randint(1, 40), expiry)
        for kind, strike, expiry in series
    ]


def test_overlapping_debit_spreads_require_nothing() -> None:
    """[STR-13]"""
    margin = ongoing_margin(book(*BOTH_SIDES), PARAMETERS, Phase.MAINTENANCE)
    assert margin.requirement_micro == 0


def test_of_more_series_than_are_worked_out_shorts_are_covered_one_to_one() -> None:
    """[STR-13] the same as by hand here: the 98 and the 100 cover what they cover best"""
    held = book(*BOTH_SIDES, option("P", 90, -2, 3), option("P", 80, -1, 1))
    effort = Effort(series_max=3)
    margin = ongoing_margin(held, PARAMETERS, Phase.INITIAL, effort)
    assert not margin.is_exact
    assert {each.strategy for each in margin.components} == {Strategy.SPREAD, Strategy.NAKED_PUT}
    best = ongoing_margin(held, PARAMETERS, Phase.INITIAL)
    assert best.requirement_micro <= margin.requirement_micro


def test_of_very_many_series_everything_stands_alone_and_that_is_said() -> None:
    """[STR-13]"""
    held = book(*BOTH_SIDES)
    margin = ongoing_margin(held, PARAMETERS, Phase.INITIAL, Effort(series_max=1, covered_max=1))
    assert not margin.is_exact
    assert {each.strategy for each in margin.components} == {
        Strategy.LONG_OPTION,
        Strategy.NAKED_CALL,
    }
    assert usd(margin.requirement_micro) == (5 + 17) + (4 + 15)


def test_without_nodes_the_answer_is_a_bound_and_the_same_again() -> None:
    """[STR-13]"""
    held = book(*legs_of(3, 30), spot(4))
    bound, again = (
        ongoing_margin(held, PARAMETERS, Phase.INITIAL, Effort(nodes_max=0)) for _ in range(2)
    )
    best = ongoing_margin(held, PARAMETERS, Phase.INITIAL, Effort(nodes_max=10_000))
    assert best.is_exact
    assert not bound.is_exact
    assert bound == again
    assert bound.requirement_micro >= best.requirement_micro


def test_a_pairing_uses_every_lot_once() -> None:
    """[STR-13]"""
    legs = legs_of(5, 25)
    margin = ongoing_margin(book(*legs, spot(-3)), PARAMETERS, Phase.INITIAL)
    used: dict[str, int] = {}
    for component in margin.components:
        for symbol, coins_nano in component.legs:
            used[symbol] = used.get(symbol, 0) + coins_nano
    wanted = {leg.symbol: leg.lots * leg.size_nano for leg in legs}
    assert used == {**wanted, "spot": -3 * 10**9}


def test_an_empty_book_requires_nothing() -> None:
    """[STR-13]"""
    margin = ongoing_margin(book(), PARAMETERS, Phase.INITIAL)
    assert (margin.requirement_micro, margin.components, margin.is_exact) == (0, (), True)
