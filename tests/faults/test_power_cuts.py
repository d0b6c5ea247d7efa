"""Power cuts: what was written and not synced may be lost, in part or whole; nothing else is."""

import os
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random
from time import sleep

import pytest

from margingate_server.ledger.sqlite_store import SqliteStore
from margingate_server.ledger.store import CorruptLedger
from tests.faults.effort import IS_LONG, times
from tests.faults.power.cuts import (
    WAYS,
    Partly,
    everything,
    nothing,
    read_journal,
    the_first,
)
from tests.faults.power.shim import Disk, built
from tests.faults.serving import Told, expect_kept, load, open_account, served
from tests.integration.support.wire import connected
from tests.unit.ledger import appender
from tests.unit.ledger.test_sqlite_store_crash import acknowledged

CAREFUL = Path(appender.__file__)
CARELESS = Path(__file__).with_name("power") / "careless.py"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("shim"))


def append_and_cut(
    disk: Disk, script: Path, line_count: int, way: Partly
) -> tuple[dict[int, bytes], int]:
    """(what the appender had heard to be durable, how many changes were not) at a power cut."""
    command = [sys.executable, str(script), str(disk.folder / "ledger")]
    environment = {**os.environ, **disk.environment()}
    command += ["--seed", str(disk.cut_count)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [process.stdout.readline() for _ in range(line_count)]
        process.kill()
        lines += [line for line in process.stdout if line.endswith("\n")]
        assert not process.stderr.read()
    return acknowledged(lines), disk.cut(way)


def stored(disk: Disk) -> dict[int, bytes]:
    with closing(SqliteStore(disk.folder / "ledger", opened_ns=2)) as store:
        return {record.seq: record.hash for record in store.read()}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("way", WAYS)
def test_a_power_cut_loses_no_acknowledged_event(
    library: Path, tmp_path: Path, way: Partly
) -> None:
    """Each ledger is cut several times over, at another place of its life each time."""
    lost_changes = 0
    for ledger in range(times(1, 40)):
        random = Random(f"{way.__name__} {ledger}")
        root = tmp_path / str(ledger)
        root.mkdir()
        disk = Disk(library, root, random)
        expected: dict[int, bytes] = {}
        for _ in range(times(3, 6)):
            heard, pending = append_and_cut(disk, CAREFUL, random.randint(1, 300), way)
            lost_changes += pending
            expected |= heard
            found = stored(disk)
            assert expected.items() <= found.items(), (way.__name__, ledger, disk.cut_count)
    assert lost_changes > 5, "hardly anything was at stake"
    print(f"{way.__name__}: {lost_changes} changes at stake")  # noqa: T201 - of the long version


def test_the_shim_notes_what_reaches_the_files(library: Path, tmp_path: Path) -> None:
    """With everything kept, the files are byte for byte what the process wrote."""
    disk = Disk(library, tmp_path, Random(1))
    append_and_cut(disk, CAREFUL, 60, everything)
    kinds = Counter(each.kind for each in read_journal(tmp_path / "journal-0"))
    assert {"W", "S", "D", "C", "R"} <= set(kinds)
    before = {path.name: path.read_bytes() for path in (disk.folder / "ledger").iterdir()}
    disk.cut_count = 0
    disk.cut(everything)
    after = {path.name: path.read_bytes() for path in (disk.folder / "ledger").iterdir()}
    assert {name for name in before if not name.endswith("-shm")} == set(after)
    assert all(before[name] == content for name, content in after.items())


def test_a_store_that_acknowledges_too_early_is_found_out(library: Path, tmp_path: Path) -> None:
    """With synchronous=OFF acknowledged events are lost, and not always with a word."""
    outcomes: Counter[str] = Counter()
    for number in range(3):
        root = tmp_path / str(number)
        root.mkdir()
        disk = Disk(library, root, Random(number))
        heard, _ = append_and_cut(disk, CARELESS, 40 + 50 * number, nothing)
        try:
            found = stored(disk)
        except CorruptLedger:
            outcomes["refused"] += 1
            continue
        outcomes["whole" if heard.items() <= found.items() else "lost"] += 1
    assert outcomes["lost"] + outcomes["refused"] >= 2, outcomes


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("way", WAYS if IS_LONG else [the_first])
def test_a_server_whose_power_is_cut_stands_by_every_answer(
    library: Path, tmp_path: Path, way: Partly
) -> None:
    """Clients keep a journal of what they were told; after each cut it is compared."""
    disk = Disk(library, tmp_path, Random(way.__name__))
    ledger = disk.folder / "ledger"
    told = Told()
    at_stake = 0
    for cycle in range(times(1, 30)):
        with served(ledger, disk.environment()) as server:
            with connected(server.target) as wire:
                if not cycle:
                    open_account(wire)
                expect_kept(wire, told)
            with load(server.target, told, f"cycle-{cycle}"):
                sleep(disk.random.uniform(0.1, 2.0))
                server.end()
        at_stake += disk.cut(way)
    with served(ledger) as server, connected(server.target) as wire:
        expect_kept(wire, told)
    assert len(told.answers) > 10
    assert at_stake
