"""Backup and restore: nothing is missing, nothing is overwritten, half of one is not started."""

from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from margingate_server.ledger.folding import folded
from margingate_server.ledger.owner_lock import OwnerLock
from margingate_server.ledger.snapshot_file import newest_snapshot
from margingate_server.ledger.sqlite_store import SqliteStore
from margingate_server.ledger.state_codec import encode_state
from margingate_server.ledger.store import CorruptLedger, LedgerInUse, StoreFailure
from margingate_server.maintenance import copying
from margingate_server.maintenance.copying import copy_ledger
from margingate_server.maintenance.snapshotting import take_snapshot
from tests.unit.maintenance.ledgers import change, grow, new_ledger, problems, verified


def folded_state(directory: Path) -> bytes:
    with closing(SqliteStore(directory, opened_ns=1)) as store:
        return encode_state(*folded(store, newest_snapshot(directory)))


def test_a_copy_has_every_event_market_and_the_newest_snapshot(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "deep" / "target"
    log = new_ledger(source)
    take_snapshot(source, 1)
    grow(source, log.draw(100))
    head = copy_ledger(source, target, 1)
    assert head.seq == 400
    assert problems(target, is_deep=True) == {}
    assert {subject: each.found for subject, each in verified(target).items()} == {
        subject: each.found for subject, each in verified(source).items()
    }
    assert folded_state(target) == folded_state(source)


def test_a_copy_is_the_owners_alone(tmp_path: Path) -> None:
    new_ledger(tmp_path / "source")
    copy_ledger(tmp_path / "source", tmp_path / "target", 1)
    assert (tmp_path / "target").stat().st_mode & 0o777 == 0o700
    for path in (tmp_path / "target").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path


def test_a_copy_of_a_copy_goes_on_where_the_first_was(tmp_path: Path) -> None:
    log = new_ledger(tmp_path / "source")
    copy_ledger(tmp_path / "source", tmp_path / "backup", 1)
    copy_ledger(tmp_path / "backup", tmp_path / "restored", 1)
    more = log.draw(100)
    grow(tmp_path / "source", more)
    grow(tmp_path / "restored", more)
    assert folded_state(tmp_path / "restored") == folded_state(tmp_path / "source")


def test_a_copy_beside_a_writer_ends_at_one_instant(tmp_path: Path) -> None:
    source = tmp_path / "source"
    log = new_ledger(source)
    is_done = Event()
    with closing(SqliteStore(source, opened_ns=1)) as store:

        def write() -> None:
            while not is_done.is_set():
                store.append(log.draw(7))
                if store.head.seq % 5 == 0:
                    store.sync_head()
                    store.checkpoint()

        writer = Thread(target=write)
        writer.start()
        try:
            for number in range(5):
                before = store.head.seq
                head = copy_ledger(source, tmp_path / f"copy-{number}", 1)
                assert before <= head.seq <= store.head.seq
                assert (head.seq - 300) % 7 == 0, "half of a transaction"
        finally:
            is_done.set()
            writer.join()
        for number in range(5):
            found = problems(tmp_path / f"copy-{number}")
            assert set(found) <= {"markets"}, "the writer of this test keeps none"


@pytest.mark.parametrize("left", ["ledger.sqlite", "anything", ".hidden"])
def test_nothing_is_ever_overwritten(tmp_path: Path, left: str) -> None:
    new_ledger(tmp_path / "source")
    target = tmp_path / "target"
    target.mkdir()
    (target / left).write_text("mine")
    with pytest.raises(FileExistsError):
        copy_ledger(tmp_path / "source", target, 1)
    assert [path.name for path in target.iterdir()] == [left]
    assert (target / left).read_text() == "mine"


def test_a_file_is_no_target(tmp_path: Path) -> None:
    new_ledger(tmp_path / "source")
    (tmp_path / "target").touch()
    with pytest.raises(FileExistsError):
        copy_ledger(tmp_path / "source", tmp_path / "target", 1)


def test_a_mounted_empty_directory_is_taken(tmp_path: Path) -> None:
    new_ledger(tmp_path / "source")
    (tmp_path / "target").mkdir(mode=0o755)
    assert copy_ledger(tmp_path / "source", tmp_path / "target", 1).seq == 300


def test_two_do_not_copy_into_one_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both saw it empty."""
    new_ledger(tmp_path / "source")
    locks: list[OwnerLock] = []

    def overtaken(path: Path) -> None:
        path.mkdir()
        locks.append(OwnerLock(path / "ledger.lock", 5))

    monkeypatch.setattr(copying, "make_directory", overtaken)
    with pytest.raises(LedgerInUse):
        copy_ledger(tmp_path / "source", tmp_path / "target", 1)


@pytest.mark.parametrize("step", ["copy_database", "log_head", "_name_head", "write_snapshot"])
def test_nobody_starts_from_a_copy_that_was_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    new_ledger(source)
    take_snapshot(source, 1)
    real, calls = getattr(copying, step), 0

    def dies(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if (step, calls) != ("_name_head", 1):
            raise StoreFailure("copy", 28, "no space left")
        return real(*arguments)

    with monkeypatch.context() as full:
        full.setattr(copying, step, dies)
        with pytest.raises(StoreFailure):
            copy_ledger(source, target, 1)
    if step == "write_snapshot":
        assert problems(target) == {}, "all but the snapshot is there"
        return
    if step in {"log_head", "_name_head"}:
        assert problems(target).keys() <= {"markets"}, "the log is whole, and named"
        return
    with pytest.raises(CorruptLedger):
        SqliteStore(target, opened_ns=1)


def test_a_bad_snapshot_is_not_carried_on(tmp_path: Path) -> None:
    new_ledger(tmp_path / "source")
    path = take_snapshot(tmp_path / "source", 1).path
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CorruptLedger) as corrupt:
        copy_ledger(tmp_path / "source", tmp_path / "target", 1)
    assert corrupt.value.place == str(path)
    assert not (tmp_path / "target").exists()


def test_a_copy_of_a_damaged_log_shows_the_damage(tmp_path: Path) -> None:
    new_ledger(tmp_path / "source")
    change(tmp_path / "source", "UPDATE event SET body = x'7b7d' WHERE seq = 120")
    copy_ledger(tmp_path / "source", tmp_path / "target", 1)
    assert "120" in problems(tmp_path / "target")["events"]


def test_a_ledger_without_markets_or_snapshots_is_copied(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "source", opened_ns=1).close()
    assert copy_ledger(tmp_path / "source", tmp_path / "target", 1).seq == 0
    SqliteStore(tmp_path / "target", opened_ns=1).close()
