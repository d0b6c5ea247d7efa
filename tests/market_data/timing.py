"""What judging an update of a full chain costs."""

from dataclasses import dataclass
from time import process_time

import numpy as np

from margingate_server.feeds.replay.series import Snapshot
from margingate_server.feeds.simulated.feed import SimulatedFeed
from margingate_server.service.quotes import quotes_of
from tests.market_data.recorded import Course

START_NS = 1_769_160_199 * 10**9
UPDATES = 300


@dataclass(frozen=True)
class Cost:
    """Seconds of a core to judge one update, and to take it unjudged, which is part of it."""

    instruments: int
    best: float
    median: float
    unjudged_median: float


def cost() -> Cost:
    """Of the simulated market, an update a second."""
    feed, course = SimulatedFeed(7, START_NS), Course()
    judging, taking = [], []
    for second in range(UPDATES):
        seen = Snapshot(
            instruments=feed.instruments(), update=feed.update(START_NS + second * 10**9)
        )
        course.take(seen)
        quotes, time_ns = quotes_of(course.table, seen.update), seen.update.market_time_ns
        started = process_time()
        course.judged_as(seen.update, quotes)
        judging.append(process_time() - started)
        started = process_time()
        course.snapshot.with_quotes(
            course.table, quotes, market_time_ns=time_ns, observed_ns=time_ns
        )
        taking.append(process_time() - started)
    return Cost(
        len(course.table), min(judging), float(np.median(judging)), float(np.median(taking))
    )
