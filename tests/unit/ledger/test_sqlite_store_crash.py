"""Crashes, full disks and failed syncs: what was acknowledged is there afterwards."""

import errno
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from margingate_server.ledger.sqlite_store import SqliteStore

APPEND = [sys.executable, str(Path(__file__).with_name("appender.py"))]
STRACE = shutil.which("strace")


def acknowledged(lines: list[str]) -> dict[int, bytes]:
    pairs = (line.split() for line in lines if line[:1].isdigit())
    return {int(seq): bytes.fromhex(own_hash) for seq, own_hash in pairs}


def stored(directory: Path) -> dict[int, bytes]:
    with closing(SqliteStore(directory, opened_ns=2)) as store:
        return {record.seq: record.hash for record in store.read()}


def append_and_kill(directory: Path, seed: int, line_count: int) -> dict[int, bytes]:
    command = [*APPEND, str(directory), "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as appender:
        assert appender.stdout is not None
        lines = [appender.stdout.readline() for _ in range(line_count)]
        appender.kill()
        # A line cut short by the kill was not heard as an acknowledgement.
        lines += [line for line in appender.stdout if line.endswith("\n")]
    return acknowledged(lines)


def test_a_kill_loses_no_acknowledged_event(tmp_path: Path) -> None:
    expected: dict[int, bytes] = {}
    for seed, line_count in enumerate([1, 3, 40, 111, 250, 7]):
        expected |= append_and_kill(tmp_path / "ledger", seed, line_count)
        found = stored(tmp_path / "ledger")
        assert expected.items() <= found.items()
        # What was never heard of may be there: the groups in flight when the process died.
        assert len(found) - len(expected) <= 8 * (seed + 1)


def outcome(lines: list[str], prefix: str) -> list[str]:
    return [line.rstrip() for line in lines if line.startswith(prefix)]


def expect_refusal_and_recovery(directory: Path, lines: list[str], operations: set[str]) -> None:
    (failed,) = outcome(lines, "failed")
    _, operation, number = failed.split()
    assert operation in operations
    assert int(number) in {errno.EIO, errno.ENOSPC, errno.EFBIG}
    assert outcome(lines, "refused") == ["refused"]
    (reopened,) = outcome(lines, "reopened")
    events = acknowledged(lines)
    # One append was acknowledged after the reopening, behind everything that was found then.
    assert max(events) == int(reopened.split()[1]) + 1
    assert len(events) > 8
    assert events.items() <= stored(directory).items()


@pytest.mark.parametrize("kibibytes", [64, 150, 301])
def test_a_full_disk_refuses_writes_until_there_is_room_and_reopen(
    tmp_path: Path, kibibytes: int
) -> None:
    directory = tmp_path / "ledger"
    command = [*APPEND, str(directory), "--file-bytes-max", str(kibibytes * 1024)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    expect_refusal_and_recovery(directory, result.stdout.splitlines(), {"append", "checkpoint"})


def injected(directory: Path, when: int) -> list[str]:
    """The appender's lines when its `when`th fdatasync fails; skips where nothing can be traced."""
    if STRACE is None:
        pytest.skip("strace is not installed")
    trace = directory.parent / "trace"
    options = ["-f", "-o", str(trace), "-e", "trace=fdatasync"]
    fault = ["-e", f"inject=fdatasync:error=EIO:when={when}"]
    command = [STRACE, *options, *fault, *APPEND, str(directory)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if "ptrace" in result.stderr.lower():
        pytest.skip("tracing is not permitted here")
    assert result.returncode == 0, result.stderr
    assert trace.read_text().count("(INJECTED)") == 1
    return result.stdout.splitlines()


# A commit, the head file, of a checkpoint the log, then the database file; then the same again.
@pytest.mark.parametrize(
    ("when", "operation"),
    [
        (11, "append"),
        (12, "sync_head"),
        (13, "checkpoint"),
        (15, "checkpoint"),
        (16, "append"),
        (17, "append"),
        (20, "append"),
        (21, "sync_head"),
        (22, "checkpoint"),
        (23, "checkpoint"),
    ],
)
def test_a_failed_sync_refuses_writes_until_reopen(
    tmp_path: Path, when: int, operation: str
) -> None:
    directory = tmp_path / "ledger"
    expect_refusal_and_recovery(directory, injected(directory, when), {operation})
