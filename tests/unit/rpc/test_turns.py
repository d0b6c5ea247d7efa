"""Turns of a thread: nothing ends it, and whoever watches over it sees that it does not get on."""

import pytest

from margingate_server.rpc.turns import LOG_SECONDS, Turns
from tests.unit.rpc.watch import SetClock


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def turns(clock: SetClock) -> Turns:
    return Turns("upkeep", clock)


def pass_time(clock: SetClock, seconds: float) -> None:
    clock.ns += int(seconds * 1e9)


def broken() -> None:
    raise RuntimeError("planted")


def nothing() -> None:
    pass


def test_a_turn_that_went_well_is_as_old_as_its_end(turns: Turns, clock: SetClock) -> None:
    pass_time(clock, 3)
    assert turns.age_seconds == pytest.approx(3)
    turns.take(lambda: pass_time(clock, 2))
    assert turns.age_seconds == 0
    pass_time(clock, 1)
    assert turns.age_seconds == pytest.approx(1)
    assert turns.error_count == 0


def test_a_turn_with_an_error_is_counted_and_makes_nothing_younger(
    turns: Turns, clock: SetClock
) -> None:
    pass_time(clock, 3)
    turns.take(broken)
    turns.take(nothing, broken, broken)
    assert turns.error_count == 3
    assert turns.age_seconds == pytest.approx(3)


def test_a_step_that_fails_keeps_no_other_from_being_done(turns: Turns) -> None:
    done: list[str] = []
    turns.take(broken, lambda: done.append("second"))
    assert done == ["second"]


def test_who_fails_at_every_turn_is_logged_now_and_then(
    turns: Turns, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(10):
        turns.take(broken)
    (line,) = caplog.records
    assert line.getMessage() == "thread upkeep failed"
    assert line.exc_info is not None
    pass_time(clock, LOG_SECONDS)
    turns.take(broken)
    assert len(caplog.records) == 2
    turns.take(nothing)
    turns.take(broken)
    assert len(caplog.records) == 3, "another failure, not the same one going on"
