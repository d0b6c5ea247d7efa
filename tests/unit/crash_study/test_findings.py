"""What a course says, on courses written by hand."""

import numpy as np
import pytest

from margingate_engine.core.amounts import MICRO
from margingate_engine.monitoring.states import Bounds, MarginState
from margingate_server.crash_study.course import Course, ModelFigures
from margingate_server.crash_study.findings import (
    ALL,
    NEVER,
    counts_by_state,
    coverage,
    first_at,
    lead,
    level,
    reached,
)

BOUNDS = Bounds(ratio_ppm=800_000, headroom_ppm=100_000)
HOUR_NS = 3_600 * 10**9


def course(
    worth: list[list[float]], initial: list[list[float]], unknown: tuple[int, int] | None = None
) -> Course:
    """A course of two kinds in turn under one model: maintenance is 0.8 of initial. USD, (T, A)."""
    worth_ta = (np.array(worth) * MICRO).astype(np.int64)
    initial_ta = (np.array(initial) * MICRO).astype(np.int64)
    is_known = np.ones(worth_ta.shape, dtype=np.bool_)
    if unknown is not None:
        is_known[unknown] = False
    count = worth_ta.shape[1]
    return Course(
        time_ns_t=tuple(6 * HOUR_NS * place for place in range(len(worth))),
        index_by_coin={},
        accounts=tuple(f"a{number}" for number in range(count)),
        kinds=tuple("straight" if number % 2 else "hedged" for number in range(count)),
        posted=tuple("BTC" if number % 2 else "USD" for number in range(count)),
        worth_ta=worth_ta,
        figures_by_model={
            "span": ModelFigures(
                equity=worth_ta,
                initial=initial_ta,
                maintenance=initial_ta * 8 // 10,
                is_known=is_known,
            )
        },
    )


FALLING = course(
    worth=[[200, 200], [105, 200], [90, 200], [70, 200], [-5, 200], [300, 200]],
    initial=[[100, 10]] * 6,
)


def test_accounts_are_counted_by_the_worst_that_they_came_to() -> None:
    hedged, straight, everybody = reached(FALLING, "span", BOUNDS)
    assert (hedged.kind, hedged.accounts) == ("hedged", 1)
    assert (hedged.warned, hedged.called, hedged.liquidatable, hedged.deficits) == (1, 1, 1, 1)
    assert (straight.kind, straight.warned, straight.deficits) == ("straight", 0, 0)
    assert (everybody.kind, everybody.accounts, everybody.called) == (ALL, 2, 1)


def test_counts_by_state_are_of_each_snapshot() -> None:
    counts = counts_by_state(FALLING.figures_by_model["span"].states(BOUNDS))
    assert counts[MarginState.HEALTHY] == [2, 1, 1, 1, 1, 2]
    assert counts[MarginState.WARNING] == [0, 1, 0, 0, 0, 0]
    assert counts[MarginState.MARGIN_CALL] == [0, 0, 1, 0, 0, 0]
    assert counts[MarginState.LIQUIDATION] == [0, 0, 0, 1, 1, 0]


def test_the_lead_is_from_the_first_warning_to_the_first_time_due() -> None:
    found = lead(FALLING, "span", BOUNDS)
    assert (found.hours, found.at_once, found.called) == ((12.0,), 0, 1)
    assert (found.nothing_left, found.nothing_later, found.shortfall) == (0, 1, 5.0)


def test_who_falls_from_healthy_to_due_was_told_at_once_only() -> None:
    found = lead(course(worth=[[200], [10]], initial=[[100], [100]]), "span", BOUNDS)
    assert (found.hours, found.at_once, found.called) == ((0.0,), 1, 0)


def test_without_anybody_due_there_is_no_lead() -> None:
    found = lead(course(worth=[[200], [200]], initial=[[100], [100]]), "span", BOUNDS)
    assert (found.hours, found.quantile(0.5), found.shortfall) == ((), 0.0, 0.0)


def test_what_is_not_known_is_neither_warned_nor_called() -> None:
    unknown = course(worth=[[200], [10], [200]], initial=[[100]] * 3, unknown=(1, 0))
    assert reached(unknown, "span", BOUNDS)[-1].warned == 0
    counts = counts_by_state(unknown.figures_by_model["span"].states(BOUNDS))
    assert counts[MarginState.UNKNOWN] == [0, 1, 0]


def test_a_loss_beyond_the_margin_is_counted_with_its_size() -> None:
    found = coverage(course(worth=[[500], [415], [295], [300]], initial=[[100]] * 4), "span", 1)[-1]
    assert (found.steps, found.beyond_initial, found.beyond_maintenance) == (3, 1, 2)
    assert found.worst_share == pytest.approx(1.2)
    assert (found.largest_excess, found.total_excess) == (20.0, 20.0)


def test_over_several_snapshots_the_worst_of_them_counts() -> None:
    recovering = course(worth=[[500], [380], [450], [500]], initial=[[100]] * 4)
    assert [each.beyond_initial for each in coverage(recovering, "span", 1)] == [1, 1]
    sinking = course(worth=[[500], [450], [380], [500]], initial=[[100]] * 4)
    assert coverage(sinking, "span", 1)[-1].beyond_initial == 0
    for each in (recovering, sinking):
        over_two = coverage(each, "span", 2)[-1]
        assert (over_two.steps, over_two.beyond_initial, over_two.largest_excess) == (2, 1, 20.0)


def test_what_equity_does_not_count_is_there_to_lose_as_well() -> None:
    """A model that counts no option value: a long option of 60 requires nothing and may go."""
    base = course(worth=[[60], [10]], initial=[[0], [0]])
    figures = base.figures_by_model["span"]
    without = ModelFigures(
        equity=figures.equity * 0,
        initial=figures.initial,
        maintenance=figures.maintenance,
        is_known=figures.is_known,
    )
    plain = Course(
        **{name: getattr(base, name) for name in ("time_ns_t", "index_by_coin", "accounts")},
        **{name: getattr(base, name) for name in ("kinds", "posted", "worth_ta")},
        figures_by_model={"span": without},
    )
    assert coverage(plain, "span", 1)[-1].beyond_initial == 0
    assert coverage(base, "span", 1)[-1].beyond_initial == 1


def test_only_accounts_with_the_collateral_asked_for_are_counted() -> None:
    assert [each.steps for each in coverage(FALLING, "span", 1)] == [5, 5, 10]
    assert [each.steps for each in coverage(FALLING, "span", 1, "USD")] == [5, 0, 5]


def test_the_first_snapshot_of_something_that_never_is_is_none() -> None:
    is_there = np.array([[False, False], [False, True], [False, True]])
    assert first_at(is_there).tolist() == [NEVER, 1]


def test_what_is_required_of_all_together_is_said_for_the_first_and_the_highest_snapshot() -> None:
    found = level(course(worth=[[9, 9]] * 3, initial=[[1, 2], [3, 4], [2, 2]]), "span")
    assert (found.first_initial, found.most_initial, found.most_place) == (3.0, 7.0, 1)
