"""A Deribit feed on a venue of loopback, asked as the server's loop would, with little patience."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from margingate_engine.core.errors import MissingData
from margingate_server.clock import Clock, SystemClock
from margingate_server.feeds.deribit.feed import DeribitFeed
from margingate_server.feeds.deribit.settings import DeribitSettings
from margingate_server.feeds.feed import MarketUpdate
from tests.deribit_venue.recorder import Recorder
from tests.deribit_venue.server import Venue

QUICK = DeribitSettings(
    start_seconds=10.0,
    answer_seconds=5.0,
    silence_seconds=5.0,
    data_silence_seconds=5.0,
    subscribe_gap_seconds=0.0,
    relist_gap_seconds=0.05,
    backoff_seconds_min=0.02,
    backoff_seconds_max=0.1,
    rate_limit_seconds=0.3,
)


class Fed:
    """The feed, who is told of it, and the newest mark and the index that it gave."""

    def __init__(self, settings: DeribitSettings, clock: Clock) -> None:
        self.recorder = Recorder()
        self.clock = clock
        self.feed = DeribitFeed(settings, self.clock, self.recorder)
        self.mark: dict[str, float] = {}
        self.index: dict[str, float] = {}
        self.market_times_ns: list[int] = []

    def update(self) -> MarketUpdate:
        """What is new; MissingData as the feed."""
        update = self.feed.update(self.clock.now_ns())
        self.mark.update(zip(update.names, update.mark_price_i.tolist(), strict=True))
        self.index.update(update.index_by_underlying)
        self.market_times_ns.append(update.market_time_ns)
        return update

    def gives(self, *names: str) -> bool:
        """Whether an update now has prices, of all of `names` if there are any."""
        try:
            update = self.update()
        except MissingData:
            return False
        return bool(update.names) and set(names) <= set(update.names)

    def listed(self) -> set[str]:
        """Names that are listed and not halted, as of the last update."""
        return {each.name for each in self.feed.instruments() if not each.is_halted}

    def dropped(self, reason: str) -> int:
        """How many messages were not taken for this reason."""
        return self.recorder.dropped_by_reason[reason]


@contextmanager
def fed_by(venue: Venue, clock: Clock | None = None, **settings: Any) -> Iterator[Fed]:
    """A feed of this venue; stopped afterwards, and nothing unforeseen happened to it."""
    fed = Fed(replace(QUICK, **{"url": venue.url, **settings}), clock or SystemClock())
    try:
        yield fed
    finally:
        fed.feed.stop()
    assert fed.recorder.failures == []
    assert fed.market_times_ns == sorted(fed.market_times_ns)
