"""Waits between connections."""

from margingate_server.feeds.deribit.backoff import Backoff
from margingate_server.feeds.deribit.settings import DeribitSettings

SETTINGS = DeribitSettings(
    backoff_seconds_min=0.5, backoff_seconds_max=30, rate_limit_seconds=10, settled_seconds=30
)


def test_waits_double_up_to_the_largest() -> None:
    backoff = Backoff(SETTINGS, lambda: 0.0)
    waits = [backoff.wait_seconds("lost", 0.0) for _ in range(9)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_chance_takes_up_to_half_of_a_wait() -> None:
    backoff = Backoff(SETTINGS, lambda: 0.999)
    assert 0.25 < backoff.wait_seconds("lost", 0.0) < 0.26


def test_a_connection_that_lasted_starts_the_waits_over_and_a_short_one_does_not() -> None:
    backoff = Backoff(SETTINGS, lambda: 0.0)
    assert [backoff.wait_seconds("lost", each) for each in (0, 29, 30, 0)] == [0.5, 1, 0.5, 1]


def test_after_too_many_requests_the_venue_gets_time_to_refill() -> None:
    backoff = Backoff(SETTINGS, lambda: 0.0)
    assert backoff.wait_seconds("rate_limited", 100.0) == 10
    assert [backoff.wait_seconds("lost", 0) for _ in range(6)][-1] == 30


def test_waits_stay_finite_however_often_it_fails() -> None:
    backoff = Backoff(SETTINGS, lambda: 0.0)
    assert {backoff.wait_seconds("lost", 0) for _ in range(2000)} <= {0.5, 1, 2, 4, 8, 16, 30}
