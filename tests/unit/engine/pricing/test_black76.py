import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from margingate_engine.pricing import black76
from tests.unit.engine.pricing import exact_black76

FORWARDS = st.floats(1e-3, 1e6)
MONEYNESS = st.floats(0.05, 20.0)
VOLS = st.floats(0.01, 5.0)
TAUS = st.floats(1e-6, 5.0)
DISTANCES = st.floats(-7.0, 7.0)  # of the strike from the forward, in deviations


def value(forward: float, strike: float, vol: float, tau: float, *, is_call: bool) -> float:
    f, k, sigma, years = (np.array([each]) for each in (forward, strike, vol, tau))
    return float(black76.value(f, k, sigma, years, np.array([is_call]))[0])


def delta(forward: float, strike: float, vol: float, tau: float, *, is_call: bool) -> float:
    f, k, sigma, years = (np.array([each]) for each in (forward, strike, vol, tau))
    return float(black76.forward_delta(f, k, sigma, years, np.array([is_call]))[0])


@pytest.mark.parametrize(
    ("spot_and_strike", "rate_and_carry", "vol", "tau", "is_call", "published"),
    [
        ((42.0, 40.0), (0.1, 0.1), 0.2, 0.5, True, 4.7594223929),  # Hull, stock option
        ((42.0, 40.0), (0.1, 0.1), 0.2, 0.5, False, 0.8085993729),
        ((20.0, 20.0), (0.09, 0.0), 0.25, 4 / 12, False, 1.1166414566),  # Hull, put on a future
        ((100.0, 100.0), (0.02, 0.0), 0.2, 0.5, True, 5.5811067246),  # py_vollib
        ((100.0, 100.0), (0.0, 0.0), 0.2, 0.5, True, 5.6371977797),
    ],
)
def test_published_prices_are_reproduced(
    spot_and_strike: tuple[float, float],
    rate_and_carry: tuple[float, float],
    vol: float,
    tau: float,
    is_call: bool,
    published: float,
) -> None:
    (spot, strike), (rate, carry) = spot_and_strike, rate_and_carry
    forward = spot * math.exp(carry * tau)
    price = math.exp(-rate * tau) * value(forward, strike, vol, tau, is_call=is_call)
    assert price == pytest.approx(published, abs=1e-9)


def test_hulls_index_call_is_reproduced_to_the_cent() -> None:
    price = math.exp(-0.08 / 6) * value(930.0 * math.exp(0.05 / 6), 900.0, 0.2, 1 / 6, is_call=True)
    assert round(price, 2) == 51.83


@settings(deadline=None)
@given(FORWARDS, DISTANCES, st.floats(0.01, 2.0), st.floats(1e-4, 4.0), st.booleans())
def test_values_agree_with_fifty_digit_arithmetic(
    forward: float, distance: float, vol: float, tau: float, is_call: bool
) -> None:
    strike = forward * math.exp(distance * vol * math.sqrt(tau))
    deviation = Decimal(vol) * Decimal(tau).sqrt()
    exact = exact_black76.value(Decimal(forward), Decimal(strike), deviation, is_call=is_call)
    computed = Decimal(value(forward, strike, vol, tau, is_call=is_call))
    assert abs(computed - exact) <= Decimal("2e-15") * Decimal(max(forward, strike))


@settings(deadline=None)
@given(FORWARDS, DISTANCES, st.floats(0.01, 2.0), st.floats(1e-4, 4.0), st.booleans())
def test_deltas_agree_with_fifty_digit_arithmetic(
    forward: float, distance: float, vol: float, tau: float, is_call: bool
) -> None:
    strike = forward * math.exp(distance * vol * math.sqrt(tau))
    deviation = Decimal(vol) * Decimal(tau).sqrt()
    exact = exact_black76.delta(Decimal(forward), Decimal(strike), deviation, is_call=is_call)
    computed = Decimal(delta(forward, strike, vol, tau, is_call=is_call))
    # The distance of strike and forward is known to 1e-16 of itself, over a small deviation.
    assert abs(computed - exact) < Decimal("1e-15") + Decimal("4e-16") / deviation


@settings(deadline=None)
@given(FORWARDS, MONEYNESS, VOLS, TAUS)
def test_call_less_put_is_forward_less_strike(
    forward: float, moneyness: float, vol: float, tau: float
) -> None:
    strike = forward * moneyness
    call = value(forward, strike, vol, tau, is_call=True)
    put = value(forward, strike, vol, tau, is_call=False)
    assert call - put == pytest.approx(forward - strike, abs=1e-15 * max(forward, strike) * 4)


