"""The strikes of the simulated market."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_server.feeds.simulated.expiries import Cadence
from margingate_server.feeds.simulated.strikes import Ladder

FORWARDS = st.floats(500, 500_000)
DAYS_MAX = {
    Cadence.DAILY: 4.0,
    Cadence.WEEKLY: 21.0,
    Cadence.MONTHLY: 95.0,
    Cadence.QUARTERLY: 372.0,
}
CADENCES_AND_DAYS = st.sampled_from(Cadence).flatmap(
    lambda cadence: st.tuples(st.just(cadence), st.floats(0.1, DAYS_MAX[cadence]))
)


def test_a_daily_expiry_has_strikes_a_thousand_apart_near_ninety_thousand() -> None:
    ladder = Ladder.listed(89_000.0, 1.0, Cadence.DAILY)
    near = [strike for strike in ladder.strikes if abs(strike / 89_000 - 1) < 0.05]
    assert sorted(near) == list(range(85_000, 94_000, 1000))
    assert (min(ladder.strikes), max(ladder.strikes)) == (80_000, 98_000)


def test_a_quarterly_expiry_reaches_to_a_third_and_to_three_and_a_half_times() -> None:
    strikes = Ladder.listed(89_000.0, 330.0, Cadence.QUARTERLY).strikes
    assert min(strikes) == 30_000
    assert max(strikes) == 300_000
    assert all(strike % 5000 == 0 for strike in strikes)


@given(FORWARDS, CADENCES_AND_DAYS)
def test_strikes_spread_out_with_distance(forward: float, listed: tuple[Cadence, float]) -> None:
    cadence, days = listed
    strikes = sorted(Ladder.listed(forward, days, cadence).strikes)
    assert 8 <= len(strikes) <= 90
    assert strikes[0] > 0
    above = [strike for strike in strikes if strike > forward]
    gaps = [later - earlier for earlier, later in pairwise(above)]
    assert all(later >= earlier / 2 for earlier, later in pairwise(gaps))
    assert gaps[-1] >= gaps[0]


@given(FORWARDS, st.floats(-0.5, 1.0), CADENCES_AND_DAYS)
def test_a_forward_that_moves_finds_strikes_and_loses_none(
    forward: float, move: float, listed: tuple[Cadence, float]
) -> None:
    cadence, days = listed
    before = Ladder.listed(forward, days, cadence)
    moved = forward * (1 + move)
    after = before.around(moved, days, cadence)
    assert after.strikes >= before.strikes
    # Half of five steps of 10 USD, at a forward of 250.
    assert min(abs(math.log(strike / moved)) for strike in after.strikes) < 0.11
    assert after.around(moved, days, cadence) is after


@pytest.mark.parametrize("move", [-0.049, 0.0, 0.049])
def test_a_small_move_adds_nothing(move: float) -> None:
    ladder = Ladder.listed(3000.0, 20.0, Cadence.WEEKLY)
    assert ladder.around(3000.0 * (1 + move), 19.0, Cadence.WEEKLY) is ladder
