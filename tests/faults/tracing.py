"""System calls of a running process that fail, with strace."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

STRACE = shutil.which("strace")
SECONDS_MAX = 20


@contextmanager
def failing(pid: int, calls: str, fault: str, trace: Path, *paths: Path) -> Iterator[None]:
    """While the block runs, `calls` of every thread of `pid` meet `fault`, noted in `trace`.

    paths: the files on which they do; on every file when there are none.

    Skips where there is no strace or the process may not be traced.
    """
    if STRACE is None:
        pytest.skip("strace is not installed")
    command = [STRACE, "-f", "-p", str(pid), "-o", str(trace), "-e", f"trace={calls}"]
    for path in paths:
        command += ["-P", str(path)]
    with subprocess.Popen(
        [*command, "-e", f"inject={calls}:{fault}"], stderr=subprocess.PIPE, text=True
    ) as tracer:
        assert tracer.stderr is not None
        said = tracer.stderr.readline()
        if "attached" not in said:
            tracer.wait(SECONDS_MAX)
            pytest.skip(f"tracing is not permitted here: {said.strip()}")
        try:
            yield
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(SECONDS_MAX)


def injected(trace: Path) -> int:
    """How many calls met the fault."""
    return trace.read_text().count("(INJECTED)")