@settings(deadline=None)
@given(FORWARDS, MONEYNESS, VOLS, st.floats(0.001, 1.0), TAUS, st.booleans())
def test_values_rise_with_vol_up_to_rounding_and_stay_between_intrinsic_and_bound(
    forward: float, moneyness: float, vol: float, more: float, tau: float, is_call: bool
) -> None:
    strike = forward * moneyness
    low = value(forward, strike, vol, tau, is_call=is_call)
    high = value(forward, strike, vol + more, tau, is_call=is_call)
    noise = 4e-16 * max(forward, strike)
    intrinsic = max(forward - strike if is_call else strike - forward, 0.0)
    assert intrinsic <= low <= high + noise
    assert high <= (forward if is_call else strike) + noise


@settings(deadline=None)
@given(FORWARDS, st.floats(1.0, 2.0), MONEYNESS, VOLS, TAUS)
def test_calls_rise_with_the_forward_and_puts_fall(
    forward: float, factor: float, moneyness: float, vol: float, tau: float
) -> None:
    strike = forward * moneyness
    noise = 4e-16 * max(forward * factor, strike)
    for is_call, sign in ((True, 1), (False, -1)):
        change = value(forward * factor, strike, vol, tau, is_call=is_call) - value(
            forward, strike, vol, tau, is_call=is_call
        )
        assert sign * change >= -noise


@pytest.mark.parametrize(("vol", "tau"), [(0.0, 1.0), (0.5, 0.0), (0.0, 0.0), (1e-200, 1e-300)])
def test_without_vol_or_time_an_option_is_worth_its_intrinsic_value(vol: float, tau: float) -> None:
    assert value(110.0, 100.0, vol, tau, is_call=True) == 10.0
    assert value(110.0, 100.0, vol, tau, is_call=False) == 0.0
    assert value(90.0, 100.0, vol, tau, is_call=False) == 10.0
    assert value(100.0, 100.0, vol, tau, is_call=True) == 0.0


@pytest.mark.parametrize(
    ("forward", "call_delta", "put_delta"),
    [(110.0, 1.0, 0.0), (100.0, 0.0, 0.0), (90.0, 0.0, -1.0)],
)
def test_without_time_delta_is_a_step_that_is_zero_at_the_money(
    forward: float, call_delta: float, put_delta: float
) -> None:
    """[SPAN-10]"""
    assert delta(forward, 100.0, 0.5, 0.0, is_call=True) == call_delta
    assert delta(forward, 100.0, 0.5, 0.0, is_call=False) == put_delta


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("forward", [1e-9, 1.0, 9e8])
@pytest.mark.parametrize("strike", [1e-9, 1.0, 9e8])
@pytest.mark.parametrize("vol", [0.0, 1e-9, 1.0, 100.0])
@pytest.mark.parametrize("tau", [0.0, 1e-12, 1.0, 100.0])
def test_no_corner_is_not_a_number(
    forward: float, strike: float, vol: float, tau: float, is_call: bool
) -> None:
    price = value(forward, strike, vol, tau, is_call=is_call)
    assert 0.0 <= price <= (forward if is_call else strike) * (1 + 1e-15)
    assert -1.0 <= delta(forward, strike, vol, tau, is_call=is_call) <= 1.0


def test_deep_wings_keep_their_digits() -> None:
    # 12 deviations out: 1 - N(12) has no digits left in float64, N(-12) has all of them.
    price = value(100.0, 100.0 * math.exp(2.4), 0.2, 1.0, is_call=True)
    exact = exact_black76.value(
        Decimal(100), Decimal(100.0 * math.exp(2.4)), Decimal("0.2"), is_call=True
    )
    assert price == pytest.approx(float(exact), rel=1e-10)
    assert price > 0.0


def test_shapes_broadcast() -> None:
    prices = black76.value(
        np.array([[90.0, 100.0, 110.0]]),
        np.array([[100.0], [105.0]]),
        np.array([[0.5]]),
        np.array([[0.25]]),
        np.array([[True], [False]]),
    )
    assert prices.shape == (2, 3)
    assert prices[1, 0] == value(90.0, 105.0, 0.5, 0.25, is_call=False)
