"""What the disk alone needs to make an event durable."""

import os
from pathlib import Path
from statistics import median
from time import perf_counter_ns

EVENT_BYTES = 500
SYNCS = 500


def sync_ms(folder: Path) -> float:
    """Median milliseconds of an append and its fdatasync, in a file of its own in `folder`."""
    durations_ns, content = [], os.urandom(EVENT_BYTES)
    descriptor = os.open(folder / "syncs", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for _ in range(SYNCS):
            started_ns = perf_counter_ns()
            os.write(descriptor, content)
            os.fdatasync(descriptor)
            durations_ns.append(perf_counter_ns() - started_ns)
    finally:
        os.close(descriptor)
    return median(durations_ns) / 1e6
