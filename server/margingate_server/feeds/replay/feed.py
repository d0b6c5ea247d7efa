"""A recorded market behind the Feed protocol: as fast as asked for, in order, once."""

import math
from pathlib import Path
from typing import Final

import numpy as np

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.feeds.replay.manifest import Replay, read_replay

AS_FAST_AS_CAN_BE: Final = math.inf
"""Speed at which every update has the next snapshot."""

POLL_SECONDS: Final = 0.1
END_SECONDS: Final = 1.0

NEVER_NS: Final = 2**62


class ReplayFeed:
    """Snapshots of a replay. Between two of them, and after the last one, nothing is quoted."""

    def __init__(self, replay: Replay, speed: float) -> None:
        """speed: seconds of the market in one second of the server, above 0."""
        if not speed > 0:
            raise InvalidInput("speed", "must be above 0, or max")
        self.replay = replay
        self._speed = speed
        self._times_ns = replay.series.time_ns_t
        self._place = 0
        self._started_ns: int | None = None
        self._instruments: tuple[Instrument, ...] = ()

    @classmethod
    def open(cls, path: str | Path, speed: float) -> "ReplayFeed":
        """The replay that a path names; InvalidInput names what is wrong with it."""
        return cls(read_replay(Path(path)), speed)

    @property
    def interval_seconds(self) -> float:
        """How long to wait between two calls of `update`."""
        if self.is_over:
            return END_SECONDS
        return 0.0 if self._speed == AS_FAST_AS_CAN_BE else POLL_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether the last snapshot was given out: prices only age from then on."""
        return self._place == len(self._times_ns)

    def instruments(self) -> tuple[Instrument, ...]:
        """What the last snapshot quotes."""
        return self._instruments

    def update(self, now_ns: int) -> MarketUpdate:
        """The next snapshot if its time has come, else no price at the time of the last one.

        The first one is given out at once. No snapshot is left out: where several are due, the next
        call has the next.
        """
        if self._started_ns is None:
            self._started_ns = now_ns
        if self.is_over or self._times_ns[self._place] > self._market_clock_ns(now_ns):
            return _nothing(self._times_ns[self._place - 1])
        snapshot = self.replay.series.snapshot(self._place)
        self._place += 1
        self._instruments = snapshot.instruments
        return snapshot.update

    def stop(self) -> None:
        """Nothing is held: the files were closed when they were read."""

    def due_until_ns(self, now_ns: int) -> int:
        """The market's time up to which what goes alongside has happened; 0 before the first price.

        It stays before the next snapshot, whose prices are not out yet.
        """
        if self._place == 0:
            return 0
        next_ns = NEVER_NS if self.is_over else self._times_ns[self._place]
        return min(self._market_clock_ns(now_ns), next_ns - 1)

    def _market_clock_ns(self, now_ns: int) -> int:
        """The market's time when the server's clock says now_ns."""
        if self._speed == AS_FAST_AS_CAN_BE:
            return NEVER_NS
        since_ns = max(0, now_ns - (now_ns if self._started_ns is None else self._started_ns))
        return min(self._times_ns[0] + int(since_ns * self._speed), NEVER_NS)


def _nothing(market_time_ns: int) -> MarketUpdate:
    empty = np.zeros(0)
    empty.setflags(write=False)
    return MarketUpdate(
        market_time_ns=market_time_ns,
        index_by_underlying={},
        names=(),
        mark_price_i=empty,
        mark_vol_i=empty,
        forward_price_i=empty,
    )
