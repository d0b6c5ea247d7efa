"""The turns of a thread that must never end: how long ago one went well, and how many did not."""

import logging
from collections.abc import Callable

from margingate_server.clock import Clock

LOG_SECONDS = 60.0
"""While a thread fails turn after turn, so far apart are its tracebacks in the log."""


class Turns:
    """Taken by one thread; whoever watches over it reads the figures from any other."""

    def __init__(self, thread: str, clock: Clock) -> None:
        """thread: what the work is called in metrics and logs, in lower snake case."""
        self.thread = thread
        self._clock = clock
        self._done_at = clock.seconds()
        self._log_after = float("-inf")
        self._error_count = 0

    @property
    def error_count(self) -> int:
        """How many steps of turns raised what they must not."""
        return self._error_count

    @property
    def age_seconds(self) -> float:
        """Since the last turn ended that went well, or since there is this thread."""
        return max(0.0, self._clock.seconds() - self._done_at)

    def take(self, *steps: Callable[[], object]) -> None:
        """Take one turn: each step in order, whatever those before it raised."""
        failed_before = self._error_count
        for step in steps:
            try:
                step()
            except Exception as error:  # noqa: BLE001 - the next turn may go well
                self._failed(error)
        if self._error_count == failed_before:
            self._done_at, self._log_after = self._clock.seconds(), float("-inf")

    def _failed(self, error: Exception) -> None:
        self._error_count += 1
        now = self._clock.seconds()
        if now >= self._log_after:
            self._log_after = now + LOG_SECONDS
            logging.getLogger(__name__).error("thread %s failed", self.thread, exc_info=error)
