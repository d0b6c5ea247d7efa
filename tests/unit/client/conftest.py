"""A fake server, and a client of it that never sleeps."""

from collections.abc import Iterator

import pytest

from margingate_server.client import MarginGate
from tests.unit.client.fake_server import FakeServer, running_server


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with running_server() as fake:
        yield fake


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def gate(server: FakeServer, pauses: list[float]) -> Iterator[MarginGate]:
    with MarginGate.connect(server.target, sleep=pauses.append) as connected:
        yield connected
