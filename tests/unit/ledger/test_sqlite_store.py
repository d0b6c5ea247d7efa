"""The embedded store: the conformance of every store, and what is its own."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from margingate_server.ledger import sqlite_reading
from margingate_server.ledger.sqlite_store import SqliteStore
from margingate_server.ledger.store import CorruptLedger, Head, LedgerInUse, StoreFailure
from tests.unit.ledger.conformance import BEHAVIOURS, OpenStore, as_drafts, drafts


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def store(directory: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(directory, opened_ns=1)) as opened:
        yield opened


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
def test_conformance(behaviour: Callable[[OpenStore], None], directory: Path) -> None:
    behaviour(lambda: SqliteStore(directory, opened_ns=1))


def test_the_directory_and_every_file_are_private(directory: Path, store: SqliteStore) -> None:
    store.append(drafts(1))
    assert directory.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()}
    assert modes == dict.fromkeys(
        ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "ledger.head", "ledger.lock"],
        0o600,
    )


def test_a_second_opener_is_refused_and_disturbs_nothing(
    directory: Path, store: SqliteStore
) -> None:
    store.append(drafts(1))
    with pytest.raises(LedgerInUse) as caught:
        SqliteStore(directory, opened_ns=2)
    assert (caught.value.pid, caught.value.since_ns) == (os.getpid(), 1)
    with pytest.raises(LedgerInUse):
        SqliteStore.rebuild_head(directory, opened_ns=2)
    store.append(drafts(1, start=2))
    assert as_drafts(list(store.read())) == drafts(2)


def test_nobody_else_can_write_to_the_file_even_past_the_lock(
    directory: Path, store: SqliteStore
) -> None:
    def delete_everything() -> None:
        with (
            closing(sqlite3.connect(directory / "ledger.sqlite", timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("DELETE FROM event")

    delete_everything()
    store.append(drafts(1))
    delete_everything()
    store.checkpoint()
    delete_everything()
    store.reopen()
    delete_everything()
    assert len(list(store.read())) == 1


def test_a_ledger_that_someone_writes_to_cannot_be_opened(directory: Path) -> None:
    SqliteStore(directory, opened_ns=1).close()
    with closing(sqlite3.connect(directory / "ledger.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerInUse):
            SqliteStore(directory, opened_ns=1)
        other.execute("ROLLBACK")
    SqliteStore(directory, opened_ns=1).close()


def test_a_failed_opening_gives_the_lock_back(directory: Path, store: SqliteStore) -> None:
    store.append(drafts(1))
    store.close()
    (directory / "ledger.head").unlink()
    for _ in range(2):
        with pytest.raises(CorruptLedger):
            SqliteStore(directory, opened_ns=1)


def test_what_the_system_refuses_is_a_store_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreFailure) as caught:
        SqliteStore(tmp_path / "file" / "ledger", opened_ns=1)
    assert (caught.value.operation, caught.value.errno) == ("open", errno.ENOTDIR)
    with pytest.raises(StoreFailure) as caught:
        SqliteStore.rebuild_head(tmp_path / "nowhere", opened_ns=1)
    assert (caught.value.operation, caught.value.errno) == ("rebuild_head", errno.ENOENT)


@pytest.mark.parametrize("pragma", ["user_version", "application_id"])
def test_a_schema_of_an_unknown_version_is_refused(directory: Path, pragma: str) -> None:
    SqliteStore(directory, opened_ns=1).close()
    with closing(sqlite3.connect(directory / "ledger.sqlite")) as other:
        other.execute(f"PRAGMA {pragma}=2")
    with pytest.raises(CorruptLedger, match=pragma):
        SqliteStore(directory, opened_ns=1)


def test_a_schema_with_something_added_is_refused(directory: Path) -> None:
    SqliteStore(directory, opened_ns=1).close()
    with closing(sqlite3.connect(directory / "ledger.sqlite")) as other:
        other.execute("CREATE INDEX event_account ON event(account)")
    with pytest.raises(CorruptLedger, match="schema"):
        SqliteStore(directory, opened_ns=1)


def test_a_file_with_free_pages_is_refused(directory: Path, store: SqliteStore) -> None:
    store.append(drafts(1))
    store.close()
    with closing(sqlite3.connect(directory / "ledger.sqlite")) as other:
        other.execute("CREATE TABLE passing(x)")
        other.execute("DROP TABLE passing")
    with pytest.raises(CorruptLedger, match="freelist_count"):
        SqliteStore(directory, opened_ns=1)


def test_a_read_that_ends_before_the_head_is_refused(directory: Path, store: SqliteStore) -> None:
    store.append(drafts(3))
    records = sqlite_reading.read_events(directory / "ledger.sqlite", 0, Head(5, bytes(32)))
    assert [next(records).seq for _ in range(3)] == [1, 2, 3]
    with pytest.raises(CorruptLedger, match="event 5") as caught:
        next(records)
    assert caught.value.seq == 4


def test_a_missing_head_file_is_refused_until_it_is_rebuilt(
    directory: Path, store: SqliteStore
) -> None:
    appended = store.append(drafts(3))
    store.close()
    (directory / "ledger.head").unlink()
    with pytest.raises(CorruptLedger, match="rebuild_head") as caught:
        SqliteStore(directory, opened_ns=1)
    assert caught.value.place.endswith("ledger.head")
    assert SqliteStore.rebuild_head(directory, opened_ns=1) == (3, appended[-1].hash)
    with closing(SqliteStore(directory, opened_ns=1)) as again:
        assert list(again.read()) == appended


def test_rebuild_head_does_not_accept_a_broken_chain(directory: Path, store: SqliteStore) -> None:
    store.append(drafts(3))
    store.close()
    with closing(sqlite3.connect(directory / "ledger.sqlite")) as other, other:
        other.execute("UPDATE event SET version = 9 WHERE seq = 2")
    (directory / "ledger.head").unlink()
    with pytest.raises(CorruptLedger) as caught:
        SqliteStore.rebuild_head(directory, opened_ns=1)
    assert caught.value.seq == 2
    assert not (directory / "ledger.head").exists()


def test_a_missing_head_file_of_an_empty_log_is_made(directory: Path) -> None:
    SqliteStore(directory, opened_ns=1).close()
    (directory / "ledger.head").unlink()
    SqliteStore(directory, opened_ns=1).close()
    assert (directory / "ledger.head").exists()


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("DELETE FROM event WHERE seq = 2", 2),
        ("UPDATE event SET seq = 9 WHERE seq = 3", 8),
        ("UPDATE event SET body = x'00' WHERE seq = 4", 4),
        ("UPDATE event SET hash = zeroblob(32) WHERE seq = 1", 1),
        ("UPDATE event SET account = 'beta' WHERE seq = 3", 3),
    ],
)
def test_a_change_by_hand_is_found_at_its_place(
    directory: Path, store: SqliteStore, statement: str, seq: int
) -> None:
    store.append(drafts(5))
    store.close()
    with closing(sqlite3.connect(directory / "ledger.sqlite")) as other, other:
        other.execute(statement)
    with pytest.raises(CorruptLedger) as caught, closing(SqliteStore(directory, opened_ns=1)) as it:
        list(it.read())
    assert caught.value.seq == seq


def test_a_history_rewritten_whole_contradicts_the_head_file(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for directory, body in ((ours, b"ours"), (theirs, b"theirs")):
        with closing(SqliteStore(directory, opened_ns=1)) as store:
            store.append(drafts(5, body=body))
    (theirs / "ledger.sqlite").replace(ours / "ledger.sqlite")
    with pytest.raises(CorruptLedger, match=r"ledger\.head") as caught:
        SqliteStore(ours, opened_ns=1)
    assert caught.value.seq == 5


def test_get_and_find_verify_what_they_give(directory: Path, store: SqliteStore) -> None:
    store.append(drafts(5))
    store.close()
    with closing(sqlite3.connect(directory / "ledger.sqlite")) as other, other:
        other.execute("UPDATE event SET body = x'00' WHERE seq = 2")
    with closing(SqliteStore(directory, opened_ns=1)) as again:
        assert again.get(3) is not None
        with pytest.raises(CorruptLedger):
            again.get(2)
        with pytest.raises(CorruptLedger):
            again.find("alpha", "request-2")


def test_checkpoints_keep_the_write_ahead_log_small(store: SqliteStore) -> None:
    for start in range(1, 401):
        store.append(drafts(1, start=start, body=bytes(3000)))
        if start % 20 == 0:
            store.checkpoint()
            store.sync_head()
    assert 0 < store.wal_bytes < 60 * 3 * 4200
    assert as_drafts(list(store.read())) == drafts(400, body=bytes(3000))


def test_a_reader_that_stays_keeps_the_log_only_until_it_leaves(
    directory: Path, store: SqliteStore
) -> None:
    store.append(drafts(1))
    with closing(sqlite3.connect(directory / "ledger.sqlite", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM event").fetchone() == (1,)
        for start in range(2, 42):
            store.append(drafts(1, start=start, body=bytes(3000)))
            store.checkpoint()
        assert reader.execute("SELECT count(*) FROM event").fetchone() == (1,)
        reader.execute("COMMIT")
    store.checkpoint()
    grown = store.wal_bytes
    for start in range(42, 92):
        store.append(drafts(1, start=start, body=bytes(3000)))
        store.checkpoint()
    assert store.wal_bytes == grown
    assert [record.version for record in store.read()] == list(range(1, 92))


def test_no_checkpoint_runs_beside_the_writer_while_the_log_waits_to_start_over(
    directory: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[str] = []
    checkpoint = store._checkpoint

    def spy(mode: str) -> tuple[int, int, int]:
        modes.append(mode)
        return checkpoint(mode)

    monkeypatch.setattr(store, "_checkpoint", spy)
    store.append(drafts(1))
    with closing(sqlite3.connect(directory / "ledger.sqlite", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM event").fetchone()
        store.checkpoint()
        store.checkpoint()
        store.append(drafts(1, start=2))
        store.checkpoint()
    store.checkpoint()
    store.append(drafts(1, start=3))
    store.checkpoint()
    assert modes == ["PASSIVE", *["RESTART"] * 4, "PASSIVE", "RESTART"]


def test_closing_syncs_the_head(
    directory: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append(drafts(1))
    synced: list[Path] = []
    monkeypatch.setattr(
        os, "fdatasync", lambda fd: synced.append(Path(f"/proc/self/fd/{fd}").readlink())
    )
    store.close()
    assert synced == [directory / "ledger.head"]


def test_closing_leaves_one_database_file_and_its_head(directory: Path, store: SqliteStore) -> None:
    store.append(drafts(1))
    store.close()
    store.close()
    names = sorted(path.name for path in directory.iterdir())
    assert names == ["ledger.head", "ledger.lock", "ledger.sqlite"]


def test_a_closed_store_refuses_everything_that_writes(store: SqliteStore) -> None:
    store.close()
    for write in (lambda: store.append(drafts(1)), store.sync_head, store.checkpoint):
        with pytest.raises(StoreFailure):
            write()


@pytest.mark.parametrize("operation", ["append", "sync_head", "checkpoint"])
def test_after_a_failure_every_write_is_refused_until_reopen(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    store.append(drafts(1))
    writes: dict[str, Callable[[], object]] = {
        "append": lambda: store.append(drafts(1, start=2)),
        "sync_head": store.sync_head,
        "checkpoint": store.checkpoint,
    }

    class Failing:
        def __getattr__(self, name: str) -> object:
            raise OSError(5, "injected")

    with monkeypatch.context() as patch:
        for name in ("_head_file", "_checkpointer"):
            patch.setattr(store, name, Failing())
        with pytest.raises(StoreFailure, match="injected") as caught:
            writes[operation]()
        assert (caught.value.operation, caught.value.errno) == (operation, 5)
    for write in writes.values():
        with pytest.raises(StoreFailure, match="reopen"):
            write()
    store.reopen()
    for write in writes.values():
        write()
    versions = [record.version for record in store.read()]
    # The failed append was not acknowledged; here it had reached the log all the same.
    assert versions == ([1, 2, 2] if operation == "append" else [1, 2])


def test_a_reopen_that_fails_leaves_the_store_refusing(directory: Path, store: SqliteStore) -> None:
    store.append(drafts(1))
    head = (directory / "ledger.head").read_bytes()
    (directory / "ledger.head").write_bytes(b"")
    with pytest.raises(CorruptLedger):
        store.reopen()
    with pytest.raises(StoreFailure):
        store.append(drafts(1, start=2))
    (directory / "ledger.head").write_bytes(head)
    store.reopen()
    store.append(drafts(1, start=2))
    assert as_drafts(list(store.read())) == drafts(2)


def test_what_a_crash_left_in_the_log_is_written_again_before_it_is_read(
    directory: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append(drafts(3))
    crashed = directory.with_name("crashed")
    shutil.copytree(directory, crashed)
    steps: list[str] = []
    synced = os.fsync
    read_log = sqlite_reading.log_head

    def fsync(descriptor: int) -> None:
        steps.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        synced(descriptor)

    def log_head(path: Path) -> Head:
        steps.append("read")
        return read_log(path)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(sqlite_reading, "log_head", log_head)
    SqliteStore(crashed, opened_ns=1).close()
    assert steps.index("ledger.sqlite-wal") < steps.index("read")
