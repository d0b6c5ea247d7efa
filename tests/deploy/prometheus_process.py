"""A real Prometheus that scrapes a local server for one test."""

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.exported import DEPLOY

PROMETHEUS = shutil.which("prometheus")
INTERVAL = "250ms"
START_SECONDS_MAX = 30.0

Query = Callable[[str], list[dict[str, Any]]]


@contextmanager
def scraping(port: int, directory: Path) -> Iterator[Query]:
    """What Prometheus answers, while it scrapes a port of this machine with our rules."""
    config = {
        "global": {
            "scrape_interval": INTERVAL,
            "scrape_timeout": INTERVAL,
            "evaluation_interval": INTERVAL,
        },
        "rule_files": [str(DEPLOY / "prometheus" / "rules.yml")],
        "scrape_configs": [
            {
                "job_name": "margingate",
                "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
            }
        ],
    }
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    command = [
        str(PROMETHEUS),
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'tsdb'}",
        f"--web.listen-address={address}",
        "--log.level=error",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: is_ready(address), START_SECONDS_MAX)
            yield lambda expression: ask(address, expression)
        finally:
            process.terminate()
            process.wait(timeout=30)


def ask(address: str, expression: str) -> list[dict[str, Any]]:
    """Samples of an instant query, which must be PromQL."""
    parameters = urllib.parse.urlencode({"query": expression})
    status, body = get(address, f"/api/v1/query?{parameters}")
    assert status == HTTPStatus.OK, body
    return list(json.loads(body)["data"]["result"])


def is_ready(address: str) -> bool:
    """Whether Prometheus answers queries there."""
    try:
        return get(address, "/-/ready")[0] == HTTPStatus.OK
    except OSError:
        return False


def get(address: str, path: str) -> tuple[int, bytes]:
    """Status and body of an answer."""
    connection = HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def wait_until(is_so: Callable[[], bool], seconds_max: float) -> None:
    """Returns as soon as something is so; raises TimeoutError."""
    end = time.monotonic() + seconds_max
    pause = threading.Event()
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError
        pause.wait(0.1)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
