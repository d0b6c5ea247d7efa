"""The server as a process of its own: started, killed, stopped."""

import json
import os
import signal
import subprocess
import sys
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from time import monotonic_ns, perf_counter, time_ns
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 30.0
LOG_LINES_MAX = 2_000
SNAPSHOT_EVERY = 200


def environment() -> dict[str, str]:
    """What a child process needs to find this checkout's code."""
    paths = [str(ROOT / part) for part in ("engine", "server", "proto/gen")]
    return {"PYTHONPATH": ":".join(paths), "PATH": os.environ.get("PATH", "/usr/bin:/bin")}


@dataclass(slots=True)
class Server:
    """A process that serves the ledger in `folder`, or is about to.

    struck_ns: when it was first told to end, 0 before, by the monotonic clock; launched_ns: since
    1970. log: the end of its stderr.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    launched_seconds: float
    launched_ns: int
    port: int = 0
    struck_ns: int = 0
    log: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES_MAX))
    told: Event = field(default_factory=Event)

    @classmethod
    def launched(cls, folder: Path) -> "Server":
        """A process that was just started."""
        command = [
            *(sys.executable, "-m", "margingate_server.cli", "serve", "--feed", "none"),
            *("--port", "0", "--http-port", "0", "--no-seed-accounts"),
            *("--underlying-age-max", "60", "--snapshot-every", str(SNAPSHOT_EVERY)),
            *("--data-dir", str(folder)),
        ]
        started_seconds, started_ns = perf_counter(), time_ns()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        server = cls(process, folder, started_seconds, started_ns)
        assert process.stderr is not None
        Thread(target=server._listen, args=(process.stderr,), daemon=True).start()
        return server

    @property
    def target(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def wait_until_serving(self) -> float:
        """Seconds from its launch until it served; AssertionError with its log when it does not."""
        self.told.wait(START_SECONDS_MAX)
        assert self.port, "the server does not start:\n" + "".join(self.log)
        return perf_counter() - self.launched_seconds

    def is_recovering(self) -> bool:
        """True once it has taken the lock of the ledger, which comes before it reads it."""
        try:
            owner = (self.folder / "ledger.lock").read_bytes()
        except FileNotFoundError:
            return False
        return owner.startswith(b"pid %d " % self.process.pid)

    def has_ended(self) -> bool:
        """True when the process is no more."""
        return self.process.poll() is not None

    def kill(self) -> None:
        """End it without a word, as a power switch would."""
        self.struck_ns = self.struck_ns or monotonic_ns()
        self.process.kill()
        self.process.wait(STOP_SECONDS_MAX)

    def ask_to_stop(self) -> None:
        """What an operator sends."""
        self.struck_ns = self.struck_ns or monotonic_ns()
        self.process.send_signal(signal.SIGTERM)

    def complaints(self) -> list[str]:
        """Lines of its log that speak of what nobody foresaw."""
        return [line for line in self.log if "incident" in line or "Traceback" in line]

    def end(self) -> None:
        """End it if it still runs, and whatever it started and left behind."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS_MAX)

    def _listen(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self.log.append(line.decode(errors="replace"))
                if not self.port and b'"serving"' in line:
                    self.port = int(json.loads(line)["grpc_port"])
                    self.told.set()
        self.told.set()
