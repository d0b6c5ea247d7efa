"""Who is told how a live feed fares."""

from collections.abc import Mapping
from typing import Final, Protocol


class FeedObserver(Protocol):
    """Called from the feed's own thread. Words are of closed sets of our own, details are not."""

    def received(self, kind: str) -> None:
        """A message of this kind arrived."""
        ...

    def dropped(self, reason: str, detail: str) -> None:
        """A message, or one price of it, was not taken. detail: what it was, for the log."""
        ...

    def connection_changed(self, *, is_connected: bool) -> None:
        """Everything that is wanted is subscribed, or no longer."""
        ...

    def disconnected(self, reason: str, detail: str, retry_seconds: float) -> None:
        """A connection ended or did not come about; the next is tried in `retry_seconds`."""
        ...

    def listed(self, instrument_count: int, left_out: Mapping[str, int]) -> None:
        """The venue's listing was read. left_out: entries that are not taken, by reason."""
        ...

    def lagged(self, lag_seconds: float) -> None:
        """An index price came so long after the venue dated it; negative when clocks differ."""
        ...

    def volatility_index_changed(self, underlying: str, vol_annual: float) -> None:
        """The venue's volatility index of an underlying, per year as a fraction."""
        ...

    def failed(self, error: Exception, where: str) -> None:
        """Something nobody foresaw went wrong; the feed goes on."""
        ...


class Unobserved:
    """Tells nobody: for feeds that run outside a server."""

    def received(self, kind: str) -> None:
        """Nothing follows."""

    def dropped(self, reason: str, detail: str) -> None:
        """Nothing follows."""

    def connection_changed(self, *, is_connected: bool) -> None:
        """Nothing follows."""

    def disconnected(self, reason: str, detail: str, retry_seconds: float) -> None:
        """Nothing follows."""

    def listed(self, instrument_count: int, left_out: Mapping[str, int]) -> None:
        """Nothing follows."""

    def lagged(self, lag_seconds: float) -> None:
        """Nothing follows."""

    def volatility_index_changed(self, underlying: str, vol_annual: float) -> None:
        """Nothing follows."""

    def failed(self, error: Exception, where: str) -> None:
        """Nothing follows."""


UNOBSERVED: Final[FeedObserver] = Unobserved()
