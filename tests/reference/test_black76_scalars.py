"""The scalar formulas against published values and each other."""

import math
from fractions import Fraction

import pytest

from tests.reference.black76 import option_delta, option_value
from tests.reference.rounding import down_star, nano, up_star
from tests.reference.scenarios import scenarios, shocked_vol
from tests.reference.small_world import PARAMETERS

HUNDRED = Fraction(100)


def test_an_at_the_money_option_is_worth_the_textbook_value() -> None:
    value = option_value(HUNDRED, HUNDRED, 0.2, call=True)
    assert float(value) == pytest.approx(100 * math.erf(0.1 / math.sqrt(2)), rel=1e-14)


@pytest.mark.parametrize("strike", [20, 80, 99, 100, 130, 400])
def test_a_call_less_a_put_is_forward_less_strike_exactly(strike: int) -> None:
    call = option_value(HUNDRED, Fraction(strike), 0.7, call=True)
    put = option_value(HUNDRED, Fraction(strike), 0.7, call=False)
    assert call - put == 100 - strike


@pytest.mark.parametrize("call", [True, False])
def test_delta_is_the_slope_of_the_value(call: bool) -> None:
    bump = Fraction(1, 1000)
    values = [option_value(HUNDRED + b, Fraction(105), 0.4, call=call) for b in (bump, -bump)]
    slope = float((values[0] - values[1]) / (2 * bump))
    assert option_delta(HUNDRED, Fraction(105), 0.4, call=call) == pytest.approx(slope, abs=1e-9)


def test_without_deviation_there_is_intrinsic_value_and_a_step() -> None:
    assert option_value(HUNDRED, Fraction(90), 0.0, call=True) == 10
    steps = [
        option_delta(HUNDRED, Fraction(k), 0.0, call=c)
        for k in (90, 100, 110)
        for c in (True, False)
    ]
    assert steps == [1.0, 0.0, 0.0, 0.0, 0.0, -1.0]


def test_far_options_keep_their_last_digits() -> None:
    assert 0 < option_value(HUNDRED, Fraction(1000), 0.2, call=True) < Fraction(1, 10**25)


def test_moves_are_thirds_and_extremes_count_by_cover() -> None:
    table = scenarios(PARAMETERS)
    assert len(table) == 16
    assert [s.move for s in table[::2]] == [
        Fraction(m, 100) for m in (0, 5, -5, 10, -10, 15, -15, 45)
    ]
    assert table[15].move == Fraction(-45, 100)
    assert table[14].weighted_move_pico == 148_500_000_000


def test_vol_moves_more_for_near_expiries_down_to_the_floor_days() -> None:
    month, week = 30 / 365, 7 / 365
    assert shocked_vol(0.5, month, PARAMETERS, 1) == pytest.approx(0.725)
    assert shocked_vol(0.5, month, PARAMETERS, -1) == pytest.approx(0.275)
    assert shocked_vol(0.5, 0.0, PARAMETERS, 1) == shocked_vol(0.5, week, PARAMETERS, 1)
    assert shocked_vol(0.5, week, PARAMETERS, 1) == pytest.approx(
        0.5 * (1 + 0.45 * (30 / 7) ** 0.3)
    )
    assert shocked_vol(0.5, 0.0, PARAMETERS, 0) == 0.5


def test_starred_rounding_forgives_a_ten_thousandth() -> None:
    assert [down_star(Fraction(x)) for x in ("0.9998", "0.99995", "-0.00005", "-0.5")] == [
        0,
        1,
        0,
        -1,
    ]
    assert [up_star(Fraction(x)) for x in ("1.0002", "1.00005", "-0.5")] == [2, 1, 0]
    assert nano(88941.72) == Fraction(8894172, 100)
