"""Forecasts that know nothing of the day that they are for."""

import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.statistics.ewma import WARM_UP_DAYS, covariance, forecast_vols

RETURNS = np.random.default_rng(1).standard_normal((90, 2)) * [0.02, 0.05]


def test_forecasts_follow_the_recursion() -> None:
    """[VAR-04]"""
    found = forecast_vols(RETURNS, 0.94)
    variance = (RETURNS[:WARM_UP_DAYS] ** 2).mean(axis=0)
    for day in range(WARM_UP_DAYS, 90):
        assert found[day - WARM_UP_DAYS] == pytest.approx(np.sqrt(variance))
        variance = 0.94 * variance + 0.06 * RETURNS[day] ** 2
    assert found[-1] == pytest.approx(np.sqrt(variance))
    assert len(found) == 90 - WARM_UP_DAYS + 1


def test_a_forecast_does_not_know_its_own_day_nor_later_ones() -> None:
    """[VAR-04]"""
    for day in (WARM_UP_DAYS, 50, 89):
        changed = RETURNS.copy()
        changed[day:] *= 7.0
        before, after = forecast_vols(RETURNS, 0.97), forecast_vols(changed, 0.97)
        known = day - WARM_UP_DAYS + 1
        assert np.array_equal(before[:known], after[:known])
        assert (before[known] != after[known]).all()


def test_a_warm_up_alone_forecasts_nothing() -> None:
    with pytest.raises(InvalidInput):
        forecast_vols(RETURNS[:WARM_UP_DAYS], 0.94)


def test_covariance_weighs_the_newest_most_and_has_no_mean() -> None:
    """[VAR-05]"""
    found = covariance(RETURNS, 0.9)
    weights = 0.9 ** np.arange(89, -1, -1)
    by_hand = sum(w * np.outer(r, r) for w, r in zip(weights, RETURNS, strict=True)) / weights.sum()
    assert found == pytest.approx(by_hand)
    assert covariance(RETURNS, 1.0) == pytest.approx(RETURNS.T @ RETURNS / 90)
