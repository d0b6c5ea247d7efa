"""What each strategy requires while it is held, worked out by hand. Ratios: strategy_books."""

from decimal import Decimal
from fractions import Fraction

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.strategy.legs import Book, FutureLeg, OptionLeg, SpotLeg
from margingate_engine.models.strategy.margin import ongoing_margin
from margingate_engine.models.strategy.strategies import Strategy
from margingate_engine.models.strategy.terms import Phase
from tests.reference.strategy_books import NANO, book, option, parameters, spot, usd

PARAMETERS = parameters()
Leg = OptionLeg | SpotLeg

CASES: dict[str, tuple[list[Leg], float, float]] = {
    # legs, initial, maintenance
    "long option": ([option("C", 90, 1, 12)], 0, 0),
    "naked call, out of the money": ([option("C", 105, -1, 3)], 3 + 20 - 5, 3 + 15 - 5),
    "naked call, far out": ([option("C", 150, -2, 1)], 2 * (1 + 10), 2 * (1 + 8)),
    "naked call, in the money": ([option("C", 90, -1, 12)], 12 + 20, 12 + 15),
    "naked put, far out": ([option("P", 60, -1, 1)], 1 + 6, 1 + 4.8),
    "straddle": ([option("C", 105, -1, 3), option("P", 100, -1, 4)], 24 + 3, 19 + 3),
    "straddle of two expiries": (
        [option("C", 105, -1, 3, 2), option("P", 100, -1, 4, 1)],
        24 + 3,
        19 + 3,
    ),
    "vertical, debit": ([option("C", 100, 1, 6), option("C", 110, -1, 2)], 0, 0),
    "vertical, credit": ([option("P", 95, 1, 2), option("P", 100, -1, 4)], 5, 5),
    "vertical wider than naked": ([option("P", 50, 1), option("P", 90, -1, 1)], 11, 8.2),
    "calendar": ([option("C", 100, -1, 4, 1), option("C", 100, 1, 6, 2)], 0, 0),
    "diagonal": ([option("C", 100, -1, 4, 1), option("C", 103, 1, 6, 2)], 3, 3),
    "long that expires first": ([option("C", 100, -1, 6, 2), option("C", 100, 1, 4, 1)], 26, 21),
    "butterfly": (
        [option("C", 95, 1, 8), option("C", 100, -2, 5), option("C", 110, 1, 2)],
        5,
        5,
    ),
    "iron condor": (
        [
            option("P", 85, 1, 1),
            option("P", 90, -1, 2),
            option("C", 110, -1, 2),
            option("C", 117, 1, 1),
        ],
        7,
        7,
    ),
    "short box": (
        [
            option("C", 95, -1, 8),
            option("C", 105, 1, 3),
            option("P", 95, 1, 2),
            option("P", 105, -1, 7),
        ],
        10,
        10,
    ),
    "long box": (
        [
            option("C", 95, 1, 8),
            option("C", 105, -1, 3),
            option("P", 95, -1, 2),
            option("P", 105, 1, 7),
        ],
        0,
        0,
    ),
    "long spot": ([spot(2)], 100, 50),
    "short spot": ([spot(-1)], 50, 30),
    "covered call": ([spot(1), option("C", 110, -1, 2)], 52, 27),
    "covered call, deep in the money": ([spot(1), option("C", 50, -1, 50)], 100, 62.5),
    "protective put": ([spot(1), option("P", 95, 1, 2)], 50, 14.5),
    "conversion": ([spot(1), option("P", 100, 1, 4), option("C", 100, -1, 4)], 54, 14),
    "collar": ([spot(1), option("P", 95, 1, 2), option("C", 110, -1, 2)], 52, 16.5),
    "covered put": ([spot(-1), option("P", 90, -1, 2)], 52, 32),
    "covered put, in the money": ([spot(-1), option("P", 104, -1, 6)], 56, 36),
    "protective call": ([spot(-1), option("C", 105, 1, 2)], 50, 15.5),
    "reverse conversion": ([spot(-1), option("C", 100, 1, 4), option("P", 100, -1, 4)], 54, 14),
}


