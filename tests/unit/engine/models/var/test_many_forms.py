"""Forms by the many against each one by itself, and the losses that sums of forms stay within."""

from decimal import Decimal

import numpy as np
import pytest

from margingate_engine.core.arrays import FloatArray
from margingate_engine.models.var.many_forms import (
    LossMultiple,
    ManyMoments,
    losses_within,
    many_moments,
)
from margingate_engine.models.var.parametric import account_sensitivities
from margingate_engine.statistics.delta_gamma import (
    EXCESS_KURTOSIS_MAX,
    SKEW_MIN,
    Moments,
    Sensitivities,
    expected_shortfall,
    value_at_risk,
)

A99 = Decimal("0.99")
COVARIANCE = np.diag([0.04, 0.05, 0.08, 0.09]) ** 2
COVARIANCE[0, 1] = COVARIANCE[1, 0] = 0.8 * 0.04 * 0.05
COVARIANCE[0, 2] = COVARIANCE[2, 0] = -0.5 * 0.04 * 0.08
NO_SHIFT = np.zeros(2)


def drawn(random: np.random.Generator, count: int) -> tuple[FloatArray, FloatArray]:
    """Deltas and gammas of forms from nearly linear to nearly all gamma."""
    size_p = 10 ** random.uniform(-1, 3, count)
    delta_pf = random.standard_normal((count, 4)) * 5
    return delta_pf, random.standard_normal((count, 2)) * size_p[:, None]


def form(delta_f: FloatArray, gamma_u: FloatArray) -> Sensitivities:
    return account_sensitivities(delta_f[:2], gamma_u, delta_f[2:])


def many(delta_pf: FloatArray, gamma_pu: FloatArray, shift: float = 0.0) -> ManyMoments:
    return many_moments(delta_pf, gamma_pu, COVARIANCE, NO_SHIFT + shift)


def test_moments_of_many_are_those_of_each() -> None:
    """[VAR-12]"""
    delta_pf, gamma_pu = drawn(np.random.default_rng(3), 50)
    found = many(delta_pf, gamma_pu)
    for at, (delta_f, gamma_u) in enumerate(zip(delta_pf, gamma_pu, strict=True)):
        expected = form(delta_f, gamma_u).moments(COVARIANCE)
        deviation = found.deviation_p[1][at]
        assert found.deviation_p[0][at] == deviation
        told = (found.mean_p[at], deviation, found.third_p[at] / deviation**3)
        assert (*told, found.fourth_p[at] / deviation**4) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("confidence", [Decimal("0.9"), A99])
@pytest.mark.parametrize("is_shortfall", [False, True])
def test_losses_of_forms_that_nothing_is_added_to_are_their_own(
    is_shortfall: bool, confidence: Decimal
) -> None:
    """[VAR-13]"""
    measure = expected_shortfall if is_shortfall else value_at_risk
    delta_pf, gamma_pu = drawn(np.random.default_rng(5), 50)
    multiple = LossMultiple.of(confidence, is_shortfall=is_shortfall)
    found = losses_within(many(delta_pf, gamma_pu), 0.0, multiple)
    expected = [
        measure(form(*each).moments(COVARIANCE), confidence)
        for each in zip(delta_pf, gamma_pu, strict=True)
    ]
    assert found == pytest.approx(np.array(expected), rel=1e-9)


@pytest.mark.parametrize("confidence", [Decimal("0.9"), A99])
@pytest.mark.parametrize("is_shortfall", [False, True])
def test_a_sum_of_forms_loses_no_more_than_its_parts_allow(
    is_shortfall: bool, confidence: Decimal
) -> None:
    """[VAR-13] with another form, some of it or all, and with deltas that are not quite known"""
    measure = expected_shortfall if is_shortfall else value_at_risk
    multiple = LossMultiple.of(confidence, is_shortfall=is_shortfall)
    random = np.random.default_rng(17)
    tightest = np.inf
    for _ in range(400):
        (own_f, other_f), (own_u, other_u) = drawn(random, 2)
        part, shift = 10 ** random.uniform(-4, 0), random.choice((0.0, 10 ** random.uniform(-4, 1)))
        other = form(part * other_f, part * other_u).moments(COVARIANCE)
        moved_f = own_f + np.append(random.uniform(-shift, shift, 2), [0.0, 0.0])
        whole = form(moved_f + part * other_f, own_u + part * other_u).moments(COVARIANCE)
        moments = many(own_f[None, :], own_u[None, :], shift)
        bound = float(losses_within(moments, other.deviation, multiple)[0]) - other.mean
        assert measure(whole, confidence) <= bound + 1e-9
        tightest = min(tightest, (bound - measure(whole, confidence)) / whole.deviation)
    assert tightest < 0.05


@pytest.mark.parametrize("is_shortfall", [False, True])
def test_no_form_loses_more_deviations_than_those_of_any_shape(is_shortfall: bool) -> None:
    """[VAR-13] the largest over all shapes is reached within the limits of skew and kurtosis"""
    measure = expected_shortfall if is_shortfall else value_at_risk
    multiple = LossMultiple.of(A99, is_shortfall=is_shortfall)
    ends = (np.array([SKEW_MIN]), np.array([-SKEW_MIN])), (np.zeros(1), np.array([12.0]))
    largest = float(multiple.largest(*ends)[0])
    grid = [
        measure(Moments(0.0, 1.0, skew, kurtosis), A99)
        for skew in np.linspace(SKEW_MIN, -SKEW_MIN, 401)
        for kurtosis in (0.0, 6.0, EXCESS_KURTOSIS_MAX)
    ]
    assert max(grid) == pytest.approx(largest, rel=1e-4)
    found = many(*drawn(np.random.default_rng(11), 2_000))
    skew_p = found.third_p / found.deviation_p[0] ** 3
    kurtosis_p = found.fourth_p / found.deviation_p[0] ** 4
    assert SKEW_MIN <= skew_p.min() < skew_p.max() <= -SKEW_MIN
    assert 0.0 <= kurtosis_p.min() < kurtosis_p.max() <= EXCESS_KURTOSIS_MAX + 1e-9
    losses_p = losses_within(found, 0.0, multiple) + found.mean_p
    assert (losses_p / found.deviation_p[0]).max() <= largest + 1e-9


def test_forms_of_nothing_lose_nothing() -> None:
    """[VAR-12]"""
    nothing = many(np.zeros((2, 4)), np.zeros((2, 2)))
    multiple = LossMultiple.of(A99, is_shortfall=True)
    assert losses_within(nothing, 0.0, multiple).tolist() == [0.0, 0.0]
    assert (losses_within(nothing, 1.0, multiple) > 2.0).all()
