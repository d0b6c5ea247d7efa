"""Crashes, full disks and failed syncs: versions acknowledged and not pruned are there afterwards.

An event cites a version only after its put returned, so none ever cites inputs that are not there.
"""

import errno
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from margingate_server.ledger.sqlite_market_reading import SqliteMarketReader
from margingate_server.ledger.sqlite_market_store import FILE_NAME, SqliteMarketStore
from tests.unit.ledger.market_conformance import named

WRITE = [sys.executable, str(Path(__file__).with_name("market_writer.py"))]
STRACE = shutil.which("strace")


def acknowledged(lines: list[str]) -> dict[int, str]:
    pairs = (line.split() for line in lines if line[:1].isdigit())
    return {int(version): digest for version, digest in pairs}


def expect_whole(directory: Path, expected: dict[int, str]) -> None:
    """Every acknowledged version from the oldest on is there, right, and can be followed on."""
    SqliteMarketStore(directory).close()
    reader = SqliteMarketReader(directory / FILE_NAME)
    found = dict(named(reader.snapshots()))
    oldest = min(found)
    kept = {version: digest for version, digest in expected.items() if version >= oldest}
    assert kept.items() <= found.items()
    assert max(expected) in found
    # What was never heard of may be there: the put in flight.
    assert max(found) - max(expected) <= 4


def write_and_kill(directory: Path, seed: int, line_count: int) -> dict[int, str]:
    command = [*WRITE, str(directory), "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(line_count)]
        writer.kill()
        # A line cut short by the kill was not heard as an acknowledgement.
        lines += [line for line in writer.stdout if line.endswith("\n")]
    return acknowledged(lines)


def test_a_kill_loses_no_acknowledged_version(tmp_path: Path) -> None:
    expected: dict[int, str] = {}
    for seed, line_count in enumerate([1, 3, 40, 211, 350, 7]):
        expected |= write_and_kill(tmp_path / "ledger", seed, line_count)
        expect_whole(tmp_path / "ledger", expected)


def outcome(lines: list[str], prefix: str) -> list[str]:
    return [line.rstrip() for line in lines if line.startswith(prefix)]


def expect_refusal_and_recovery(directory: Path, lines: list[str], operations: set[str]) -> None:
    (failed,) = outcome(lines, "failed")
    _, operation, number = failed.split()
    assert operation in operations
    assert int(number) in {errno.EIO, errno.ENOSPC, errno.EFBIG}
    assert outcome(lines, "refused") == ["refused"]
    (reopened,) = outcome(lines, "reopened")
    versions = acknowledged(lines)
    # One version was acknowledged after the reopening, behind everything that was found then.
    assert max(versions) == int(reopened.split()[1]) + 1
    expect_whole(directory, versions)


@pytest.mark.parametrize("kibibytes", [64, 150, 301])
def test_a_full_disk_refuses_writes_until_there_is_room_and_reopen(
    tmp_path: Path, kibibytes: int
) -> None:
    directory = tmp_path / "ledger"
    command = [*WRITE, str(directory), "--file-bytes-max", str(kibibytes * 1024)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    expect_refusal_and_recovery(directory, result.stdout.splitlines(), {"put", "prune"})


def injected(directory: Path, call: str, when: int) -> subprocess.CompletedProcess[str]:
    """The writer when its `when`th `call` fails; skips where nothing can be traced."""
    if STRACE is None:
        pytest.skip("strace is not installed")
    trace = directory.parent / "trace"
    options = ["-f", "-o", str(trace), "-e", f"trace={call}"]
    fault = ["-e", f"inject={call}:error=EIO:when={when}"]
    command = [STRACE, *options, *fault, *WRITE, str(directory)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if "ptrace" in result.stderr.lower():
        pytest.skip("tracing is not permitted here")
    assert trace.read_text().count("(INJECTED)") == 1
    return result


# Commits, then of the first checkpoints the log and the database file, then commits again.
@pytest.mark.parametrize("when", [8, 11, 12, 13, 14, 15, 22, 23, 24, 70])
def test_a_failed_sync_refuses_writes_until_reopen(tmp_path: Path, when: int) -> None:
    directory = tmp_path / "ledger"
    result = injected(directory, "fdatasync", when)
    assert result.returncode == 0, result.stderr
    expect_refusal_and_recovery(directory, result.stdout.splitlines(), {"put", "prune"})


# The entry of the directory, of the database, and of the write-ahead log, which SQLite makes.
@pytest.mark.parametrize("when", [1, 2, 3])
def test_a_store_whose_files_may_vanish_is_not_opened(tmp_path: Path, when: int) -> None:
    directory = tmp_path / "ledger"
    result = injected(directory, "fsync", when)
    assert result.returncode == 1
    assert "StoreFailure: ('open', 5," in result.stderr
    assert result.stdout == ""
    SqliteMarketStore(directory).close()
