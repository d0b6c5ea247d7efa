"""Power cuts: what was written and not synced may be lost, in part or whole; nothing else is."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import sleep
from typing import IO

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
from tests.integration.main_job.server import Server
from tests.integration.support.pages import readiness, wait_until
from tests.integration.support.wire import connected

APPENDING = Path(__file__).with_name("power") / "appending.py"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("shim"))


@dataclass(slots=True)
class Heard:
    """What an appender said before its power was cut: acknowledged events, and its failures."""

    hash_by_seq: dict[int, bytes] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    at_stake: int = 0

    def hear(self, lines: Iterable[str]) -> None:
        for line in lines:
            first, second = line.split()
            if first == "failed":
                self.failures[second] += 1
            else:
                self.hash_by_seq[int(first)] = bytes.fromhex(second)


@contextmanager
def appending(disk: Disk, heard: Heard, bug: str = "") -> Iterator[IO[str]]:
    """What an appender says, until the block ends and it is killed; the rest is heard as well."""
    command = [sys.executable, str(APPENDING), str(disk.folder / "ledger")]
    command += ["--seed", str(disk.random.randrange(2**32)), "--plant", bug]
    environment = {**os.environ, **disk.environment()}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        yield process.stdout
        process.kill()
        heard.hear(line for line in process.stdout if line.endswith("\n"))
        assert not process.stderr.read()


def append_and_cut(disk: Disk, line_count: int, way: Partly, bug: str = "") -> Heard:
    """Append until so many lines were heard, then cut the power."""
    heard = Heard()
    with appending(disk, heard, bug) as said:
        heard.hear(said.readline() for _ in range(line_count))
    heard.at_stake = disk.cut(way)
    return heard


def append_with_failing_syncs_and_cut(
    disk: Disk, line_count: int, way: Partly, bug: str = ""
) -> Heard:
    """As above, but syncs fail for a while, and some time in it the appender starts anew."""
    heard = Heard()
    with ExitStack() as failing:
        with appending(disk, heard, bug) as said:
            heard.hear(said.readline() for _ in range(line_count))
            failing.enter_context(disk.failing_syncs())
            until = heard.failures.total() + disk.random.randint(1, 3)
            while heard.failures.total() < until:
                heard.hear([said.readline()])
            if disk.random.random() < 0.3:
                failing.close()
                heard.hear(said.readline() for _ in range(line_count))
        failing.close()
        # A few events only: the next checkpoint writes all pages to the database once more.
        with appending(disk, heard, bug) as said:
            heard.hear(said.readline() for _ in range(disk.random.randint(1, 8)))
    heard.at_stake = disk.cut(way)
    return heard


def stored(disk: Disk) -> dict[int, bytes]:
    with closing(SqliteStore(disk.folder / "ledger", opened_ns=2)) as store:
        return {record.seq: record.hash for record in store.read()}


def lost(disk: Disk, heard: Heard) -> str:
    """What became of the acknowledged events: "refused" and "lost" are bad news."""
    try:
        found = stored(disk)
    except CorruptLedger:
        return "refused"
    return "whole" if heard.hash_by_seq.items() <= found.items() else "lost"


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("way", WAYS)
def test_a_power_cut_loses_no_acknowledged_event(
    library: Path, tmp_path: Path, way: Partly
) -> None:
    """Each ledger is cut several times over, at another place of its life each time."""
    at_stake = 0
    for ledger in range(times(1, 40)):
        random = Random(f"{way.__name__} {ledger}")
        root = tmp_path / str(ledger)
        root.mkdir()
        disk = Disk(library, root, random)
        expected: dict[int, bytes] = {}
        for _ in range(times(3, 6)):
            heard = append_and_cut(disk, random.randint(1, 300), way)
            at_stake += heard.at_stake
            expected |= heard.hash_by_seq
            found = stored(disk)
            assert expected.items() <= found.items(), (way.__name__, ledger, disk.cut_count)
    assert at_stake > 5, "hardly anything was at stake"
    print(f"{way.__name__}: {at_stake} changes at stake")  # noqa: T201 - of the long version


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("way", WAYS if IS_LONG else [nothing])
def test_what_a_failed_sync_lost_is_written_again(
    library: Path, tmp_path: Path, way: Partly
) -> None:
    """Syncs fail for a while, then work: a power cut later finds all that was acknowledged."""
    for number in range(times(2, 40)):
        root = tmp_path / str(number)
        root.mkdir()
        disk = Disk(library, root, Random(f"{way.__name__} {number}"))
        heard = append_with_failing_syncs_and_cut(disk, disk.random.randint(1, 60), way)
        assert heard.failures
        assert lost(disk, heard) == "whole", (way.__name__, number)


def test_the_shim_notes_what_reaches_the_files(library: Path, tmp_path: Path) -> None:
    """With everything kept, the files are byte for byte what the process wrote."""
    disk = Disk(library, tmp_path, Random(1))
    append_and_cut(disk, 60, everything)
    kinds = Counter(each.kind for each in read_journal(tmp_path / "journal-0"))
    assert {"W", "S", "D", "C", "R"} <= set(kinds)
    before = {path.name: path.read_bytes() for path in (disk.folder / "ledger").iterdir()}
    disk.cut_count = 0
    disk.cut(everything)
    after = {path.name: path.read_bytes() for path in (disk.folder / "ledger").iterdir()}
    assert {name for name in before if not name.endswith("-shm")} == set(after)
    assert all(before[name] == content for name, content in after.items())


@pytest.mark.parametrize("bug", ["no_waiting", "no_rewriting"])
def test_a_store_that_acknowledges_too_early_is_found_out(
    library: Path, tmp_path: Path, bug: str
) -> None:
    """It does not wait for the disk, or it believes in pages that a failed sync left behind."""
    append = append_and_cut if bug == "no_waiting" else append_with_failing_syncs_and_cut
    outcomes: Counter[str] = Counter()
    for number in range(30):
        root = tmp_path / str(number)
        root.mkdir()
        disk = Disk(library, root, Random(number))
        heard = append(disk, 10 + 17 * (number % 6), nothing, bug)
        outcomes[lost(disk, heard)] += 1
        if not IS_LONG and outcomes["lost"] + outcomes["refused"]:
            break
    print(f"{bug}: {dict(outcomes)}")  # noqa: T201 - of the long version
    assert outcomes["lost"] + outcomes["refused"], outcomes


def is_up(server: Server) -> bool:
    return readiness(server.http_port)[0] == 200


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("way", WAYS if IS_LONG else [the_first])
def test_a_server_whose_power_is_cut_stands_by_every_answer(
    library: Path, tmp_path: Path, way: Partly
) -> None:
    """Clients keep a journal of what they were told; after each cut it is compared.

    Before the cut syncs fail for a while. The server heals, and what it then makes durable must not
    rest on pages that the failed syncs lost.
    """
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
                sleep(disk.random.uniform(0.1, 1.0))
                if cycle % 2 == 0:
                    with disk.failing_syncs(), connected(server.target) as wire:
                        wait_until(lambda: not wire.is_healthy(), "the failure is noticed")
                        sleep(disk.random.uniform(0.0, 1.5) if IS_LONG else 0.0)
                    wait_until(lambda: is_up(server), "the ledger is up again")
                sleep(disk.random.uniform(0.1, 1.0))
                server.end()
        at_stake += disk.cut(way)
    with served(ledger) as server, connected(server.target) as wire:
        expect_kept(wire, told)
    assert len(told.answers) > 10
    assert at_stake
