"""Vols out of prices: there and back, to the edges of what has one. [TIMS-10]"""

import math

import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.pricing import binomial, black76
from margingate_engine.pricing.binomial import Carry, Options, Tree
from margingate_engine.pricing.implied_vol import VOL_MAX, black76_vol, deviation_of, tree_vol

CARRY = Carry(rate=0.05, dividend_yield=0.01)
TREE = Tree(steps=100, is_american=True)


def log_value(distance: float, deviation: float) -> float:
    """Logarithm of the normalised value, by the complementary error function."""
    steps, half = distance / deviation, deviation / 2
    upper = math.erfc((steps - half) / math.sqrt(2)) * math.exp(-distance / 2) / 2
    lower = math.erfc((steps + half) / math.sqrt(2)) * math.exp(distance / 2) / 2
    return math.log(upper - lower)


@pytest.mark.parametrize("deviation", [0.01, 0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("steps", [0.0, 0.01, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("side", [1, -1])
def test_a_price_gives_its_deviation_back(deviation: float, steps: float, side: int) -> None:
    price = math.exp(log_value(steps * deviation, deviation))
    assert deviation_of(price, side * steps * deviation) == pytest.approx(deviation, rel=1e-11)


def test_a_price_of_1e_minus_300_has_as_many_digits() -> None:
    """Against Mills ratios by their continued fraction."""
    deviation = deviation_of(1e-300, 1.0)
    steps, half = 1.0 / deviation, deviation / 2.0

    def mills(x: float) -> float:
        ratio = x
        for term in range(200, 0, -1):
            ratio = x + term / ratio
        return 1 / ratio

    gap = mills(steps - half) - mills(steps + half)
    back = -(steps**2 + half**2) / 2 - math.log(2 * math.pi) / 2 + math.log(gap)
    assert back == pytest.approx(math.log(1e-300), rel=1e-13)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize(
    ("vol", "strike"),
    [
        *((0.05, strike) for strike in (95.0, 100.0, 105.0)),
        *((vol, strike) for vol in (0.3, 1.5) for strike in (50.0, 95.0, 100.0, 105.0, 200.0)),
    ],
)
def test_a_black_76_value_gives_its_vol_back(is_call: bool, vol: float, strike: float) -> None:
    """Time values of 1e-6 and more: in the money, digits below that are lost in the price."""
    right = (np.array(each) for each in (100.0, strike, vol, 0.4, is_call))
    price = float(black76.value(*right))
    assert black76_vol(price, 100.0, strike, 0.4, is_call=is_call) == pytest.approx(vol, rel=1e-7)


def test_the_intrinsic_value_implies_no_vol_at_all() -> None:
    assert black76_vol(10.0, 100.0, 90.0, 1.0, is_call=True) == 0.0
    assert black76_vol(0.0, 100.0, 90.0, 1.0, is_call=False) == 0.0


@pytest.mark.parametrize("price", [9.999, -1.0, 100.0, 101.0, math.nan])
def test_prices_that_no_vol_reaches_are_refused(price: float) -> None:
    with pytest.raises(InvalidInput) as wrong:
        black76_vol(price, 100.0, 90.0, 1.0, is_call=True)
    assert wrong.value.field == "price"


def test_a_price_a_digit_below_the_bound_is_refused_and_a_millionth_below_is_found() -> None:
    """A digit is less than what the bound itself is off by in float64."""
    with pytest.raises(InvalidInput, match="above"):
        black76_vol(math.nextafter(100.0, 0.0), 100.0, 90.0, 1.0, is_call=True)
    vol = black76_vol(100.0 - 1e-6, 100.0, 90.0, 1.0, is_call=True)
    back = black76.value(*(np.array(each) for each in (100.0, 90.0, vol, 1.0, True)))
    assert 100.0 - float(back) == pytest.approx(1e-6, rel=1e-6)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("strike", [80.0, 100.0, 120.0])
def test_a_tree_value_gives_its_vol_back(is_call: bool, strike: float) -> None:
    option = Options.single(strike, 0.5, is_call=is_call)
    price = float(binomial.value(np.array(100.0), option, np.array(0.35), carry=CARRY, tree=TREE))
    assert tree_vol(price, 100.0, option, carry=CARRY, tree=TREE) == pytest.approx(0.35, rel=1e-9)


def test_where_exercise_is_certain_the_smallest_vol_is_taken() -> None:
    put = Options.single(150.0, 0.5, is_call=False)
    vol = tree_vol(50.0, 100.0, put, carry=CARRY, tree=TREE)
    assert 0 < vol < 0.02
    assert float(binomial.value(np.array(100.0), put, np.array(vol), carry=CARRY, tree=TREE)) == 50


@pytest.mark.parametrize(("price", "problem"), [(49.9, "below"), (151.0, "above")])
def test_tree_prices_that_no_vol_reaches_are_refused(price: float, problem: str) -> None:
    put = Options.single(150.0, 0.5, is_call=False)
    with pytest.raises(InvalidInput, match=problem) as wrong:
        tree_vol(price, 100.0, put, carry=CARRY, tree=TREE)
    assert wrong.value.field == "price"
    assert VOL_MAX >= 5


def test_a_tree_without_room_between_its_vols_is_refused() -> None:
    put = Options.single(100.0, 90.0, is_call=False)
    carry = Carry(rate=5.0, dividend_yield=-5.0)
    with pytest.raises(InvalidInput, match="no vol") as wrong:
        tree_vol(10.0, 100.0, put, carry=carry, tree=Tree(steps=5, is_american=True))
    assert wrong.value.field == "price"
