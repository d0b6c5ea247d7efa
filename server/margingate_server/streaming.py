"""Streams of one server: watched accounts, alerts, and what keeps them going."""

from collections.abc import Iterable

from margingate_server.clock import Clock
from margingate_server.ledger.store import Store
from margingate_server.observe.logs import Log
from margingate_server.observe.metrics import Metrics
from margingate_server.rpc.alert_servicer import AlertServicer
from margingate_server.rpc.alert_tail import AlertTail
from margingate_server.rpc.lane import Lane
from margingate_server.rpc.outlook_servicer import OutlookServicer
from margingate_server.rpc.rank_servicer import RankServicer
from margingate_server.rpc.streams import Streams
from margingate_server.rpc.watch_servicer import WatchServicer
from margingate_server.rpc.watching import Watching
from margingate_server.service.freshness import AgeLimits
from margingate_server.stream_observing import StreamObserving


class Streaming:
    """What pushes. `streams` belongs to the gRPC server, which starts and closes it."""

    def __init__(
        self,
        lane: Lane,
        store: Store,
        clock: Clock,
        age_limits: AgeLimits,
        metrics: Metrics,
        log: Log,
    ) -> None:
        observer = StreamObserving(metrics, log)
        self.streams = Streams(clock, observer)
        self._tail = AlertTail(lane, store, clock, observer)
        self._watching = Watching(lane, clock, observer)
        for each in (self.streams, self._tail, self._watching):
            metrics.background.follow(each.turns)
        self.servicers = (
            WatchServicer(lane, self._watching, clock, age_limits),
            AlertServicer(lane, self._tail, clock),
            RankServicer(lane),
            OutlookServicer(lane),
        )

    def start(self) -> None:
        """Follow the ledger and the accounts that are watched from here on."""
        self._tail.start()
        self._watching.start()

    def stop(self) -> None:
        """End the threads."""
        self._tail.stop()
        self._watching.stop()

    def committed(self, kinds: Iterable[str]) -> None:
        """Events of these kinds became durable."""
        self._tail.committed(kinds)
