"""The margin state of an account: what it is at each bound, one account and many. [MON-01 to 03]"""

from fractions import Fraction

import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.risk import Risk
from margingate_engine.monitoring.states import (
    Bounds,
    MarginState,
    margin_ratio,
    state_of,
    states_of,
)

BOUNDS = Bounds(ratio_ppm=800_000, headroom_ppm=100_000)
GAPS = Bounds(ratio_ppm=750_000, headroom_ppm=120_000, gap_ppm=20_000)
HEALTHY, WARNING = MarginState.HEALTHY, MarginState.WARNING
CALL, LIQUIDATION = MarginState.MARGIN_CALL, MarginState.LIQUIDATION


def risk(equity: int, initial: int, maintenance: int) -> Risk:
    return Risk(equity=equity, initial=initial, maintenance=maintenance)


@pytest.mark.parametrize(
    ("equity", "state"),
    [
        (2_000, HEALTHY),
        (1_100, HEALTHY),  # headroom is the tenth, the ratio under 0.8
        (1_099, WARNING),
        (1_000, WARNING),
        (999, CALL),
        (700, CALL),
        (699, LIQUIDATION),
        (0, LIQUIDATION),
        (-5, LIQUIDATION),
    ],
)
def test_a_state_begins_at_its_bound_and_not_a_millionth_before(
    equity: int, state: MarginState
) -> None:
    """[MON-01] [MON-02]"""
    assert state_of(risk(equity, 1_000, 700), BOUNDS) is state


def test_an_account_is_warned_by_its_ratio_too() -> None:
    """[MON-02]"""
    assert state_of(risk(1_250, 1_000, 1_000), BOUNDS) is WARNING
    assert state_of(risk(1_251, 1_000, 1_000), BOUNDS) is HEALTHY


def test_an_account_without_positions_is_healthy_unless_it_owes() -> None:
    """[MON-01]"""
    assert state_of(risk(0, 0, 0), BOUNDS) is HEALTHY
    assert state_of(risk(5, 0, 0), BOUNDS) is HEALTHY
    assert state_of(risk(-1, 0, 0), BOUNDS) is LIQUIDATION


def test_a_gap_asks_for_more_equity_than_the_requirement() -> None:
    """[MON-04]"""
    assert state_of(risk(713, 1_000, 700), GAPS) is LIQUIDATION
    assert state_of(risk(714, 1_000, 700), GAPS) is CALL
    assert state_of(risk(1_019, 1_000, 700), GAPS) is CALL
    assert state_of(risk(1_020, 1_000, 700), GAPS) is WARNING
    assert state_of(risk(1_119, 1_000, 700), GAPS) is WARNING
    assert state_of(risk(1_120, 1_000, 700), GAPS) is HEALTHY


def test_the_ratio_is_infinite_for_who_has_nothing_and_zero_for_who_needs_nothing() -> None:
    """[MON-03]"""
    cases = [
        (risk(1_000, 500, 400), 0.4),
        (risk(0, 500, 400), float("inf")),
        (risk(-5, 500, 400), float("inf")),
        (risk(-5, 0, 0), float("inf")),
        (risk(0, 0, 0), 0.0),
        (risk(7, 0, 0), 0.0),
    ]
    assert [margin_ratio(each) for each, _ in cases] == [ratio for _, ratio in cases]


@pytest.mark.parametrize("bounds", [BOUNDS, GAPS, Bounds(ratio_ppm=0, headroom_ppm=10**6)])
def test_many_accounts_have_the_states_of_each(bounds: Bounds) -> None:
    """[MON-02] Also where a product with 1e6 would not fit an int64."""
    numbers = np.random.default_rng(5)
    initial_a = numbers.integers(0, 2 ** numbers.integers(1, 62, 4_000))
    maintenance_a = (initial_a * numbers.random(4_000)).astype(np.int64)
    shares = np.array([0, 0.5, 0.7, 0.8, 1, 1.02, 1.1, 1.12, 1.25, 1.33, 2, -1])
    equity_a = numbers.choice(maintenance_a, 4_000, shuffle=False)
    equity_a = np.where(numbers.random(4_000) < 0.5, initial_a, equity_a)
    equity_a = (equity_a * numbers.choice(shares, 4_000)).astype(np.int64)
    equity_a = np.clip(equity_a + numbers.integers(-2, 3, 4_000), 1 - 2**62, 2**62 - 1)
    found = states_of(equity_a, initial_a, maintenance_a, bounds).tolist()
    each = [
        state_of(risk(*figures), bounds)
        for figures in zip(
            equity_a.tolist(), initial_a.tolist(), maintenance_a.tolist(), strict=True
        )
    ]
    assert found == each
    assert len(set(found)) > 2


@pytest.mark.parametrize("equity", [10**18 + 1, 2**62 - 1, 1_250_001, 1_250_000])
def test_a_share_is_compared_exactly(equity: int) -> None:
    """[MON-02]"""
    for maintenance in (equity * 4 // 5, equity * 4 // 5 + 1):
        is_high = Fraction(maintenance, equity) >= Fraction(4, 5)
        state = state_of(risk(equity, maintenance, maintenance), BOUNDS)
        assert (state is WARNING) == is_high


def test_bounds_beyond_one_are_refused() -> None:
    with pytest.raises(InvalidInput):
        Bounds(ratio_ppm=10**6 + 1, headroom_ppm=0)
    with pytest.raises(InvalidInput):
        Bounds(ratio_ppm=0, headroom_ppm=-1)


def test_states_are_stored_by_their_words() -> None:
    assert [each.word for each in MarginState] == [
        *("healthy", "warning", "margin_call", "liquidation", "unknown"),
    ]
    assert [MarginState.of_word(each.word) for each in MarginState] == list(MarginState)