def required(held: Book, phase: Phase) -> Fraction:
    margin = ongoing_margin(held, PARAMETERS, phase)
    assert margin.is_exact
    assert margin.requirement_micro == sum(each.requirement_micro for each in margin.components)
    return usd(margin.requirement_micro)


@pytest.mark.parametrize("name", CASES)
def test_each_strategy_requires_what_its_formula_says(name: str) -> None:
    """[STR-03, STR-05 to STR-09]"""
    legs, initial, maintenance = CASES[name]
    assert float(required(book(*legs), Phase.MAINTENANCE)) == maintenance
    assert float(required(book(*legs), Phase.INITIAL)) == initial


def test_leverage_multiplies_the_base_and_the_floor() -> None:
    """[STR-05]"""
    twice = parameters(leverage=Decimal(2))
    far_out = ongoing_margin(book(option("P", 60, -1, 1)), twice, Phase.INITIAL)
    assert usd(far_out.requirement_micro) == 1 + 12
    near = ongoing_margin(book(option("P", 95, -1, 1)), twice, Phase.INITIAL)
    assert usd(near.requirement_micro) == 1 + 40 - 5


def test_a_set_of_six_may_require_less_than_any_sets_of_two_to_four() -> None:
    """Two 90s, three short 100s and one 120 lose nothing anywhere; cut smaller they do. [STR-07]"""
    whole = [option("C", 90, 2), option("C", 100, -3), option("C", 120, 1)]
    assert required(book(*whole), Phase.INITIAL) == 0
    four = [option("C", 90, 1), option("C", 100, -2), option("C", 120, 1)]
    assert required(book(*four), Phase.INITIAL) == 10
    assert required(book(option("C", 90, 1), option("C", 100, -1)), Phase.INITIAL) == 0


def test_a_set_with_more_short_calls_than_long_ones_has_no_bound() -> None:
    """[STR-07]"""
    held = book(option("C", 105, -2, 3), option("C", 110, 1, 1))
    assert required(held, Phase.INITIAL) == 5 + (3 + 20 - 5)


def test_longs_and_shorts_of_a_series_net_before_anything_is_paired() -> None:
    """What a long closes it no longer covers: together they require more. [STR-02]"""
    spread = [option("C", 100, -1, 5), option("C", 110, 1, 2)]
    closing = option("C", 110, -1, 2)
    assert required(book(*spread), Phase.INITIAL) == 10
    assert required(book(closing), Phase.INITIAL) == 2 + 10
    assert required(book(*spread, closing), Phase.INITIAL) == 5 + 20


def test_lots_of_different_sizes_pair_coin_by_coin() -> None:
    """[STR-02]"""
    large = option("C", 105, -1, 3)
    small = OptionLeg(
        symbol="small",
        is_call=True,
        strike_nano=110 * NANO,
        expiry_ns=1,
        lots=5,
        size_nano=NANO // 10,
        mark_nano=NANO,
    )
    margin = required(book(large, small), Phase.INITIAL)
    assert margin == Fraction(5 + 18, 2)


