"""How long to wait before the next connection."""

from collections.abc import Callable

from margingate_server.feeds.deribit.settings import DeribitSettings


class Backoff:
    """Waits that double from failure to failure, less up to half of each by chance."""

    def __init__(self, settings: DeribitSettings, jitter: Callable[[], float]) -> None:
        self._settings = settings
        self._jitter = jitter
        self._failures = 0

    def wait_seconds(self, reason: str, lasted_seconds: float) -> float:
        """How long to wait after a connection that was of use for so long and ended so.

        What lasted starts over; what the venue limits waits until it may have refilled.
        """
        settings = self._settings
        if lasted_seconds >= settings.settled_seconds:
            self._failures = 0
        doubled = settings.backoff_seconds_min * 2.0 ** min(self._failures, 30)
        self._failures += 1
        wait = min(settings.backoff_seconds_max, doubled) * (1 - self._jitter() / 2)
        return max(wait, settings.rate_limit_seconds) if reason == "rate_limited" else wait
