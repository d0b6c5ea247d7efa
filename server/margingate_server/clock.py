"""The only clock. Everything else is told the time."""

import time
from typing import Protocol


class Clock(Protocol):
    """Where the server takes its time from."""

    def now_ns(self) -> int:
        """UTC, nanoseconds since 1970."""
        ...

    def seconds(self) -> float:
        """Seconds from an arbitrary start, never going back: for durations."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_ns(self) -> int:
        """UTC, nanoseconds since 1970."""
        return time.time_ns()

    def seconds(self) -> float:
        """Monotonic seconds; they stand still while the machine sleeps: nothing ends early."""
        return time.perf_counter()
