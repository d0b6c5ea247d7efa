"""The venue's market behind the Feed protocol."""

from random import SystemRandom
from threading import Event

from margingate_engine.core.errors import MissingData
from margingate_engine.core.instruments import Instrument
from margingate_server.clock import Clock
from margingate_server.feeds.deribit.intake import Intake
from margingate_server.feeds.deribit.reader import Reader
from margingate_server.feeds.deribit.settings import DeribitSettings
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.feeds.observer import FeedObserver

_POLL_SECONDS = 0.02
_WAITING_SECONDS = 1.0


class DeribitFeed:
    """What the venue sent since the last update; nothing is given twice, so that silence ages."""

    def __init__(self, settings: DeribitSettings, clock: Clock, observer: FeedObserver) -> None:
        """The feed does not connect before the first update."""
        self._settings = settings
        self._clock = clock
        self._intake = Intake(observer)
        self._reader = Reader(settings, self._intake, clock, observer, SystemRandom().random)
        self._instruments: tuple[Instrument, ...] = ()
        self._has_begun = False
        self._stopping = Event()

    @property
    def interval_seconds(self) -> float:
        """How long to wait between two calls of `update`; longer while there is nothing yet."""
        return self._settings.interval_seconds if self._instruments else _WAITING_SECONDS

    def instruments(self) -> tuple[Instrument, ...]:
        """Everything listed as of the last update that had prices."""
        return self._instruments

    def update(self, now_ns: int) -> MarketUpdate:  # noqa: ARG002 - the venue has its own clock
        """Prices that arrived since the last update; MissingData while none ever did.

        The first call connects, and waits a while for every underlying to have prices.
        """
        if not self._has_begun:
            self._has_begun = True
            self._reader.start()
            self._wait_for_prices()
        taken = self._intake.drain()
        if taken is None:
            raise MissingData("prices of the venue")
        self._instruments = taken.instruments
        return taken.update

    def stop(self) -> None:
        """Leave the venue."""
        self._stopping.set()
        self._reader.stop()

    def _wait_for_prices(self) -> None:
        deadline = self._clock.seconds() + self._settings.start_seconds
        while not self._intake.has_started() and self._clock.seconds() < deadline:
            if self._stopping.wait(_POLL_SECONDS):
                return
