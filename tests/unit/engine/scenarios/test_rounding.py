import math

import numpy as np
import pytest

from margingate_engine.core.errors import ModelFailure
from margingate_engine.scenarios.rounding import fits, units_down, units_nearest, units_up


def test_down_and_up_forgive_the_noise_of_float64_and_nothing_more() -> None:
    """[SPAN-04] down* and up*"""
    amounts = np.array([2.99995, 2.9998, 3.0, 3.00005, 3.0002, -3.00005, -3.0002])
    assert units_down(amounts).tolist() == [3, 2, 3, 3, 3, -3, -4]
    assert units_up(amounts).tolist() == [3, 3, 3, 3, 4, -3, -3]


def test_nearest_takes_halves_to_even() -> None:
    assert units_nearest(np.array([0.5, 1.5, -0.5, 2.4])).tolist() == [0, 2, 0, 2]


@pytest.mark.parametrize("amount", [math.nan, math.inf, -math.inf, 2.0**62, -(2.0**63)])
def test_what_is_no_integer_of_the_range_is_our_fault(amount: float) -> None:
    for rounding in (units_down, units_up, units_nearest):
        with pytest.raises(ModelFailure):
            rounding(np.array([0.0, amount]))


def test_an_amount_fits_below_the_range_and_not_at_it() -> None:
    below = math.nextafter(2.0**62, 0.0)
    amounts = np.array([0.0, below, -below, 2.0**62, -(2.0**62), math.inf, math.nan])
    assert fits(amounts).tolist() == [True, True, True, False, False, False, False]
    assert units_up(np.array([below])).tolist() == [int(below)]


def test_rounded_features_refuse_writes() -> None:
    with pytest.raises(ValueError, match="read-only"):
        units_down(np.array([1.0]))[0] = 2
