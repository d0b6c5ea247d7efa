"""A snapshot is made of what is durable, beside whoever writes, and fits what follows."""

from contextlib import closing
from pathlib import Path

import pytest

from margingate_server.ledger.folding import folded
from margingate_server.ledger.head_file import HeadFile
from margingate_server.ledger.owner_lock import OwnerLock
from margingate_server.ledger.snapshot_file import newest_snapshot, snapshot_path, snapshot_paths
from margingate_server.ledger.sqlite_store import SqliteStore
from margingate_server.ledger.state_codec import encode_state
from margingate_server.ledger.store import CorruptLedger, Head, LedgerInUse, StoreFailure
from margingate_server.maintenance.snapshotting import take_snapshot
from tests.unit.maintenance.ledgers import change, grow, new_ledger


def state_of(directory: Path, *, is_whole: bool) -> bytes:
    with closing(SqliteStore(directory, opened_ns=1)) as store:
        snapshot = None if is_whole else newest_snapshot(directory)
        return encode_state(*folded(store, snapshot))


def test_a_snapshot_and_the_tail_are_the_whole_log(tmp_path: Path) -> None:
    log = new_ledger(tmp_path)
    taken = take_snapshot(tmp_path, 1)
    assert (taken.seq, taken.event_count, taken.path) == (300, 300, snapshot_path(tmp_path, 300))
    grow(tmp_path, log.draw(150))
    assert state_of(tmp_path, is_whole=False) == state_of(tmp_path, is_whole=True)
    again = take_snapshot(tmp_path, 1)
    assert (again.seq, again.event_count) == (450, 150)
    assert state_of(tmp_path, is_whole=False) == state_of(tmp_path, is_whole=True)


def test_a_snapshot_is_the_same_from_the_whole_log_and_from_the_one_before(tmp_path: Path) -> None:
    log = new_ledger(tmp_path)
    first = take_snapshot(tmp_path, 1)
    grow(tmp_path, log.draw(150))
    by_steps = take_snapshot(tmp_path, 1).path.read_bytes()
    first.path.unlink()
    snapshot_path(tmp_path, 450).unlink()
    assert take_snapshot(tmp_path, 1).path.read_bytes() == by_steps


def test_nothing_new_makes_no_new_snapshot(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    first = take_snapshot(tmp_path, 1)
    written_ns = first.path.stat().st_mtime_ns
    assert (take_snapshot(tmp_path, 1).event_count, first.path.stat().st_mtime_ns) == (
        0,
        written_ns,
    )


def test_an_empty_ledger_has_no_snapshot(tmp_path: Path) -> None:
    SqliteStore(tmp_path, opened_ns=1).close()
    assert take_snapshot(tmp_path, 1).event_count == 0
    assert snapshot_paths(tmp_path) == {}


def test_a_running_owner_is_not_in_the_way(tmp_path: Path) -> None:
    log = new_ledger(tmp_path)
    with closing(SqliteStore(tmp_path, opened_ns=1)) as store:
        store.append(log.draw(10))
        assert take_snapshot(tmp_path, 1).seq == 310
        store.append(log.draw(10))
        store.checkpoint()
    assert state_of(tmp_path, is_whole=False) == state_of(tmp_path, is_whole=True)


def test_events_that_the_head_file_does_not_name_are_left_to_the_tail(tmp_path: Path) -> None:
    """They may have been written without a sync by one who then died."""
    new_ledger(tmp_path)
    with closing(SqliteStore(tmp_path, opened_ns=1)) as store:
        record = store.get(290)
        assert record is not None
    HeadFile(tmp_path / "ledger.head", Head(290, record.hash)).close()
    assert take_snapshot(tmp_path, 1).seq == 290
    assert state_of(tmp_path, is_whole=False) == state_of(tmp_path, is_whole=True)


def test_two_do_not_make_snapshots_at_once(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    lock = OwnerLock(tmp_path / "snapshot.lock", 5)
    with pytest.raises(LedgerInUse) as in_use:
        take_snapshot(tmp_path, 1)
    assert in_use.value.since_ns == 5
    lock.release()
    assert take_snapshot(tmp_path, 1).seq == 300


def test_a_damaged_snapshot_is_not_built_upon(tmp_path: Path) -> None:
    log = new_ledger(tmp_path)
    path = take_snapshot(tmp_path, 1).path
    path.write_bytes(path.read_bytes()[:-1])
    grow(tmp_path, log.draw(10))
    with pytest.raises(CorruptLedger) as corrupt:
        take_snapshot(tmp_path, 1)
    assert corrupt.value.place == str(path)


def test_a_snapshot_of_another_ledger_is_not_built_upon(tmp_path: Path) -> None:
    log = new_ledger(tmp_path / "a")
    new_ledger(tmp_path / "b", seed=2)
    take_snapshot(tmp_path / "b", 1).path.rename(snapshot_path(tmp_path / "a", 300))
    for _ in range(2):
        with pytest.raises(CorruptLedger, match="made of another log"):
            take_snapshot(tmp_path / "a", 1)
        grow(tmp_path / "a", log.draw(10))


def test_a_damaged_event_makes_no_snapshot(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    change(tmp_path, "UPDATE event SET body = x'7b7d' WHERE seq = 120")
    with pytest.raises(CorruptLedger) as corrupt:
        take_snapshot(tmp_path, 1)
    assert corrupt.value.seq == 120
    assert snapshot_paths(tmp_path) == {}


def test_a_directory_without_a_ledger_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(StoreFailure, match="no ledger"):
        take_snapshot(tmp_path, 1)
    assert list(tmp_path.iterdir()) == []
