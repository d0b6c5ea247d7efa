"""A replay behind the Feed protocol: in order, at its speed, once."""

import math
from pathlib import Path

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_server.feeds.replay.feed import END_SECONDS, NEVER_NS, POLL_SECONDS, ReplayFeed
from tests.unit.feeds.replay_files import CALL, FIRST_NS, HOUR_NS, PUT, three_snapshots

SECOND_NS = 10**9
START_NS = 1_800_000_000 * SECOND_NS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return three_snapshots(tmp_path / "chains.csv")


def test_the_first_snapshot_is_there_at_once_and_the_next_when_its_time_has_come(
    path: Path,
) -> None:
    feed = ReplayFeed.open(path, speed=3_600)
    assert CALL in feed.update(START_NS).names
    assert feed.update(START_NS + 6 * SECOND_NS - 1).names == ()
    assert feed.update(START_NS + 6 * SECOND_NS).market_time_ns == FIRST_NS + 6 * HOUR_NS


def test_between_two_snapshots_nothing_is_quoted_so_that_prices_age(path: Path) -> None:
    feed = ReplayFeed.open(path, speed=1)
    feed.update(START_NS)
    quiet = feed.update(START_NS + 60 * SECOND_NS)
    assert (quiet.names, dict(quiet.index_by_underlying)) == ((), {})
    assert quiet.market_time_ns == FIRST_NS, "the market's clock is that of its last prices"


def test_what_a_snapshot_does_not_quote_is_not_sent_again(path: Path) -> None:
    feed = ReplayFeed.open(path, math.inf)
    assert PUT in feed.update(START_NS).names
    assert PUT not in feed.update(START_NS).names
    assert [each.name for each in feed.instruments()] == [CALL, "BTC-27MAR26", "BTC"]


def test_snapshots_that_are_due_together_come_one_by_one(path: Path) -> None:
    feed = ReplayFeed.open(path, speed=3_600)
    times = [feed.update(START_NS + late).market_time_ns for late in (0, 10**12, 10**12, 10**12)]
    assert times == [FIRST_NS, *[FIRST_NS + hours * HOUR_NS for hours in (6, 12, 12)]]


def test_at_the_end_the_feed_is_silent_and_does_not_begin_anew(path: Path) -> None:
    feed = ReplayFeed.open(path, math.inf)
    quoted = [bool(feed.update(START_NS).names) for _ in range(5)]
    assert quoted == [True, True, True, False, False]
    assert feed.is_over


def test_it_is_asked_without_a_pause_where_it_is_to_be_as_fast_as_can_be(path: Path) -> None:
    feed = ReplayFeed.open(path, math.inf)
    assert feed.interval_seconds == 0
    assert ReplayFeed.open(path, 1).interval_seconds == POLL_SECONDS
    for _ in range(3):
        feed.update(START_NS)
    assert feed.interval_seconds == END_SECONDS


def test_what_goes_alongside_waits_for_its_time_and_never_sees_a_later_snapshot(
    path: Path,
) -> None:
    feed = ReplayFeed.open(path, speed=3_600)
    assert feed.due_until_ns(START_NS) == 0, "nothing has a price yet"
    feed.update(START_NS)
    assert feed.due_until_ns(START_NS + SECOND_NS) == FIRST_NS + HOUR_NS
    assert feed.due_until_ns(START_NS + 100 * SECOND_NS) == FIRST_NS + 6 * HOUR_NS - 1
    fast = ReplayFeed.open(path, math.inf)
    fast.update(START_NS)
    assert fast.due_until_ns(START_NS) == FIRST_NS + 6 * HOUR_NS - 1
    fast.update(START_NS)
    fast.update(START_NS)
    assert fast.due_until_ns(START_NS) == NEVER_NS - 1


def test_a_clock_that_goes_back_repeats_nothing(path: Path) -> None:
    feed = ReplayFeed.open(path, speed=3_600)
    feed.update(START_NS)
    feed.update(START_NS + 6 * SECOND_NS)
    assert feed.update(START_NS - 10 * SECOND_NS).names == ()


@pytest.mark.parametrize("speed", [0, -1, math.nan])
def test_a_speed_must_be_above_zero(path: Path, speed: float) -> None:
    with pytest.raises(InvalidInput) as refused:
        ReplayFeed.open(path, speed)
    assert refused.value.field == "speed"
