"""A disk that is full under a serving server, and has room again: nothing is lost, and it heals.

A small file system in memory where one may be mounted; a limit on the size of files everywhere.
"""

import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from io import SEEK_END, FileIO
from pathlib import Path
from threading import Event, Thread
from time import sleep

import grpc
import pytest

from tests.faults.effort import IS_LONG, times
from tests.faults.serving import (
    Told,
    expect_kept,
    load,
    open_account,
    refusal_to_start,
    served,
)
from tests.faults.test_failed_syncs import expect_down_and_told, expect_up_and_told
from tests.integration.support.pages import counts, wait_until
from tests.integration.support.wire import connected

SIZE_BYTES = 4 << 20
BLOCK_BYTES = 4096


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes; skips where it may not be mounted."""
    mount = shutil.which("mount")
    if mount is None:
        pytest.skip("mount is not installed")
    folder = tmp_path / "disk"
    folder.mkdir()
    options = f"size={SIZE_BYTES},mode=700"
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def ballast(disk: Path, room_bytes: int) -> Iterator[None]:
    """The disk has hardly any room while the block runs, and what is given back is taken up."""
    ending = Event()
    with (disk / "ballast").open("wb", buffering=0) as file:
        _fill(file)
        file.truncate(max(0, file.tell() - room_bytes))

        def keep_full() -> None:
            while not ending.wait(0.001):
                if shutil.disk_usage(disk).free > room_bytes:
                    file.seek(0, SEEK_END)
                    _fill(file)

        thread = Thread(target=keep_full)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()
            (disk / "ballast").unlink()


def _fill(file: FileIO) -> None:
    try:
        while file.write(bytes(BLOCK_BYTES)):
            pass
    except OSError:
        return


@contextmanager
def short_files(pid: int, bytes_max: int) -> Iterator[None]:
    """No file of the process may grow beyond a size while the block runs."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (bytes_max, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@pytest.mark.timeout(600)
def test_a_full_disk_stops_accepts_and_room_brings_them_back(small_disk: Path) -> None:
    """Full at several places of the ledger's life, each with a little room left or none."""
    told = Told()
    ledger = small_disk / "ledger"
    with served(ledger) as server, connected(server.target) as wire:
        open_account(wire)
        with load(server.target, told, "load"):
            for cycle in range(times(1, 12)):
                wait_until(wire.is_healthy, "the ledger is up again")
                sleep(0.2)
                with ballast(small_disk, room_bytes=BLOCK_BYTES * (cycle % 4)):
                    wait_until(lambda: not wire.is_healthy(), "the full disk is noticed")
                    if cycle % 4 == 0:
                        expect_down_and_told(server, wire)
                        before = len(told.acknowledged)
                        sleep(3.0 if IS_LONG else 0.4)
                        assert len(told.acknowledged) == before, "an answer on a full disk"
                        expect_down_and_told(server, wire)
                expect_up_and_told(server, wire)
            sleep(0.2)
        assert set(told.statuses) == {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
        # With a little room left the ledger comes up and goes down again for as long as it is full.
        wait_until(wire.is_healthy, "the ledger is up again")
        expect_kept(wire, told)
    with ballast(small_disk, room_bytes=0):
        said = refusal_to_start(ledger)
        assert "margingate: cannot serve: open of the ledger" in said, said
    if IS_LONG:
        with served(ledger) as again, connected(again.target) as wire:
            expect_kept(wire, told)


@pytest.mark.timeout(600)
@pytest.mark.skipif(not IS_LONG, reason="in every run tests/integration/test_commit_failure.py")
@pytest.mark.parametrize("spare_bytes", range(0, 100_000, 7_000))
def test_files_that_may_not_grow_lose_nothing_that_was_answered(
    tmp_path: Path, spare_bytes: int
) -> None:
    """The log of the database starts over when the ledger is opened again: then there is room."""
    told = Told()
    ledger = tmp_path / "ledger"
    with served(ledger) as server, connected(server.target) as wire:
        open_account(wire)
        with load(server.target, told, "load"):
            sleep(0.2)
            largest = max(path.stat().st_size for path in ledger.iterdir())
            with short_files(server.process.pid, largest + spare_bytes):
                sleep(3)
            wait_until(wire.is_healthy, "the ledger is up again")
        assert counts(server.http_port, "margingate_journal_errors")
        assert any('"ledger_down"' in line for line in server.log)
        assert grpc.StatusCode.UNAVAILABLE in told.statuses
        expect_kept(wire, told)
    with served(ledger) as again, connected(again.target) as wire:
        expect_kept(wire, told)
