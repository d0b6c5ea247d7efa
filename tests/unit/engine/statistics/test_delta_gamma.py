"""Quadratic forms of normals: moments and tails against the distributions themselves."""

from decimal import Decimal

import numpy as np
import pytest
from scipy import integrate, stats

from margingate_engine.core.errors import InvalidInput
from margingate_engine.statistics.delta_gamma import (
    EXCESS_KURTOSIS_MAX,
    SKEW_MIN,
    Moments,
    Sensitivities,
    expected_shortfall,
    value_at_risk,
)

COVARIANCE = np.array([[0.04, 0.01], [0.01, 0.09]])
A99 = Decimal("0.99")


def form(delta: list[float], gamma: list[list[float]]) -> Sensitivities:
    return Sensitivities(delta_f=np.array(delta), gamma_ff=np.array(gamma))


def test_without_gamma_it_is_the_normal_formula() -> None:
    """[VAR-12]"""
    delta = np.array([100.0, -50.0])
    deviation = np.sqrt(delta @ COVARIANCE @ delta)
    moments = form([100, -50], [[0, 0], [0, 0]]).moments(COVARIANCE)
    assert value_at_risk(moments, A99) == pytest.approx(stats.norm.ppf(0.99) * deviation)
    shortfall = stats.norm.pdf(stats.norm.ppf(0.99)) / 0.01 * deviation
    assert expected_shortfall(moments, A99) == pytest.approx(shortfall)


def test_moments_are_those_of_the_quadratic_form() -> None:
    """[VAR-12] against many draws of it"""
    moments = form([10, -5], [[-30, 4], [4, -20]]).moments(COVARIANCE)
    draws = np.random.default_rng(5).multivariate_normal([0, 0], COVARIANCE, 1_000_000)
    gamma = np.array([[-30.0, 4.0], [4.0, -20.0]])
    pnl = draws @ [10, -5] + 0.5 * np.einsum("sf,fg,sg->s", draws, gamma, draws)
    assert moments.mean == pytest.approx(pnl.mean(), rel=0.01)
    assert moments.deviation == pytest.approx(pnl.std(), rel=0.01)
    assert moments.skew == pytest.approx(stats.skew(pnl), rel=0.02)
    assert moments.excess_kurtosis == pytest.approx(stats.kurtosis(pnl), rel=0.05)


def test_the_square_of_one_normal_reaches_the_extreme_moments() -> None:
    """[VAR-13] minus a chi-square(1): skew -sqrt(8), excess kurtosis 12"""
    moments = form([0.0], [[-2.0]]).moments(np.array([[1.0]]))
    assert moments == pytest.approx((-1.0, np.sqrt(2.0), SKEW_MIN, EXCESS_KURTOSIS_MAX))


def test_a_mild_gamma_moves_the_tail_the_way_it_moves() -> None:
    """[VAR-12] short gamma loses more than the normal formula, by what simulation says"""
    moments = form([10.0], [[-4.0]]).moments(np.array([[0.04]]))
    draws = np.random.default_rng(9).standard_normal(2_000_000) * 0.2
    losses = -(10.0 * draws - 2.0 * draws**2)
    assert value_at_risk(moments, A99) == pytest.approx(np.quantile(losses, 0.99), rel=0.005)
    tail = losses[losses >= np.quantile(losses, 0.99)].mean()
    assert expected_shortfall(moments, A99) == pytest.approx(tail, rel=0.01)


def test_shortfall_is_the_mean_of_the_quantiles_beyond() -> None:
    """[VAR-12] the closed form against numerical integration"""
    moments = Moments(3.0, 20.0, -0.6, 1.1)
    integral, _ = integrate.quad(
        lambda tail: value_at_risk(moments, Decimal(1) - Decimal(tail)), 1e-12, 0.01
    )
    assert expected_shortfall(moments, A99) == pytest.approx(integral / 0.01, rel=1e-6)


def test_nothing_at_risk_has_no_moments() -> None:
    assert form([0.0, 0.0], [[0, 0], [0, 0]]).moments(COVARIANCE) == Moments(0, 0, 0, 0)


def test_a_gamma_that_is_not_symmetric_is_refused() -> None:
    with pytest.raises(InvalidInput):
        form([1.0, 1.0], [[0, 1], [0, 0]])
