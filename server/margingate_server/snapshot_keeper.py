"""Has a snapshot made when enough events came since the last: by a process of low priority.

Another process, so that nobody waits for it, and so that it folds what is durable and nothing else.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from signal import Signals
from typing import Protocol

from margingate_server.clock import Clock
from margingate_server.ledger.snapshot_file import snapshot_paths
from margingate_server.observe.logs import Log

HANG_SECONDS = 1_800.0
"""How long a snapshot may take; the first one of a long log folds all of it."""

RETRY_SECONDS = 60.0
GRACE_SECONDS = 2.0
_PROBLEM_BYTES_MAX = 2_000


def snapshot_command(directory: Path) -> list[str]:
    """What makes a snapshot of the ledger in `directory`, as nicely as this machine can."""
    nice = shutil.which("nice")
    politely = [] if nice is None else [nice, "-n", "10"]
    program = [sys.executable, "-m", "margingate_server.cli", "ledger", "snapshot"]
    return [*politely, *program, "--data-dir", str(directory)]


class SnapshotObserver(Protocol):
    """Who is told about snapshots."""

    def snapshot_made(self) -> None:
        """A snapshot was made."""
        ...

    def snapshot_failed(self) -> None:
        """A snapshot was not made; the next try comes by itself."""
        ...


class SnapshotKeeper:
    """Starts one process at a time, for one thread that calls `keep` now and then."""

    def __init__(
        self,
        directory: Path,
        every: int,
        clock: Clock,
        log: Log,
        observer: SnapshotObserver,
        command: Callable[[Path], Sequence[str]] = snapshot_command,
    ) -> None:
        """every: how many events after the last snapshot; 0 for never."""
        self._directory = directory
        self._every = every
        self._clock = clock
        self._log = log
        self._observer = observer
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._not_before = 0.0
        self._last_seq = max(snapshot_paths(directory), default=0)

    def keep(self, head_seq: int) -> None:
        """See to the process under way, or start one when one is due; never waits."""
        if self._child is not None:
            self._look_after(self._child)
        elif self._is_due(head_seq):
            self._start()

    def stop(self) -> None:
        """End the process under way, if there is one: what it made so far is not missed."""
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._end(self._child)
        self._log.told("snapshot_abandoned")

    def _is_due(self, head_seq: int) -> bool:
        is_enough = 0 < self._every <= head_seq - self._last_seq
        return is_enough and self._clock.seconds() >= self._not_before

    def _start(self) -> None:
        self._started = self._clock.seconds()
        try:
            self._child = subprocess.Popen(  # noqa: S603 - our own program
                self._command(self._directory),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            self._not_before = self._started + RETRY_SECONDS
            self._log.warned("snapshot_failed", problem=str(error))
            self._observer.snapshot_failed()

    def _look_after(self, child: subprocess.Popen[bytes]) -> None:
        code = child.poll()
        took_seconds = self._clock.seconds() - self._started
        if code is None:
            if took_seconds > HANG_SECONDS:
                child.kill()
            return
        problem = _last_words(child) if code else ""
        self._end(child)
        self._last_seq = max(snapshot_paths(self._directory), default=0)
        if code == 0:
            self._log.told("snapshot_made", seq=self._last_seq, duration_seconds=took_seconds)
            self._observer.snapshot_made()
            return
        self._not_before = self._clock.seconds() + RETRY_SECONDS
        self._log.warned(
            "snapshot_failed", exit_code=_code_words(code), problem=problem, after=took_seconds
        )
        self._observer.snapshot_failed()

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        if child.stderr is not None:
            child.stderr.close()
        self._child = None


def _last_words(child: subprocess.Popen[bytes]) -> str:
    """What the ended process left on its stderr; another that inherited it is not waited for."""
    assert child.stderr is not None
    os.set_blocking(child.stderr.fileno(), False)
    words = child.stderr.read() or b""
    return words[-_PROBLEM_BYTES_MAX:].decode(errors="replace").strip()


def _code_words(code: int) -> str:
    return str(code) if code > 0 else Signals(-code).name
