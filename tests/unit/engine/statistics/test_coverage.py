"""Published figures of the tests of coverage, and scipy's distributions."""

import numpy as np
import pytest
from scipy import stats

from margingate_engine.core.arrays import BoolArray
from margingate_engine.core.errors import InvalidInput
from margingate_engine.statistics.coverage import (
    Transitions,
    conditional_coverage,
    independence,
    kupiec,
    transitions,
)

CHI2_95 = 3.841458820694124


def days_with(*hits: int) -> BoolArray:
    """250 days, exceptions on these, counted from 1."""
    is_exception = np.zeros(250, dtype=np.bool_)
    is_exception[np.array(hits) - 1] = True
    return is_exception


@pytest.mark.parametrize(
    ("exceptions", "statistic"),
    [
        (0, 5.0252),
        (1, 1.1765),
        (2, 0.1084),
        (3, 0.0949),
        (4, 0.7691),
        (5, 1.9568),
        (6, 3.5554),
        (7, 5.4970),
        (8, 7.7336),
        (10, 12.9555),
    ],
)
def test_kupiec_at_250_days_and_99_percent(exceptions: int, statistic: float) -> None:
    """[VAR-16]"""
    found = kupiec(exceptions, 250, 0.01)
    assert found.statistic == pytest.approx(statistic, abs=5e-5)
    assert found.p_value == pytest.approx(stats.chi2.sf(found.statistic, 1), rel=1e-12)


@pytest.mark.parametrize(
    ("days", "tail", "above", "below"),
    [(510, 0.01, 1, 11), (1000, 0.01, 4, 17), (255, 0.05, 6, 21)],
)
def test_kupiecs_own_regions_of_non_rejection(
    days: int, tail: float, above: int, below: int
) -> None:
    """[VAR-16]"""
    kept = [n for n in range(days) if kupiec(n, days, tail).statistic < CHI2_95]
    assert (min(kept) - 1, max(kept) + 1) == (above, below)


def test_exceptions_in_a_row_are_not_independent() -> None:
    """[VAR-17]"""
    clustered, apart = days_with(50, 51, 52, 120, 200), days_with(20, 70, 120, 170, 220)
    assert transitions(clustered) == Transitions(241, 3, 3, 2)
    assert independence(clustered).statistic == pytest.approx(9.8947, abs=5e-5)
    assert independence(apart).statistic == pytest.approx(0.2049, abs=5e-5)


def test_conditional_coverage_is_both_statistics() -> None:
    """[VAR-17]"""
    clustered = days_with(50, 51, 52, 120, 200)
    found = conditional_coverage(clustered, 0.01)
    assert found.statistic == pytest.approx(1.9568 + 9.8947, abs=1e-4)
    assert found.p_value == pytest.approx(stats.chi2.sf(found.statistic, 2), rel=1e-12)


def test_no_exception_at_all_and_nothing_else_have_finite_statistics() -> None:
    """[VAR-16, VAR-17]"""
    none, every = np.zeros(250, dtype=np.bool_), np.ones(250, dtype=np.bool_)
    assert independence(none).statistic == independence(every).statistic == 0.0
    assert kupiec(250, 250, 0.01).statistic == pytest.approx(-500 * np.log(0.01))
    assert conditional_coverage(none, 0.01).statistic == pytest.approx(5.0252, abs=5e-5)


def test_what_is_no_count_is_refused() -> None:
    for exceptions, days, tail in ((-1, 10, 0.01), (11, 10, 0.01), (0, 0, 0.01), (1, 10, 0.0)):
        with pytest.raises(InvalidInput):
            kupiec(exceptions, days, tail)
    with pytest.raises(InvalidInput):
        independence(np.array([True]))
