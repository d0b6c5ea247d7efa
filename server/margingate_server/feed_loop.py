"""The thread that asks a feed for prices and publishes them."""

from threading import Event, Thread

from margingate_engine.core.errors import InvalidInput, MargingateError
from margingate_server.clock import Clock
from margingate_server.feeds.feed import Feed
from margingate_server.observe.logs import Log
from margingate_server.observe.metrics import Metrics
from margingate_server.rpc.lane import LedgerDown
from margingate_server.rpc.observers import tell
from margingate_server.rpc.publisher import Publisher


class FeedLoop:
    """Publishes a feed until stopped. A bad update is counted and logged; the old prices age."""

    def __init__(
        self, feed: Feed, publisher: Publisher, clock: Clock, metrics: Metrics, log: Log
    ) -> None:
        self._feed = feed
        self._publisher = publisher
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="feed", daemon=True)

    def step(self) -> None:
        """Publish the prices of now, listing what is new first; raises what is wrong with them."""
        update = self._feed.update(self._clock.now_ns())
        self._publisher.list_instruments(self._feed.instruments())
        self._publisher.publish(update)

    def attempt(self) -> None:
        """As `step`, but what is wrong is counted and logged, and the next time may be better."""
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

    def start(self) -> None:
        """Publish every interval from here on."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._feed.interval_seconds):
            tell(self.attempt)
