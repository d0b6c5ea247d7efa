from typing import Any

import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.arrays import (
    ArrayRules,
    Moves,
    future_losses,
    option_losses,
)
from margingate_engine.models.span_parameters import VolShift
from margingate_engine.pricing.binomial import Carry, Options
from margingate_engine.scenarios.span_points import composite_delta, span_points

DAY = 1 / 365
CME_WEIGHTS = np.array([0.270, 0.217, 0.217, 0.110, 0.110, 0.037, 0.037])
NSE_WEIGHTS = np.array([0.270, 0.217, 0.217, 0.111, 0.111, 0.037, 0.037])

NIFTY = [
    *(8.72, 8.72, -736.49, -736.49, 753.93, 753.93, -1481.70, -1481.70),
    *(1499.14, 1499.14, -2226.91, -2226.91, 2244.36, 2244.36, -1561.89, 1568.00),
]
"""Array of the NIFTY future of June 2026 in NSE Clearing's file of 2026-06-25, as a public document
prints it: spot 24,050.35, six days, price scan range 2,234.01."""


def rules(**changes: Any) -> ArrayRules:
    values: dict[str, Any] = {
        "scan_range": 30.0,
        "vol_range": 0.25,
        "vol_shift": VolShift.RELATIVE,
        "look_ahead": 0.0,
        "extreme_multiple": 2.0,
        "extreme_cover": 0.35,
        "carry": Carry(rate=0.0, dividend_yield=0.0),
    }
    return ArrayRules(**{**values, **changes})


def options(strike: float, days: float, *, is_call: bool = True) -> Options:
    return Options(np.array([strike]), np.array([days * DAY]), np.array([is_call]))


def test_the_points_stand_in_published_order() -> None:
    """[SCC-02]"""
    points = span_points(3.0, 0.33)
    assert list(points.thirds_s) == [0, 0, 1, 1, -1, -1, 2, 2, -2, -2, 3, 3, -3, -3, 9, -9]
    assert list(points.vol_direction_s) == [1, -1] * 7 + [0, 0]
    assert list(points.weight_s) == [1.0] * 14 + [0.33, 0.33]


@pytest.mark.parametrize(("multiple", "cover"), [(0.0, 0.3), (3.0, 0.0), (101.0, 0.3)])
def test_extremes_that_no_file_has_are_refused(multiple: float, cover: float) -> None:
    with pytest.raises(InvalidInput, match="extreme"):
        span_points(multiple, cover)


def test_a_future_without_growth_moves_by_the_scan_range() -> None:
    """[SCC-02] ES of 2019-01-02: extremes of three ranges count 33 %."""
    found = future_losses(
        125_550.0,
        0.2,
        Moves.FUTURE,
        rules(scan_range=6_000.0, extreme_multiple=3.0, extreme_cover=0.33),
    )
    assert list(found[:14:2]) == [0, -2_000, 2_000, -4_000, 4_000, -6_000, 6_000]
    assert list(found[14:]) == [-5_940, 5_940]


def test_a_future_on_spot_grows_less_by_the_look_ahead() -> None:
    """[SCC-02] The rate is printed as 7 %; what reproduces every value lies near 6.617 %."""
    grown = rules(
        scan_range=2_234.01, look_ahead=2 * DAY, carry=Carry(rate=0.06617, dividend_yield=0.0)
    )
    found = future_losses(24_050.35, 6 * DAY, Moves.SPOT, grown)
    assert np.abs(found - NIFTY).max() < 0.0101


def test_a_future_by_its_own_price_loses_the_look_ahead_s_growth() -> None:
    """[SCC-02]"""
    grown = rules(look_ahead=2 * DAY, carry=Carry(rate=0.05, dividend_yield=0.02))
    found = future_losses(100.0, 90 * DAY, Moves.FUTURE, grown)
    assert found[0] == pytest.approx(100.0 * -np.expm1(-0.03 * 2 * DAY))
    assert found[10] == pytest.approx(100.0 - 130.0 * np.exp(-0.03 * 2 * DAY))


def test_at_expiry_an_option_is_worth_what_it_pays() -> None:
    """[SCC-02] No more time passes than there is."""
    found = option_losses(100.0, options(105.0, 1.0), 0.2, rules(look_ahead=2 * DAY))[0]
    now = option_losses(100.0, options(105.0, 1.0), 0.2, rules(look_ahead=1 * DAY))[0]
    assert list(found) == list(now)
    assert found[10] == pytest.approx(found[0] - 25.0)
    assert found[14] == pytest.approx(0.35 * (found[0] - 55.0))


def test_relative_vol_shifts_are_parts_of_sigma_and_absolute_ones_are_vols() -> None:
    """[SCC-02]"""
    assert list(rules().vols(0.4)[:2]) == pytest.approx([0.5, 0.3])
    absolute = rules(vol_shift=VolShift.ABSOLUTE)
    assert list(absolute.vols(0.4)[:2]) == pytest.approx([0.65, 0.15])
    assert list(absolute.vols(0.2)[1::14]) == [0.0, 0.2]


def test_a_scan_range_that_takes_the_price_to_zero_is_refused() -> None:
    """[SCC-02]"""
    with pytest.raises(InvalidInput, match="scan_range"):
        rules(scan_range=50.0).prices(100.0)
    with pytest.raises(InvalidInput, match="look_ahead"):
        rules(look_ahead=float("nan"))


def test_calls_less_puts_are_the_discounted_future() -> None:
    """[SCC-02] Parity in every point."""
    grown = rules(look_ahead=2 * DAY, carry=Carry(rate=0.06, dividend_yield=0.01))
    call = option_losses(100.0, options(110.0, 80.0), 0.3, grown)[0]
    put = option_losses(100.0, options(110.0, 80.0, is_call=False), 0.3, grown)[0]
    points = span_points(2.0, 0.35)
    tau, left = 80 * DAY, 78 * DAY
    price_s = 100.0 + 10.0 * points.thirds_s
    now = 100.0 * np.exp(-0.01 * tau) - 110.0 * np.exp(-0.06 * tau)
    then_s = price_s * np.exp(-0.01 * left) - 110.0 * np.exp(-0.06 * left)
    assert call - put == pytest.approx((now - then_s) * points.weight_s)


def test_the_composite_delta_weighs_the_deltas_of_seven_prices() -> None:
    """[SCC-04] A call that ends in the money at 100 and above, and a scaling factor of a half."""
    deltas = np.array([[1, 1, 0, 1, 0, 1, 0]], dtype=np.float64)
    found = composite_delta(deltas, NSE_WEIGHTS, 0.5)
    assert found[0] == pytest.approx(0.5 * (0.270 + 0.217 + 0.111 + 0.037))


@pytest.mark.parametrize("weights", [CME_WEIGHTS, NSE_WEIGHTS])
def test_weights_are_taken_as_exchanges_print_them(weights: Any) -> None:
    """[SCC-04]"""
    assert composite_delta(np.ones((2, 7)), weights, 1.0) == pytest.approx([weights.sum()] * 2)


@pytest.mark.parametrize("weights", [CME_WEIGHTS[:6], 2 * CME_WEIGHTS, -CME_WEIGHTS])
def test_weights_that_do_not_sum_to_one_are_refused(weights: Any) -> None:
    """[SCC-04]"""
    with pytest.raises(InvalidInput, match="weight_p"):
        composite_delta(np.ones((2, 7)), weights, 1.0)
