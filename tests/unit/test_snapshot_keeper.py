"""When a snapshot is made, by whom, and what is said of it: real processes, no real time."""

import json
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from time import sleep
from typing import Any

import pytest
import structlog

from margingate_server.ledger.snapshot_file import Snapshot, snapshot_paths, write_snapshot
from margingate_server.observe.logs import Log, configure
from margingate_server.snapshot_keeper import (
    HANG_SECONDS,
    RETRY_SECONDS,
    SnapshotKeeper,
    snapshot_command,
)
from tests.unit.maintenance.ledgers import new_ledger

POLLS_MAX = 12_000


class Told:
    """A clock that is told the time."""

    def __init__(self) -> None:
        self.now = 100.0

    def seconds(self) -> float:
        return self.now

    def now_ns(self) -> int:
        return 1


class Trial:
    """A keeper whose processes run `script`, and what it logged."""

    def __init__(self, directory: Path, script: str, every: int = 10) -> None:
        self.stream = BytesIO()
        configure(stream=self.stream)
        self.clock = Told()
        self.script = script
        self.started = 0
        self.told: list[str] = []
        self.keeper = SnapshotKeeper(directory, every, self.clock, Log(), self, self.command)

    def snapshot_made(self) -> None:
        self.told.append("made")

    def snapshot_failed(self) -> None:
        self.told.append("failed")

    def command(self, _directory: Path) -> Sequence[str]:
        self.started += 1
        return [sys.executable, "-c", self.script]

    def finish(self, head_seq: int) -> None:
        """Look after the process until it has ended; the calls themselves never wait."""
        for _ in range(POLLS_MAX):
            if self.keeper._child is None:
                return
            self.keeper.keep(head_seq)
            sleep(0.01)
        pytest.fail("the process did not end")

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def keep_snapshot(directory: Path, seq: int) -> None:
    write_snapshot(directory, Snapshot(seq=seq, hash=bytes(32), body=b""))


def test_nothing_is_started_before_there_is_enough(tmp_path: Path) -> None:
    trial = Trial(tmp_path, "")
    trial.keeper.keep(9)
    assert trial.started == 0
    trial.keeper.keep(10)
    assert trial.started == 1
    trial.keeper.stop()


def test_events_are_counted_from_the_last_snapshot(tmp_path: Path) -> None:
    keep_snapshot(tmp_path, 95)
    trial = Trial(tmp_path, "")
    trial.keeper.keep(104)
    assert trial.started == 0
    trial.keeper.keep(105)
    keep_snapshot(tmp_path, 105)
    trial.finish(105)
    trial.keeper.keep(114)
    assert trial.started == 1
    trial.keeper.keep(115)
    assert trial.started == 2
    trial.keeper.stop()


def test_zero_is_never(tmp_path: Path) -> None:
    trial = Trial(tmp_path, "", every=0)
    trial.keeper.keep(10**9)
    assert trial.started == 0


def test_success_is_logged_with_its_duration(tmp_path: Path) -> None:
    trial = Trial(tmp_path, "")
    trial.keeper.keep(10)
    keep_snapshot(tmp_path, 10)
    trial.clock.now += 2.5
    trial.finish(10)
    [line] = trial.lines
    assert (line["event"], line["seq"], line["duration_seconds"]) == ("snapshot_made", 10, 2.5)


def test_failure_is_logged_with_its_exit_code_and_words_and_tried_again_later(
    tmp_path: Path,
) -> None:
    trial = Trial(tmp_path, "import sys; sys.exit('event 5 is bad')")
    trial.keeper.keep(10)
    trial.finish(10)
    [line] = trial.lines
    assert (line["event"], line["level"]) == ("snapshot_failed", "warning")
    assert (line["exit_code"], line["problem"]) == ("1", "event 5 is bad")
    trial.keeper.keep(10)
    assert trial.started == 1
    trial.clock.now += RETRY_SECONDS
    trial.keeper.keep(10)
    assert trial.started == 2
    trial.keeper.stop()


def test_one_that_hangs_is_killed_and_nobody_waits_for_it(tmp_path: Path) -> None:
    trial = Trial(tmp_path, "import time; time.sleep(600)")
    for _ in range(3):
        trial.keeper.keep(10)
    assert trial.started == 1
    trial.clock.now += HANG_SECONDS + 1
    trial.finish(10)
    [line] = trial.lines
    assert (line["event"], line["exit_code"]) == ("snapshot_failed", "SIGKILL")
    assert trial.told == ["failed"]


def test_what_cannot_be_started_is_logged_and_tried_again_later(tmp_path: Path) -> None:
    trial = Trial(tmp_path, "")
    keeper = SnapshotKeeper(tmp_path, 10, trial.clock, Log(), trial, lambda _: ["/nowhere/at/all"])
    for _ in range(3):
        keeper.keep(10)
    [line] = trial.lines
    assert line["event"] == "snapshot_failed"
    assert "/nowhere/at/all" in line["problem"]
    assert trial.told == ["failed"]


@pytest.mark.parametrize(
    "script",
    [
        "import time; time.sleep(600)",
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(1); time.sleep(600)",
    ],
)
def test_stopping_ends_the_process_under_way(
    tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("margingate_server.snapshot_keeper.GRACE_SECONDS", 0.5)
    trial = Trial(tmp_path, script)
    trial.keeper.keep(10)
    child = trial.keeper._child
    assert child is not None
    trial.keeper.stop()
    assert child.returncode is not None
    assert [line["event"] for line in trial.lines] == ["snapshot_abandoned"]
    trial.keeper.stop()


def test_the_command_makes_a_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that a server runs, with a real ledger; among other tests politeness takes long."""
    monkeypatch.setattr("shutil.which", lambda _name: None)
    new_ledger(tmp_path, count=60)
    trial = Trial(tmp_path, "")
    keeper = trial.keeper = SnapshotKeeper(tmp_path, 60, trial.clock, Log(), trial)
    keeper.keep(60)
    trial.finish(60)
    assert [line["event"] for line in trial.lines] == ["snapshot_made"]
    assert list(snapshot_paths(tmp_path)) == [60]
    assert trial.told == ["made"]


def test_the_command_is_polite_where_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: "/usr/bin/nice")
    assert snapshot_command(Path("d"))[:3] == ["/usr/bin/nice", "-n", "10"]
    monkeypatch.setattr("shutil.which", lambda _name: None)
    command = snapshot_command(Path("d"))
    assert command == [
        *(sys.executable, "-m", "margingate_server.cli", "ledger", "snapshot"),
        *("--data-dir", "d"),
    ]
