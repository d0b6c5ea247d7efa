"""A real server in a process of its own, started and stopped as an operator would."""

import json
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import IO

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30


@dataclass(slots=True)
class Server:
    """A serving process; `log` collects what it printed to stderr."""

    process: subprocess.Popen[str]
    grpc_port: int = 0
    http_port: int = 0
    log: list[str] = field(default_factory=list)

    @property
    def target(self) -> str:
        """Where its gRPC services listen."""
        return f"127.0.0.1:{self.grpc_port}"

    def fetch(self, path: str) -> str:
        """Body of a page of its http endpoint."""
        url = f"http://127.0.0.1:{self.http_port}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())

    def stop(self) -> int:
        """Exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=STOP_SECONDS_MAX)

    def end(self) -> None:
        """Ends the process if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=STOP_SECONDS_MAX)


def start_server(feed: Sequence[str], folder: Path) -> Server:
    """A server on free ports of loopback with its ledger in `folder`, when it says it serves."""
    command = [
        *(sys.executable, "-m", "margingate_server.cli", "serve", "--host", "127.0.0.1"),
        *("--port", "0", "--http-port", "0", "--data-dir", str(folder), "--no-seed-accounts"),
        *feed,
    ]
    paths = [str(ROOT / part) for part in ("engine", "server", "proto/gen")]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={"PYTHONPATH": ":".join(paths), "PATH": "/usr/bin:/bin"},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    server = Server(process)
    try:
        _wait_until_serving(server)
    except BaseException:
        server.end()
        raise
    return server


def _wait_until_serving(server: Server) -> None:
    lines: Queue[str | None] = Queue()
    assert server.process.stderr is not None
    threading.Thread(
        target=_drain, args=(server.process.stderr, server.log, lines), daemon=True
    ).start()
    while True:
        try:
            line = lines.get(timeout=START_SECONDS_MAX)
        except Empty:
            line = None
        if line is None:
            raise AssertionError("the server did not start:\n" + "".join(server.log))
        event = _event(line)
        if event.get("event") == "serving":
            server.grpc_port = int(str(event["grpc_port"]))
            server.http_port = int(str(event["http_port"]))
            return


def _drain(stream: IO[str], log: list[str], lines: "Queue[str | None]") -> None:
    with stream:
        for line in stream:
            log.append(line)
            lines.put(line)
    lines.put(None)


def _event(line: str) -> dict[str, object]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
