"""What is counted of streams, of watched accounts and of alerts."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from margingate_server.observe.children import Children
from margingate_server.observe.labels import (
    DELAY_BUCKETS_SECONDS,
    LATENCY_BUCKETS_SECONDS,
    STREAM_ENDS,
    STREAMS,
)

ENDS_FURTHER_MAX = 8


class StreamMetrics:
    """Streams by method, "Service/Method"; ends by the reason that the client is told."""

    def __init__(self, registry: CollectorRegistry) -> None:
        open_now = Gauge(
            "margingate_streams_open",
            "Streams that are open, by method.",
            ["method"],
            registry=registry,
        )
        messages = Counter(
            "margingate_stream_sent",
            "Messages that clients of streams took, by method.",
            ["method"],
            registry=registry,
        )
        ends = Counter(
            "margingate_stream_ends",
            "Streams that ended or were refused, by reason.",
            ["reason"],
            registry=registry,
        )
        self._conflated = Counter(
            "margingate_watch_conflated",
            "Margins of watched accounts that gave way to newer ones before they were sent.",
            registry=registry,
        )
        self._watch_durations = Histogram(
            "margingate_watch_duration_seconds",
            "Time to work out the margin of a watched account, beside the decisions.",
            buckets=LATENCY_BUCKETS_SECONDS,
            registry=registry,
        )
        self._alert_delays = Histogram(
            "margingate_alert_delay_seconds",
            "Time from the record of an alert's event until streams can send it.",
            buckets=DELAY_BUCKETS_SECONDS,
            registry=registry,
        )
        self._open_by_method = Children(open_now, STREAMS)
        self._messages_by_method = Children(messages, STREAMS)
        self._ends_by_reason = Children(ends, STREAM_ENDS, unknown_max=ENDS_FURTHER_MAX)

    def opened(self, method: str) -> None:
        """A stream was opened; each is followed by exactly one `closed`."""
        self._open_by_method[method].inc()

    def sent(self, method: str) -> None:
        """A client took a message."""
        self._messages_by_method[method].inc()

    def closed(self, method: str, reason: str) -> None:
        """A stream ended. reason: a word of our own."""
        self._open_by_method[method].dec()
        self._ends_by_reason[reason].inc()

    def refused(self, reason: str) -> None:
        """A stream was not opened. reason: a word of our own."""
        self._ends_by_reason[reason].inc()

    def conflated(self) -> None:
        """A margin gave way to a newer one before it was sent."""
        self._conflated.inc()

    def watched(self, duration_seconds: float) -> None:
        """The margin of a watched account was worked out."""
        self._watch_durations.observe(duration_seconds)

    def alert_found(self, delay_seconds: float) -> None:
        """An alert can be sent."""
        self._alert_delays.observe(delay_seconds)
