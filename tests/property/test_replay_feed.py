"""Whenever a replay is asked, at whatever speed: every snapshot once, in order, not too early."""

import math
from functools import cache

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from margingate_server.feeds.replay.chain_rows import ChainRows
from margingate_server.feeds.replay.feed import NEVER_NS, ReplayFeed
from margingate_server.feeds.replay.manifest import Replay
from margingate_server.feeds.replay.series import Series

SECOND_NS = 10**9
FIRST_NS = 1_769_572_800 * SECOND_NS
START_NS = 1_800_000_000 * SECOND_NS
GAPS_SECONDS = (0, 60, 61, 3_600, 86_400, 86_401)


@cache
def series() -> Series:
    times = np.array([FIRST_NS + gap * SECOND_NS for gap in GAPS_SECONDS])
    count = len(times)
    rows = ChainRows(
        time_ns_r=times,
        names=["BTC-27MAR26-100000-C"] * count,
        mark_price_r=np.full(count, 0.02),
        mark_vol_r=np.full(count, 0.4),
        forward_r=np.full(count, 90_000.0),
        index_r=np.full(count, 89_000.0),
        forward_names=[""] * count,
    )
    return Series.of([rows], {})


@given(
    speed=st.one_of(st.just(math.inf), st.floats(0.01, 1e6)),
    later=st.lists(st.integers(-10 * SECOND_NS, 10**15), max_size=30),
)
def test_every_snapshot_comes_once_in_order_and_not_before_its_time(
    speed: float, later: list[int]
) -> None:
    feed = ReplayFeed(Replay(series=series()), speed)
    published: list[int] = []
    for since_ns in [0, *later]:
        update = feed.update(START_NS + since_ns)
        if update.names:
            published.append(update.market_time_ns)
            due_ns = (update.market_time_ns - FIRST_NS) / speed
            assert max(0, since_ns) >= due_ns - 1 - 1e-9 * due_ns
        assert update.market_time_ns == published[-1]
        assert feed.due_until_ns(START_NS + since_ns) < (
            NEVER_NS if feed.is_over else series().time_ns_t[len(published)]
        )
    assert published == [*series().time_ns_t[: len(published)]]
    assert feed.is_over == (len(published) == len(series()))


@given(speed=st.one_of(st.just(math.inf), st.floats(0.01, 1e6)))
def test_asked_often_enough_it_comes_to_its_end(speed: float) -> None:
    feed = ReplayFeed(Replay(series=series()), speed)
    last_ns = START_NS + (0 if speed == math.inf else int(86_401 * SECOND_NS / speed) + SECOND_NS)
    quoted = [bool(feed.update(ns).names) for ns in (START_NS, *[last_ns] * len(series()))]
    assert quoted == [*[True] * len(series()), False]
