"""The owner lock: the kernel's lock counts, the file only names the owner."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from margingate_server.ledger.owner_lock import OwnerLock
from margingate_server.ledger.store import LedgerInUse

HOLD = """
import sys
from pathlib import Path
from margingate_server.ledger.owner_lock import OwnerLock
lock = OwnerLock(Path(sys.argv[1]), 42)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.lock"


def hold(path: Path) -> "subprocess.Popen[str]":
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_opener_is_told_who_holds_it_and_since_when(path: Path) -> None:
    lock = OwnerLock(path, 1_760_000_000_000_000_000)
    with pytest.raises(LedgerInUse) as caught:
        OwnerLock(path, 5)
    assert (caught.value.pid, caught.value.since_ns) == (os.getpid(), 1_760_000_000_000_000_000)
    lock.release()


def test_another_process_holds_it_until_it_is_killed(path: Path) -> None:
    with hold(path) as holder:
        with pytest.raises(LedgerInUse) as caught:
            OwnerLock(path, 5)
        assert (caught.value.pid, caught.value.since_ns) == (holder.pid, 42)
        holder.kill()
    OwnerLock(path, 5).release()


@pytest.mark.parametrize("stale", [b"", b"pid 1 since_ns 7\n", b"\xff" * 500])
def test_a_stale_file_is_no_obstacle_and_is_overwritten(path: Path, stale: bytes) -> None:
    path.write_bytes(stale)
    lock = OwnerLock(path, 6)
    assert path.read_text() == f"pid {os.getpid()} since_ns 6\n"
    lock.release()


def test_a_holder_that_left_no_name_still_holds(path: Path) -> None:
    lock = OwnerLock(path, 6)
    path.write_bytes(b"pid")
    with pytest.raises(LedgerInUse) as caught:
        OwnerLock(path, 7)
    assert (caught.value.pid, caught.value.since_ns) == (0, 0)
    lock.release()


def test_the_file_is_private_and_stays_when_released(path: Path) -> None:
    OwnerLock(path, 6).release()
    assert path.stat().st_mode & 0o777 == 0o600
