"""A feed whose prices wait until they moved by enough, or waited for long enough.

Every set of prices that is published has all accounts margined anew. Where a venue sends many small
moves, or a model takes long, few and larger ones serve better.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from margingate_engine.core.amounts import NANO
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument
from margingate_server.feeds.feed import Feed, MarketUpdate

VOL_PER_PRICE = 10
"""A vol counts as moved when it moved by so many times what a price does, both as shares of one."""

Price = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """move: share of the price, or of the coin for what is quoted in it. seconds: at most."""

    move: float
    seconds: float

    def __post_init__(self) -> None:
        """Refuse what would hold everything back."""
        if not 0 < self.move <= 0.01:
            raise InvalidInput("revalue_move", "must lie in (0, 0.01]")
        if not 0 < self.seconds <= 5:
            raise InvalidInput("revalue_seconds", "must lie in (0, 5]")


class HeldBack:
    """The newest price of everything, all of them together; none while they wait.

    A price that waited is as old as its publication: at most `seconds` younger than it is.
    """

    def __init__(self, feed: Feed, waiting: Waiting) -> None:
        self._feed = feed
        self._waiting = waiting
        self._published: dict[str, Price] = {}
        self._published_index: dict[str, float] = {}
        self._published_ns: int | None = None
        self._waits: dict[str, Price] = {}
        self._index_waits: dict[str, float] = {}

    @property
    def interval_seconds(self) -> float:
        """As often as the feed itself."""
        return self._feed.interval_seconds

    def instruments(self) -> tuple[Instrument, ...]:
        """What the feed lists."""
        return self._feed.instruments()

    def update(self, now_ns: int) -> MarketUpdate:
        """Everything that waits, when any of it moved or waited enough; nothing otherwise."""
        update = self._feed.update(now_ns)
        columns = (update.mark_price_i, update.mark_vol_i, update.forward_price_i)
        prices = zip(*(column.tolist() for column in columns), strict=True)
        arrived = dict(zip(update.names, prices, strict=True))
        moved = self._has_moved(arrived, update.index_by_underlying)
        self._waits |= arrived
        self._index_waits |= update.index_by_underlying
        if not (moved or self._waited_long(now_ns)):
            return _update(update.market_time_ns, {}, {})
        waits, index_waits, self._waits, self._index_waits = self._waits, self._index_waits, {}, {}
        self._published |= waits
        self._published_index |= index_waits
        self._published_ns = now_ns
        return _update(update.market_time_ns, waits, index_waits)

    def stop(self) -> None:
        """Have the feed give back what it holds."""
        self._feed.stop()

    def _waited_long(self, now_ns: int) -> bool:
        since_ns = self._published_ns
        return since_ns is None or not 0 <= now_ns - since_ns < self._waiting.seconds * NANO

    def _has_moved(self, arrived: Mapping[str, Price], index: Mapping[str, float]) -> bool:
        move, published = self._waiting.move, self._published
        for name, price in index.items():
            before = self._published_index.get(name)
            if before is None or abs(price - before) > move * before:
                return True
        for name, (mark, vol, forward) in arrived.items():
            was = published.get(name)
            if was is None:
                return True
            scale = (forward or was[0]) if mark > 1.0 else 1.0
            if (
                abs(mark - was[0]) > move * scale
                or abs(forward - was[2]) > move * was[2]
                or abs(vol - was[1]) > VOL_PER_PRICE * move
            ):
                return True
        return False


def _update(
    market_time_ns: int, prices: Mapping[str, Price], index: Mapping[str, float]
) -> MarketUpdate:
    columns = np.array([*prices.values()], dtype=np.float64).reshape(len(prices), 3)
    return MarketUpdate(
        market_time_ns=market_time_ns,
        index_by_underlying=index,
        names=tuple(prices),
        mark_price_i=columns[:, 0],
        mark_vol_i=columns[:, 1],
        forward_price_i=columns[:, 2],
    )
