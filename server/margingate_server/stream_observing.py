"""Joins what happens to streams, watched accounts and alerts to metrics and logs."""

from margingate_server.observe.logs import Log
from margingate_server.observe.metrics import Metrics
from margingate_server.observe.request_metrics import PACKAGE

SLOW = "slow_client"


class StreamObserving:
    """Every observer of streams in one."""

    def __init__(self, metrics: Metrics, log: Log) -> None:
        self._metrics = metrics.streams
        self._log = log

    def opened(self, path: str) -> None:
        """A stream was opened."""
        self._metrics.opened(_method(path))

    def sent(self, path: str) -> None:
        """A client took a message."""
        self._metrics.sent(_method(path))

    def ended(self, path: str, reason: str) -> None:
        """A stream ended."""
        self._metrics.closed(_method(path), reason)
        if reason == SLOW:
            self._log.warned("slow_client_dropped", method=_method(path))

    def refused(self, path: str, reason: str) -> None:
        """A stream was not opened."""
        self._metrics.refused(reason)
        self._log.warned("stream_refused", method=_method(path), reason=reason)

    def incident(self, error: Exception, path: str) -> str:
        """Id under which an error that nobody foresaw is logged."""
        return self._log.incident(error, "incident", method=path)

    def found(self, delay_seconds: float) -> None:
        """An alert can be sent."""
        self._metrics.alert_found(delay_seconds)

    def unreadable(self, error: Exception) -> None:
        """The log could not be read for alerts."""
        self._log.warned("alerts_unreadable", problem=repr(error))

    def alert_failed(self, error: Exception, seq: int) -> str:
        """An alert could not be made of an event."""
        return self._log.incident(error, "alert_failed", seq=seq)

    def worked_out(self, duration_seconds: float) -> None:
        """The margin of a watched account was worked out."""
        self._metrics.watched(duration_seconds)

    def conflated(self) -> None:
        """A margin gave way to a newer one before it was sent."""
        self._metrics.conflated()


def _method(path: str) -> str:
    return path.removeprefix(PACKAGE)
