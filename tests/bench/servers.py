"""Servers in processes of their own, pinned to the servers' core."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.bench.cores import SERVER_CORE, pinned

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30


@dataclass(frozen=True, slots=True)
class Server:
    """A serving process. http_port: 0 when it has no metrics."""

    pid: int
    grpc_port: int
    http_port: int

    def cpu_seconds(self) -> float:
        """Processor time it has used, of all its threads, to 0.01 s."""
        after_name = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        user_ticks, system_ticks = after_name[11:13]
        return (int(user_ticks) + int(system_ticks)) / os.sysconf("SC_CLK_TCK")

    def samples(self) -> Iterator[tuple[str, float]]:
        """Name and value of every series."""
        url = f"http://127.0.0.1:{self.http_port}/metrics"
        with urllib.request.urlopen(url, timeout=30) as page:
            text = page.read().decode()
        for family in text_string_to_metric_families(text):
            yield from ((sample.name, sample.value) for sample in family.samples)

    def counters(self) -> Counter[str]:
        """Sums of its counters over their labels, by name."""
        totals: Counter[str] = Counter()
        for name, value in self.samples():
            if name.endswith("_total"):
                totals[name] += int(value)
        return totals


@contextmanager
def real_server(folder: Path, *, is_frozen: bool) -> Iterator[Server]:
    """The product with a simulated feed and no accounts, its ledger and its log in `folder`."""
    command = [
        *("-m", "margingate_server.cli", "serve", "--port", "0", "--http-port", "0"),
        *("--data-dir", str(folder / "ledger"), "--no-seed-accounts"),
    ]
    with _serving([*command, "--freeze"] if is_frozen else command, folder / "log") as server:
        yield server


@contextmanager
def echo_server(folder: Path, responses: Sequence[bytes]) -> Iterator[Server]:
    """A server of the same stack that answers checks and previews with these responses."""
    command = ["-m", "tests.bench.echo_server", *(each.hex() for each in responses)]
    with _serving(command, folder / "log") as server:
        yield server


@contextmanager
def _serving(arguments: Sequence[str], log_path: Path) -> Iterator[Server]:
    log_path.parent.mkdir(parents=True)
    with log_path.open("wb") as log, pinned(SERVER_CORE):
        process = subprocess.Popen(
            [sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=log
        )
    try:
        yield _told(process, log_path)
    finally:
        process.terminate()
        process.wait(timeout=STOP_SECONDS_MAX)


def _told(process: "subprocess.Popen[bytes]", log_path: Path) -> Server:
    """The ports that the server names in its log once it serves."""
    for _ in range(START_SECONDS_MAX * 20):
        time.sleep(0.05)
        for line in log_path.read_text().splitlines():
            if '"serving"' in line and line.endswith("}"):
                event = json.loads(line)
                return Server(process.pid, event["grpc_port"], event["http_port"])
        if process.poll() is not None:
            break
    raise RuntimeError(f"no server: {log_path.read_text()}")