def test_spot_beyond_whole_units_covers_nothing() -> None:
    """Two and a half coins beside calls of one coin each: the half is margined alone. [STR-02]"""
    coins = SpotLeg(quantity_nano=5 * NANO // 2, price_nano=100 * NANO)
    margin = ongoing_margin(book(coins, option("C", 110, -3, 2)), PARAMETERS, Phase.MAINTENANCE)
    by_strategy = {each.strategy: usd(each.requirement_micro) for each in margin.components}
    assert by_strategy == {
        Strategy.COVERED_CALL: 2 * 27,
        Strategy.NAKED_CALL: 2 + 8,
        Strategy.LONG_SPOT: Fraction(25, 2),
    }
    assert (("spot", NANO // 2),) in [each.legs for each in margin.components]


def test_futures_require_a_part_of_each_notional_and_do_not_net() -> None:
    """[STR-10]"""
    futures = (
        FutureLeg(symbol="near", lots=3, notional_micro=100_000_001),
        FutureLeg(symbol="far", lots=-2, notional_micro=110_000_000),
        FutureLeg(symbol="flat", lots=0, notional_micro=110_000_000),
    )
    held = Book(underlying_nano=100 * NANO, futures=futures)
    margin = ongoing_margin(held, PARAMETERS, Phase.INITIAL)
    assert margin.requirement_micro == 30_000_001 + 22_000_000
    assert required(held, Phase.MAINTENANCE) == Fraction(26) + Fraction(1, 10**6)


def test_a_unit_is_rounded_up_once() -> None:
    """A third of a cent of a lot of a millionth of a coin. [STR-04]"""
    leg = OptionLeg(
        symbol="tiny",
        is_call=False,
        strike_nano=100 * NANO,
        expiry_ns=1,
        lots=-3,
        size_nano=1_000,
        mark_nano=333_333,
    )
    margin = ongoing_margin(book(leg), PARAMETERS, Phase.INITIAL)
    assert margin.requirement_micro == 3 * 21


def test_house_rules_add_to_the_strategies_they_name() -> None:
    """[STR-12]"""
    rules = [
        {"strategy": "covered_call", "basis": "short_itm", "ratio": Decimal("0.5")},
        {"strategy": "covered_call", "basis": "underlying", "ratio": Decimal("0.01")},
        {"strategy": "naked_put", "basis": "short_itm", "ratio": Decimal(1)},
    ]
    strict = parameters(house_rules=rules)
    covered = book(spot(1), option("C", 90, -1, 11))
    margin = ongoing_margin(covered, strict, Phase.MAINTENANCE)
    assert usd(margin.requirement_micro) == Fraction(45, 2) + 11 + 5 + 1
    naked = ongoing_margin(book(option("P", 104, -1, 5)), strict, Phase.INITIAL)
    assert usd(naked.requirement_micro) == 5 + 20 + 4


def test_a_short_at_its_mark_costs_headroom_its_requirement_less_the_mark() -> None:
    """Equity counts its premium as cash; the requirement has its mark. [STR-08]"""
    premium = 3
    headroom_change = premium - required(book(option("C", 105, -1, premium)), Phase.INITIAL)
    assert headroom_change == -(20 - 5)


def test_a_future_nobody_can_cover_with_does_not_cover() -> None:
    """[STR-03]"""
    future = FutureLeg(symbol="perpetual", lots=1, notional_micro=100_000_000)
    short = option("C", 105, -1, 3)
    held = Book(underlying_nano=100 * NANO, options=(short,), futures=(future,))
    assert required(held, Phase.INITIAL) == 18 + 10


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"strike_nano": 0}, "C100-1.strike_nano"),
        ({"size_nano": 0}, "C100-1.size_nano"),
        ({"mark_nano": -1}, "C100-1.mark_nano"),
        ({"is_uncertain": True, "lots": 1}, "C100-1.is_uncertain"),
        ({"is_uncertain": True, "credit_nano": 6 * NANO}, "C100-1.credit_nano"),
        ({"credit_nano": 1}, "C100-1.credit_nano"),
    ],
)
def test_an_option_that_cannot_be_is_refused_by_name(change: dict[str, int], field: str) -> None:
    """[STR-01]"""
    fields = {"strike_nano": 100 * NANO, "size_nano": NANO, "mark_nano": 5 * NANO, "lots": -1}
    with pytest.raises(InvalidInput) as refused:
        OptionLeg(symbol="C100-1", is_call=True, expiry_ns=1, **{**fields, **change})  # type: ignore[arg-type]
    assert refused.value.field == field


def test_books_that_contradict_themselves_are_refused() -> None:
    """[STR-01]"""
    with pytest.raises(InvalidInput, match="described in two ways"):
        required(book(option("C", 100, 1, 5), option("C", 100, 1, 6)), Phase.INITIAL)
    with pytest.raises(InvalidInput, match="net it first"):
        required(book(spot(1, 100), spot(-1, 90)), Phase.INITIAL)
    with pytest.raises(InvalidInput, match="uncertain"):
        required(book(option("C", 100, -1, 5, is_uncertain=True)), Phase.INITIAL)
    for wrong in (lambda: book(price=0), lambda: spot(1, 0)):
        with pytest.raises(InvalidInput, match="positive"):
            wrong()
    with pytest.raises(InvalidInput, match="negative"):
        FutureLeg(symbol="perpetual", lots=1, notional_micro=-1)
