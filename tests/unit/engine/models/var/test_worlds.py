"""Which scenarios the settings make, and from which days."""

import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.var.settings import Method
from margingate_engine.models.var.worlds import horizon_covariance, worlds, worlds_of
from margingate_engine.scenarios.filtered import filtered
from margingate_engine.scenarios.monte_carlo import gaussian, student_t
from margingate_engine.statistics.ewma import covariance
from tests.unit.engine.models.var.tables import parameters, settings


def test_history_is_the_newest_days_of_the_look_back() -> None:
    """[VAR-03] one date, one world: of every underlying, price and vol"""
    made = parameters()
    found = worlds_of(made)
    changes = made.history().factors_tf[-250:]
    assert found.scenarios.move_su == pytest.approx(np.expm1(changes[:, :2]))
    assert found.scenarios.vol_factor_su == pytest.approx(np.exp(changes[:, 2:]))
    assert (found.base, found.stressed, found.floor) == (
        slice(0, 250), slice(250, 250), slice(250, 250),
    )  # fmt: skip


def test_filtered_history_has_the_same_number_of_worlds() -> None:
    """[VAR-04] its warm-up lies before the look-back"""
    made = parameters(method="filtered")
    changes = filtered(
        made.history().factors_tf[-280:], decay=0.97, ratio_floor=0.25, ratio_cap=4.0
    )
    found = worlds_of(made)
    assert found.base == slice(0, 250)
    assert found.scenarios.move_su == pytest.approx(np.expm1(changes[:, :2]))


def test_drawn_worlds_have_the_covariance_of_the_horizon() -> None:
    """[VAR-05]"""
    for method in ("gaussian", "student_t"):
        made = parameters(method=method, horizon_days=2)
        covariance_ff = 2.0 * covariance(made.history().factors_tf[-250:], 0.97)
        assert horizon_covariance(made.settings, made.history()) == pytest.approx(covariance_ff)
        changes = (
            gaussian(covariance_ff, count=1000, seed=20261121)
            if method == "gaussian"
            else student_t(covariance_ff, 4.0, count=1000, seed=20261121)
        )
        assert worlds_of(made).scenarios.move_su == pytest.approx(np.expm1(changes[:, :2]))


def test_stressed_and_floor_are_sets_of_their_own() -> None:
    """[VAR-06] neither is filtered"""
    made = parameters(
        stressed_days=130, method="filtered", stressed_weight="0.25", floor_days=290, horizon_days=2
    )
    found = worlds_of(made)
    assert (found.base, found.stressed, found.floor) == (
        slice(0, 249), slice(249, 378), slice(378, 667),
    )  # fmt: skip
    stressed = made.stressed_history().factors_tf
    two_days = stressed[:-1] + stressed[1:]
    assert found.scenarios.move_su[found.stressed] == pytest.approx(np.expm1(two_days[:, :2]))
    floor = made.history().factors_tf[-290:]
    assert found.scenarios.vol_factor_su[found.floor] == pytest.approx(
        np.exp((floor[:-1] + floor[1:])[:, 2:])
    )


def test_the_parametric_method_has_no_worlds() -> None:
    """[VAR-12]"""
    assert len(worlds_of(parameters(method="parametric")).scenarios) == 0


@pytest.mark.parametrize("method", [each.value for each in Method])
def test_the_same_parameters_make_the_same_worlds(method: str) -> None:
    first, again = (worlds_of(parameters(method=method)).scenarios for _ in range(2))
    assert np.array_equal(first.move_su, again.move_su)
    assert np.array_equal(first.vol_factor_su, again.vol_factor_su)


def test_a_stressed_history_of_others_or_none_is_refused() -> None:
    history = parameters().history()
    for stressed in (None, parameters().history().__class__.of_factors(("BTC",), np.zeros((5, 2)))):
        with pytest.raises(InvalidInput) as wrong:
            worlds(settings(stressed_weight="0.25"), history, stressed)
        assert wrong.value.field == "stressed_returns"
