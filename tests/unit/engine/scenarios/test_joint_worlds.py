"""Where joint worlds come from: history, filtered history, random numbers, horizons."""

import numpy as np
import pytest
from scipy import stats

from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.errors import InvalidInput
from margingate_engine.scenarios.filtered import filtered
from margingate_engine.scenarios.history import ReturnHistory
from margingate_engine.scenarios.horizon import HorizonRule, over_horizon
from margingate_engine.scenarios.joint import JointScenarios
from margingate_engine.scenarios.monte_carlo import gaussian, student_t
from margingate_engine.statistics.ewma import WARM_UP_DAYS, forecast_vols

CHANGES = np.random.default_rng(2).standard_normal((200, 4)) * [0.03, 0.04, 0.06, 0.07]
NAMES = ("BTC", "ETH")
COVARIANCE = np.array([[4.0, 1.0, -1.0], [1.0, 9.0, 0.5], [-1.0, 0.5, 1.0]]) * 1e-4
NOTED = [15129985323320379406, 3490965594592278910, 16005516994917231875]


def unlimited(changes: FloatArray, decay: float = 0.94) -> FloatArray:
    return filtered(changes, decay=decay, ratio_floor=0.0, ratio_cap=1e9)


def test_a_history_keeps_its_dates_and_gives_its_newest_days() -> None:
    """[VAR-01]"""
    history = ReturnHistory.of_factors(NAMES, CHANGES)
    assert np.array_equal(history.factors_tf, CHANGES)
    assert np.array_equal(history.last(5).factors_tf, CHANGES[-5:])
    assert len(history) == 200
    for days in (0, 201):
        with pytest.raises(InvalidInput) as wrong:
            history.last(days)
        assert wrong.value.field == "returns"


@pytest.mark.parametrize(
    ("spot", "vol", "field"),
    [
        (np.zeros((3, 2)), np.zeros((4, 2)), "vol_returns"),
        (np.zeros((3, 1)), np.zeros((3, 1)), "underlyings"),
        (np.full((3, 2), np.nan), np.zeros((3, 2)), "returns"),
        (np.zeros((3, 2)), np.full((3, 2), np.inf), "returns"),
    ],
)
def test_a_history_that_does_not_belong_together_is_refused(
    spot: FloatArray, vol: FloatArray, field: str
) -> None:
    """[VAR-01]"""
    with pytest.raises(InvalidInput) as wrong:
        ReturnHistory(underlyings=NAMES, spot_tu=spot, vol_tu=vol)
    assert wrong.value.field == field


def test_overlapping_windows_are_sums_of_neighbours() -> None:
    """[VAR-02]"""
    found = over_horizon(CHANGES, 3, HorizonRule.OVERLAPPING)
    assert found == pytest.approx(CHANGES[:-2] + CHANGES[1:-1] + CHANGES[2:])
    assert len(found) == 198
    with pytest.raises(InvalidInput):
        over_horizon(CHANGES[:2], 3, HorizonRule.OVERLAPPING)


def test_the_square_root_scales_every_day() -> None:
    """[VAR-02]"""
    assert over_horizon(CHANGES, 4, HorizonRule.SQUARE_ROOT) == pytest.approx(2.0 * CHANGES)
    assert over_horizon(CHANGES, 1, HorizonRule.OVERLAPPING) == pytest.approx(CHANGES)


def test_log_changes_become_moves_and_factors() -> None:
    """[VAR-02]"""
    found = JointScenarios.from_log_changes(NAMES, CHANGES)
    assert found.move_su == pytest.approx(np.exp(CHANGES[:, :2]) - 1.0)
    assert found.vol_factor_su == pytest.approx(np.exp(CHANGES[:, 2:]))
    assert len(found) == 200
    with pytest.raises(InvalidInput) as wrong:
        found.column("SOL")
    assert wrong.value.field == "SOL"


@pytest.mark.parametrize("change", [-800.0, 800.0])
def test_a_change_beyond_every_price_is_refused(change: float) -> None:
    """[VAR-02]"""
    for place in range(4):
        changes = np.zeros((2, 4))
        changes[1, place] = change
        with pytest.raises(InvalidInput) as wrong:
            JointScenarios.from_log_changes(NAMES, changes)
        assert wrong.value.field == "returns"


