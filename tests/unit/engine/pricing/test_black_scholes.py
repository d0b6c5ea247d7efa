"""Textbook values of European options on a spot price. [TIMS-10]"""

import numpy as np
import pytest

from margingate_engine.pricing import black_scholes
from margingate_engine.pricing.binomial import Carry, Options


def value(
    spot: float, option: Options, vol: float, *, rate: float, dividend_yield: float = 0.0
) -> float:
    carry = Carry(rate=rate, dividend_yield=dividend_yield)
    return float(black_scholes.value(np.array(spot), option, np.array(vol), carry=carry))


@pytest.mark.parametrize(("is_call", "expected"), [(True, 4.7594223929), (False, 0.8085993729)])
def test_an_option_on_a_share_has_the_textbook_value(is_call: bool, expected: float) -> None:
    option = Options.single(40.0, 0.5, is_call=is_call)
    assert value(42.0, option, 0.2, rate=0.10) == pytest.approx(expected, abs=1e-9)


def test_an_option_on_an_index_with_a_yield_has_the_textbook_value() -> None:
    call = Options.single(900.0, 2 / 12, is_call=True)
    got = value(930.0, call, 0.2, rate=0.08, dividend_yield=0.03)
    assert got == pytest.approx(51.8329567965, abs=1e-9)


def test_on_a_future_it_is_black_76_discounted() -> None:
    """A yield equal to the rate makes spot its own forward."""
    put = Options.single(20.0, 4 / 12, is_call=False)
    got = value(20.0, put, 0.25, rate=0.09, dividend_yield=0.09)
    assert got == pytest.approx(1.1166414566, abs=1e-9)


def test_without_vol_it_is_what_the_forward_is_worth_beyond_the_strike() -> None:
    call = Options.single(100.0, 1.0, is_call=True)
    assert value(100.0, call, 0.0, rate=0.05) == pytest.approx(100 - 100 * np.exp(-0.05), rel=1e-12)
