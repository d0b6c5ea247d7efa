"""Who is nearest to liquidation comes first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.risk import Risk
from margingate_engine.monitoring.states import margin_ratio
from margingate_engine.revaluation.account_figures import AccountFigures
from margingate_server.service.ranking import Ranking, ranked
from tests.unit.service.small_desk import small_desk

ARRAYS = small_desk().shard.market.view.arrays
Row = tuple[int, int, int, bool]
"""Equity, maintenance, headroom, whether it is known."""

ROWS = st.lists(
    st.tuples(st.integers(-3, 5), st.integers(0, 5), st.integers(-5, 5), st.booleans()),
    max_size=12,
)


def figures(rows: list[Row], names: list[str] | None = None) -> AccountFigures:
    columns = np.array(rows, dtype=np.int64).reshape(len(rows), 4)
    return AccountFigures(
        arrays=ARRAYS,
        accounts=tuple(names or [f"a{n}" for n in range(len(rows))]),
        version_a=np.ones(len(rows), dtype=np.int64),
        equity_a=columns[:, 0],
        initial_a=columns[:, 1],
        maintenance_a=columns[:, 1],
        headroom_a=columns[:, 2],
        strain_ppm_a=np.zeros(len(rows), dtype=np.int64),
        is_known_a=columns[:, 3].astype(np.bool_),
    )


def test_the_greatest_ratio_comes_first_and_no_equity_before_all() -> None:
    rows = [(10, 1, 9, True), (10, 5, 1, True), (0, 1, -1, True), (5, 0, 5, True)]
    assert ranked(figures(rows), Ranking.MARGIN_RATIO, 10) == [2, 1, 0, 3]


def test_the_least_headroom_comes_first() -> None:
    rows = [(0, 0, 5, True), (0, 0, -7, True), (0, 0, 2, True)]
    assert ranked(figures(rows), Ranking.HEADROOM, 2) == [1, 2]


def test_equals_stand_by_id_also_where_the_list_is_cut() -> None:
    rows: list[Row] = [(10, 1, 0, True)] * 4
    names = ["d", "b", "c", "a"]
    for by in Ranking:
        assert ranked(figures(rows, names), by, 2) == [3, 1]


def test_what_is_not_known_has_no_place() -> None:
    rows = [(-1, 5, -9, False), (10, 1, 9, True)]
    for by in Ranking:
        assert ranked(figures(rows), by, 5) == [1]
    assert ranked(figures([]), Ranking.HEADROOM, 5) == []


@given(rows=ROWS, count=st.integers(1, 13), by=st.sampled_from(Ranking))
def test_a_ranking_is_the_head_of_all_sorted(rows: list[Row], count: int, by: Ranking) -> None:
    def worst_first(place: int) -> tuple[float, str]:
        equity, maintenance, headroom, _ = rows[place]
        ratio = margin_ratio(Risk(equity=equity, initial=maintenance, maintenance=maintenance))
        return (-ratio if by is Ranking.MARGIN_RATIO else headroom, f"a{place}")

    known = [place for place, row in enumerate(rows) if row[3]]
    assert ranked(figures(rows), by, count) == sorted(known, key=worst_first)[:count]


@pytest.mark.parametrize("by", Ranking)
def test_headrooms_that_floats_cannot_tell_apart_are_told_apart(by: Ranking) -> None:
    rows = [(1, 1, 2**61 + 1, True), (1, 1, 2**61, True)]
    expected = [1, 0] if by is Ranking.HEADROOM else [0, 1]
    assert ranked(figures(rows), by, 2) == expected
