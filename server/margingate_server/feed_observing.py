"""Joins what happens to a live feed to metrics and logs."""

from collections.abc import Mapping

from margingate_server.observe.logs import Log
from margingate_server.observe.metrics import Metrics

DETAIL_LENGTH_MAX = 200


class FeedObserving:
    """Counts everything; logs each kind of trouble once, and every change of the connection."""

    def __init__(self, metrics: Metrics, log: Log) -> None:
        self._metrics = metrics.feed
        self._log = log
        self._told: set[str] = set()
        self._left_out: Mapping[str, int] | None = None

    def received(self, kind: str) -> None:
        """A message arrived."""
        self._metrics.received(kind)

    def dropped(self, reason: str, detail: str) -> None:
        """A message, or a price of it, was not taken."""
        self._metrics.dropped(reason)
        if reason not in self._told:
            self._told.add(reason)
            self._log.warned("feed_dropped", reason=reason, detail=detail[:DETAIL_LENGTH_MAX])

    def connection_changed(self, *, is_connected: bool) -> None:
        """Everything is subscribed, or no longer."""
        self._metrics.connection_changed(is_connected=is_connected)
        if is_connected:
            self._log.told("feed_connected")

    def disconnected(self, reason: str, detail: str, retry_seconds: float) -> None:
        """A connection ended or did not come about."""
        self._metrics.disconnected(reason)
        self._log.warned(
            "feed_disconnected",
            reason=reason,
            detail=detail[:DETAIL_LENGTH_MAX],
            retry_seconds=round(retry_seconds, 3),
        )

    def listed(self, instrument_count: int, left_out: Mapping[str, int]) -> None:
        """The venue's listing was read; logged when other entries are left out than before."""
        self._metrics.listed(left_out)
        if left_out != self._left_out:
            self._left_out = left_out
            self._log.told("feed_listed", instrument_count=instrument_count, left_out=left_out)

    def lagged(self, lag_seconds: float) -> None:
        """An index price came so late."""
        self._metrics.lagged(lag_seconds)

    def volatility_index_changed(self, underlying: str, vol_annual: float) -> None:
        """A volatility index ticked."""
        self._metrics.volatility_index_changed(underlying, vol_annual)

    def failed(self, error: Exception, where: str) -> None:
        """Something nobody foresaw went wrong."""
        self._metrics.dropped("unforeseen")
        kind = f"{type(error).__name__} in {where.partition('.')[0]}"
        if kind not in self._told:
            self._told.add(kind)
            self._log.incident(error, "feed_failed", where=where[:DETAIL_LENGTH_MAX])
