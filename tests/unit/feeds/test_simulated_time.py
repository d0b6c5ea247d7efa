"""Variance time, the random path and the calendar of the simulated market."""

import math
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.times import DAY_NS
from margingate_server.feeds.simulated.expiries import (
    Cadence,
    listed_expiries,
    trading_day,
    trading_day_start_ns,
)
from margingate_server.feeds.simulated.path import LAST_SECOND, RandomPath, Reversion
from margingate_server.feeds.simulated.variance_time import variance_days

INSTANTS = st.integers(1_000_000_000 * 10**9, 3_000_000_000 * 10**9)
YEAR = 365 * 86_400


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def days_between(start: str, stop: str, weekend_weight: float) -> float:
    return float(variance_days(ns(start), np.array([ns(stop)]), weekend_weight)[0])


@given(INSTANTS, st.floats(0.05, 1.0))
def test_every_week_counts_seven_days(start_ns: int, weekend_weight: float) -> None:
    week_later = np.array([start_ns + 7 * DAY_NS])
    assert variance_days(start_ns, week_later, weekend_weight)[0] == pytest.approx(7.0)


def test_an_hour_of_the_weekend_counts_its_weight_of_a_weekdays_hour() -> None:
    saturday = days_between("2026-01-24T03:00", "2026-01-24T04:00", 0.25)
    sunday = days_between("2026-01-25T22:00", "2026-01-25T23:00", 0.25)
    monday = days_between("2026-01-26T00:00", "2026-01-26T01:00", 0.25)
    friday = days_between("2026-01-23T22:00", "2026-01-23T23:00", 0.25)
    assert saturday / friday == pytest.approx(0.25)
    assert sunday / monday == pytest.approx(0.25)
    assert monday == pytest.approx(friday)


def test_with_a_weight_of_one_variance_time_is_the_calendar() -> None:
    assert days_between("2026-01-23T09:00", "2026-02-05T21:00", 1.0) == pytest.approx(13.5)


@given(INSTANTS, st.integers(1, 10**18), st.floats(0.05, 1.0))
def test_variance_time_never_stands_still(start_ns: int, later_ns: int, weight: float) -> None:
    later = np.array([start_ns + 10**9 + later_ns])
    assert variance_days(start_ns, later, weight)[0] > 0


REVERSIONS = (
    Reversion(vol_annual=0.5, half_life_days=90.0),
    Reversion(vol_annual=0.8, half_life_days=10.0),
)
CORRELATION = np.array([[1.0, 0.6], [0.6, 1.0]])


def path(seed: int) -> RandomPath:
    return RandomPath(seed, REVERSIONS, CORRELATION)


def test_a_path_starts_at_zero_and_depends_on_seed_and_second_alone() -> None:
    first, second = path(5), path(5)
    seconds = [7, 10**6, 0, 3, 10**6, LAST_SECOND - 1]
    read = [first.at(each).tolist() for each in seconds]
    assert read == [second.at(each).tolist() for each in reversed(seconds)][::-1]
    assert read[2] == [0.0, 0.0]
    assert read[0] != path(6).at(7).tolist()


@pytest.mark.parametrize("start", [1, 2**20 - 1000, 10**8])
def test_steps_of_a_second_have_the_vols_and_the_correlation(start: int) -> None:
    levels = np.array([path(11).at(start + each) for each in range(4001)])
    steps = np.diff(levels, axis=0)
    deviations = steps.std(axis=0) * math.sqrt(YEAR)
    assert deviations == pytest.approx([0.5, 0.8], rel=0.05)
    assert np.corrcoef(steps.T)[0, 1] == pytest.approx(0.6, abs=0.05)
    assert np.corrcoef(steps[:-1, 0], steps[1:, 0])[0, 1] == pytest.approx(0.0, abs=0.06)


def test_levels_settle_at_the_stated_deviation_and_forget_by_half_in_a_half_life() -> None:
    half_life = 90 * 86_400
    levels = np.array(
        [[path(seed).at(2 * 10**8 + gap)[0] for gap in (0, half_life)] for seed in range(1500)]
    )
    settled = REVERSIONS[0].deviation
    assert settled == pytest.approx(0.5 / math.sqrt(2 * math.log(2) * 365 / 90))
    assert levels.std(axis=0) == pytest.approx([settled, settled], rel=0.06)
    assert np.corrcoef(levels.T)[0, 1] == pytest.approx(0.5, abs=0.06)


def test_the_listing_on_a_friday_in_january_is_the_venues() -> None:
    codes = [each.code for each in listed_expiries(trading_day(ns("2026-01-23T09:23:19")))]
    assert codes == [
        "24JAN26", "25JAN26", "26JAN26", "27JAN26", "30JAN26", "6FEB26",
        "13FEB26", "27FEB26", "27MAR26", "26JUN26", "25SEP26", "25DEC26",
    ]  # fmt: skip


def test_the_listing_after_a_quarterly_expiry_is_the_venues() -> None:
    codes = [each.code for each in listed_expiries(trading_day(ns("2026-06-26T17:07:06")))]
    assert codes == [
        "27JUN26", "28JUN26", "29JUN26", "30JUN26", "3JUL26", "10JUL26", "17JUL26",
        "31JUL26", "28AUG26", "25SEP26", "25DEC26", "26MAR27", "25JUN27",
    ]  # fmt: skip


def test_the_listing_changes_at_eight_and_not_before() -> None:
    before, after = ns("2026-01-24T07:59:59"), ns("2026-01-24T08:00:00")
    assert listed_expiries(trading_day(before))[0].expiry_ns == after
    assert listed_expiries(trading_day(after))[0].expiry_ns == after + DAY_NS
    assert trading_day_start_ns(trading_day(after)) == after


@given(st.integers(15_000, 40_000))
def test_an_expiry_stays_listed_with_its_cadence_until_it_expires(day: int) -> None:
    today, tomorrow = listed_expiries(day), listed_expiries(day + 1)
    assert [each for each in today if each.day > day + 1] == [
        each for each in tomorrow if each in today
    ]
    assert all(each.day > day for each in today)
    assert 11 <= len(today) <= 14
    assert all(earlier.day < later.day for earlier, later in pairwise(today))
    assert sum(each.cadence is Cadence.QUARTERLY for each in today) == 4
    assert today[-1].day - day <= 372
