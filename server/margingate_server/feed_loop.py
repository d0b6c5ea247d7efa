"""The thread that asks a feed for prices and publishes them."""

from collections.abc import Callable
from dataclasses import replace
from threading import Event, Thread

import numpy as np

from margingate_engine.core.errors import InvalidInput, MargingateError
from margingate_server.clock import Clock
from margingate_server.feeds.feed import Feed, MarketUpdate
from margingate_server.observe.logs import Log
from margingate_server.observe.metrics import Metrics
from margingate_server.rpc.lane import LedgerDown
from margingate_server.rpc.publisher import Publisher
from margingate_server.rpc.turns import Turns
from margingate_server.threads import has_ended


class FeedLoop:
    """Publishes a feed until stopped. A bad update is counted and logged; the old prices age."""

    def __init__(
        self,
        feed: Feed,
        publisher: Publisher,
        clock: Clock,
        metrics: Metrics,
        log: Log,
        follow: Callable[[int], None] = lambda _now_ns: None,
    ) -> None:
        """follow: called after each update that was published, with the time it was asked at."""
        self._feed = feed
        self._publisher = publisher
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._follow = follow
        self._logged: frozenset[str] = frozenset()
        self._stopping = Event()
        self.turns = Turns("feed", clock)
        self._thread = Thread(target=self._run, name="feed", daemon=True)

    def step(self) -> None:
        """Publish the prices of now, listing what is new first; raises what is wrong with them.

        A contract that changed under its name is left out with its price, which is another
        contract's: what was listed grows stale, and everything else goes on. Without any price
        nothing is published.
        """
        now_ns, asked_seconds = self._clock.now_ns(), self._clock.seconds()
        update = self._feed.update(now_ns)
        listed = self._feed.instruments()
        changed = self._publisher.changed_contracts(listed)
        self._tell_changed(changed)
        self._publisher.list_instruments([each for each in listed if each.name not in changed])
        update = without(update, changed)
        if update.names or update.index_by_underlying:
            self._publisher.publish(update, asked_seconds)
        self._follow(now_ns)

    def attempt(self) -> bool:
        """As `step`, but what is wrong is counted and logged; whether prices were published."""
        try:
            self.step()
        except LedgerDown:
            self._metrics.market.update_failed("ledger_down")
        except MargingateError as error:
            reason = "invalid" if isinstance(error, InvalidInput) else "missing"
            self._metrics.market.update_failed(reason)
            self._log.warned("market_update_failed", problem=repr(error))
        except Exception as error:  # noqa: BLE001 - a feed must never end the server
            self._metrics.market.update_failed("unforeseen")
            self._log.incident(error, "market_update_failed")
        else:
            return True
        return False

    def start(self) -> None:
        """Publish every interval from here on."""
        self._thread.start()

    def stop(self) -> bool:
        """End the thread, and what the feed holds; False where the thread goes on waiting."""
        self._stopping.set()
        self._feed.stop()
        return has_ended(self._thread)

    def _tell_changed(self, changed: frozenset[str]) -> None:
        """Count every time, so that it is seen to last; log each contract once."""
        if changed:
            self._metrics.market.update_failed("contract_changed")
        for name in sorted(changed - self._logged):
            self._log.warned("contract_changed", instrument=name)
        self._logged |= changed

    def _run(self) -> None:
        while not self._stopping.wait(self._feed.interval_seconds):
            self.turns.take(self.attempt)


def without(update: MarketUpdate, names: frozenset[str]) -> MarketUpdate:
    """The update without the prices of some instruments."""
    if not names:
        return update
    kept_i = np.array([name not in names for name in update.names], dtype=np.bool_)
    return replace(
        update,
        names=tuple(name for name in update.names if name not in names),
        mark_price_i=update.mark_price_i[kept_i],
        mark_vol_i=update.mark_vol_i[kept_i],
        forward_price_i=update.forward_price_i[kept_i],
    )
