"""The command line against a fake server."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner

from margingate_server.cli.app import app
from tests.unit.client.fake_server import FakeServer, running_server


@dataclass(frozen=True, kw_only=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def row(self, start: str) -> list[str]:
        """The words of the one line of output that starts with `start`."""
        (line,) = [each for each in self.out.splitlines() if each.strip().startswith(start)]
        return line.split()


Run = Callable[..., Ran]


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with running_server() as fake:
        yield fake


@pytest.fixture
def run(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command line of words against the fake server."""
    monkeypatch.setenv("MARGINGATE_TARGET", server.target)
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def run_words(*words: str, stdin: str = "") -> Ran:
        result = CliRunner().invoke(app, words, input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(code=result.exit_code, out=result.stdout, err=result.stderr)

    return run_words
