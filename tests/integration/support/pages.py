"""What a server's HTTP pages say."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

WAIT_SECONDS_MAX = 20


def readiness(port: int) -> tuple[int, dict[str, Any]]:
    """(status, body) of /readyz."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def counts(port: int, *names: str) -> dict[tuple[str, ...], float]:
    """Samples of /metrics whose names start with one of `names`, by name and labels, no zeros."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        page = answer.read().decode()
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name.startswith(names) and sample.value and not sample.name.endswith("_created")
    }


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Returns once `holds()`; AssertionError after WAIT_SECONDS_MAX."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)