def test_filtering_puts_surprises_at_tomorrows_volatility() -> None:
    """[VAR-04]"""
    vols = forecast_vols(CHANGES, 0.94)
    assert unlimited(CHANGES) == pytest.approx(CHANGES[WARM_UP_DAYS:] / vols[:-1] * vols[-1])


def test_filtered_returns_of_a_volatile_time_shrink_in_a_calm_one() -> None:
    """[VAR-04]"""
    changes = CHANGES.copy()
    changes[:100] *= 5.0
    assert np.std(unlimited(changes)[:70]) < 0.4 * np.std(changes[WARM_UP_DAYS:100])
    assert np.std(unlimited(changes[::-1])[-70:]) == pytest.approx(np.std(changes[:70]), rel=0.35)


def test_ratios_keep_within_floor_and_cap() -> None:
    """[VAR-04]"""
    found = filtered(CHANGES, decay=0.9, ratio_floor=0.9, ratio_cap=1.1) / CHANGES[WARM_UP_DAYS:]
    assert found.min() == pytest.approx(0.9)
    assert found.max() == pytest.approx(1.1)


def test_without_decay_or_without_movement_nothing_is_filtered() -> None:
    """[VAR-04]"""
    assert unlimited(CHANGES, decay=1.0) == pytest.approx(CHANGES[WARM_UP_DAYS:])
    still = CHANGES.copy()
    still[:, 1] = 0.0
    assert not unlimited(still)[:, 1].any()


def test_draws_have_the_covariance_that_was_asked_for() -> None:
    """[VAR-05]"""
    normal = gaussian(COVARIANCE, count=100_000, seed=1)
    assert np.cov(normal.T) == pytest.approx(COVARIANCE, abs=8e-6)
    heavy = student_t(COVARIANCE, 8.0, count=100_000, seed=1)
    assert np.cov(heavy.T) == pytest.approx(COVARIANCE, abs=2e-5)


def test_draws_have_the_distribution_that_was_asked_for() -> None:
    """[VAR-05]"""
    normal = gaussian(COVARIANCE, count=20_000, seed=3)[:, 1] / 0.03
    assert stats.kstest(normal, "norm").pvalue > 0.01
    heavy = student_t(COVARIANCE, 4.0, count=20_000, seed=3)[:, 1] / 0.03 * np.sqrt(4.0 / 2.0)
    assert stats.kstest(heavy, "t", args=(4.0,)).pvalue > 0.01


def test_the_factors_of_a_t_draw_are_extreme_together() -> None:
    """[VAR-05] uncorrelated, and yet large at the same time"""
    heavy = student_t(np.eye(2), 3.0, count=50_000, seed=5)
    normal = gaussian(np.eye(2), count=50_000, seed=5)
    both = [np.mean((np.abs(draws) > 2.0).all(axis=1)) for draws in (heavy, normal)]
    assert both[0] > 3 * both[1]


def test_the_same_seed_draws_the_same_worlds_and_another_one_others() -> None:
    """[VAR-05] raw Philox output and inversion: figures noted once"""
    first, again = (gaussian(COVARIANCE, count=500, seed=42) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, gaussian(COVARIANCE, count=500, seed=43))
    assert np.random.Philox(key=42).random_raw(3).tolist() == NOTED
    assert gaussian(np.eye(1), count=3, seed=42)[:, 0] == pytest.approx(
        stats.norm.ppf([((raw >> 12) + 0.5) / 2**52 for raw in NOTED]), rel=1e-12
    )


def test_a_singular_covariance_draws_what_moves_together() -> None:
    """[VAR-05]"""
    draws = gaussian(np.full((2, 2), 0.01), count=1000, seed=1)
    assert draws[:, 0] == pytest.approx(draws[:, 1], abs=1e-9)
    assert draws[:, 0].std() == pytest.approx(0.1, rel=0.1)


def test_a_world_says_what_it_does_to_an_underlying() -> None:
    """Moves to a tenth of a percent, vols to a percent; what rounds to nothing has no minus."""
    changes = np.log([[0.9387, 1.0, 1.08, 0.5], [1.2352, 0.9999, 0.999, 1.0]])
    worlds = JointScenarios.from_log_changes(NAMES, changes)
    assert worlds.descriptions("BTC") == ("BTC -6.1%, vols +8%", "BTC +23.5%, vols +0%")
    assert worlds.descriptions("ETH") == ("ETH +0.0%, vols -50%", "ETH +0.0%, vols +0%")
    with pytest.raises(InvalidInput):
        worlds.descriptions("SOL")
