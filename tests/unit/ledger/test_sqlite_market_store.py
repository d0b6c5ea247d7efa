"""The embedded market store: the conformance of every one, and what is its own."""

import errno
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from margingate_server.ledger import sqlite_market_store
from margingate_server.ledger.market_log import KEYFRAME_EVERY, MarketLog
from margingate_server.ledger.sqlite_market_reading import SqliteMarketReader
from margingate_server.ledger.sqlite_market_store import FILE_NAME, SqliteMarketStore
from margingate_server.ledger.sqlite_store import SqliteStore
from margingate_server.ledger.store import CorruptLedger, LedgerInUse, StoreFailure
from tests.unit.ledger.market_conformance import (
    BEHAVIOURS,
    START_NS,
    TICK_NS,
    OpenMarketStore,
    markets,
    named,
    write,
    write_one_by_one,
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def path(directory: Path) -> Path:
    return directory / FILE_NAME


@pytest.fixture
def store(directory: Path) -> Iterator[SqliteMarketStore]:
    with closing(SqliteMarketStore(directory)) as opened:
        yield opened


def by_hand(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute(statement)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
def test_conformance(behaviour: Callable[[OpenMarketStore], None], directory: Path) -> None:
    behaviour(lambda: SqliteMarketStore(directory))


def test_it_stands_beside_the_ledger_and_every_file_is_private(directory: Path) -> None:
    with (
        closing(SqliteStore(directory, opened_ns=1)),
        closing(SqliteMarketStore(directory)) as store,
    ):
        write(store, markets(1))
        modes = {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm", "ledger.sqlite"} <= set(modes)


def test_a_directory_that_is_missing_is_made_private(
    directory: Path, store: SqliteMarketStore
) -> None:
    assert directory.stat().st_mode & 0o777 == 0o700
    assert store.newest_version is None


def test_nobody_else_can_write_to_the_file(path: Path, store: SqliteMarketStore) -> None:
    def delete_everything() -> None:
        with (
            closing(sqlite3.connect(path, timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("DELETE FROM market")

    delete_everything()
    write_one_by_one(store, markets(2 * KEYFRAME_EVERY))
    delete_everything()
    assert store.prune_before(2**62) == KEYFRAME_EVERY
    delete_everything()
    store.reopen()
    delete_everything()
    assert named(store.snapshots()) == named(markets(2 * KEYFRAME_EVERY)[KEYFRAME_EVERY:])


def test_a_file_that_someone_writes_to_cannot_be_opened(
    directory: Path, store: SqliteMarketStore
) -> None:
    with pytest.raises(LedgerInUse):
        SqliteMarketStore(directory)
    write(store, markets(1))


def test_what_the_system_refuses_is_a_store_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreFailure) as caught:
        SqliteMarketStore(tmp_path / "file" / "ledger")
    assert (caught.value.operation, caught.value.errno) == ("open", errno.ENOTDIR)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("PRAGMA user_version=2", "user_version"),
        ("PRAGMA application_id=2", "application_id"),
        ("CREATE INDEX recorded ON market(recorded_ns)", "schema"),
    ],
)
def test_a_file_of_another_layout_is_refused(
    directory: Path, path: Path, statement: str, problem: str
) -> None:
    SqliteMarketStore(directory).close()
    by_hand(path, statement)
    with pytest.raises(CorruptLedger, match=problem) as caught:
        SqliteMarketStore(directory)
    assert caught.value.place == str(path)


def test_a_ledger_is_no_market_store_and_no_market_store_a_ledger(
    directory: Path, path: Path
) -> None:
    SqliteMarketStore(directory).close()
    path.rename(directory / "ledger.sqlite")
    with pytest.raises(CorruptLedger, match="application_id"):
        SqliteStore(directory, opened_ns=1)
    (directory / "ledger.sqlite").unlink()
    SqliteStore(directory, opened_ns=1).close()
    (directory / "ledger.sqlite").rename(path)
    with pytest.raises(CorruptLedger, match="application_id"):
        SqliteMarketStore(directory)


@pytest.mark.parametrize("is_open", [False, True])
def test_a_reader_needs_no_writer_and_disturbs_none(
    directory: Path, path: Path, is_open: bool
) -> None:
    written = markets(KEYFRAME_EVERY + 5)
    store = SqliteMarketStore(directory)
    write_one_by_one(store, written)
    if not is_open:
        store.close()
    reader = SqliteMarketReader(path)
    assert (reader.oldest_version, reader.newest_version) == (1, len(written))
    assert named(reader.snapshots()) == named(written)
    halfway = reader.snapshots()
    next(halfway)
    store.close()
    with closing(SqliteMarketStore(directory)) as again:
        write(again, markets(1, start=len(written) + 1))
    assert len(list(halfway)) >= len(written) - 1


def test_a_reader_of_a_file_that_is_missing_says_so_and_makes_none(path: Path) -> None:
    with pytest.raises(StoreFailure) as caught:
        SqliteMarketReader(path).snapshot(1)
    assert caught.value.operation == "read"
    assert not path.exists()


@pytest.mark.parametrize(
    ("statement", "version"),
    [
        ("DELETE FROM market WHERE version = 3", 3),
        ("DELETE FROM market WHERE version = 1", 1),
        ("UPDATE market SET version = 30 WHERE version = 9", 30),
        ("UPDATE market SET version = 30 WHERE version = 4", 30),
        ("UPDATE market SET previous_version = NULL WHERE version = 5", 5),
        ("UPDATE market SET recorded_ns = 1 WHERE version = 5", 5),
        ("UPDATE market SET body = zeroblob(9) WHERE version = 6", 6),
        ("UPDATE market SET digest = 'x' WHERE version = 6", 6),
        ("UPDATE market SET seal = zeroblob(16) WHERE version = 1", 1),
    ],
)
def test_a_change_by_hand_is_found_at_its_place(
    directory: Path, path: Path, statement: str, version: int
) -> None:
    with closing(SqliteMarketStore(directory)) as store:
        write(store, markets(9))
    by_hand(path, statement)
    reader = SqliteMarketReader(path)
    with pytest.raises(CorruptLedger, match=f"market version {version}") as caught:
        list(reader.snapshots())
    assert (caught.value.seq, caught.value.place) == (version, str(path))
    with pytest.raises(CorruptLedger):
        reader.snapshot(9 if version < 30 else version)


def test_a_version_that_vanished_is_not_taken_for_one_that_never_was(
    directory: Path, path: Path
) -> None:
    with closing(SqliteMarketStore(directory)) as store:
        write_one_by_one(store, markets(6))
        write_one_by_one(store, markets(6, start=20))
    by_hand(path, "DELETE FROM market WHERE version BETWEEN 5 AND 6")
    reader = SqliteMarketReader(path)
    for version in (5, 6, 10):
        with pytest.raises(CorruptLedger, match="market version 6 is missing"):
            reader.snapshot(version)
    assert reader.snapshot(4) is not None
    assert reader.snapshot(21) is not None
    assert reader.snapshot(26) is None


def test_a_damaged_newest_version_keeps_the_store_shut(directory: Path, path: Path) -> None:
    with closing(SqliteMarketStore(directory)) as store:
        write(store, markets(3))
    by_hand(path, "UPDATE market SET version = 99 WHERE version = 3")
    with pytest.raises(CorruptLedger, match="market version 99"):
        SqliteMarketStore(directory)


def test_nothing_is_pruned_to_a_damaged_keyframe(directory: Path, path: Path) -> None:
    written = markets(3 * KEYFRAME_EVERY)
    with closing(SqliteMarketStore(directory)) as store:
        write_one_by_one(store, written)
    second = KEYFRAME_EVERY + 1
    by_hand(path, f"UPDATE market SET recorded_ns = 0 WHERE version = {second}")  # noqa: S608
    boundary_ns = START_NS + (second + 1) * TICK_NS
    with closing(SqliteMarketStore(directory)) as store:
        with pytest.raises(CorruptLedger, match=f"market version {second}"):
            store.prune_before(boundary_ns)
        assert store.oldest_version == 1
        # Later the damaged row is itself among those that go, and versions are written meanwhile.
        write(store, markets(1, start=len(written) + 1))
        assert store.prune_before(2**62) == len(written)
        assert store.newest_version == len(written) + 1


def test_the_file_does_not_grow_while_as_much_is_pruned_as_is_put(
    store: SqliteMarketStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_market_store, "_COMMITS_PER_CHECKPOINT", 10)
    log = MarketLog(store)
    keep_ns = 4 * KEYFRAME_EVERY * TICK_NS
    sizes = []
    written = markets(24 * KEYFRAME_EVERY, instruments=300)
    for at in range(0, len(written), 16):
        newest = written[at + 15]
        log.write(written[at : at + 16], newest.market_time_ns)
        store.prune_before(newest.market_time_ns - keep_ns)
        sizes.append(store.size_bytes)
    assert sizes[-1] < 1.1 * sizes[len(sizes) // 2]
    assert store.oldest_version > 18 * KEYFRAME_EVERY


def test_a_reader_that_stays_keeps_the_write_ahead_log_only_until_it_leaves(
    path: Path, store: SqliteMarketStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_market_store, "_COMMITS_PER_CHECKPOINT", 20)
    written = markets(120)
    log = MarketLog(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM market").fetchone() == (0,)
        for each in written[:60]:
            log.write([each], START_NS)
        assert reader.execute("SELECT count(*) FROM market").fetchone() == (0,)
        reader.execute("COMMIT")
    wal = path.with_name(path.name + "-wal")
    for each in written[60:100]:
        log.write([each], START_NS)
    grown = wal.stat().st_size
    for each in written[100:]:
        log.write([each], START_NS)
    assert wal.stat().st_size == grown
    assert named(store.snapshots()) == named(written)


def test_after_a_failure_everything_that_writes_is_refused_and_reading_goes_on(
    store: SqliteMarketStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = markets(5)
    log = MarketLog(store)
    log.write(written[:2], START_NS)
    with monkeypatch.context() as patched:
        patched.setattr(store, "_commit", fail)
        with pytest.raises(StoreFailure) as caught:
            log.write(written[2:4], START_NS)
    assert (caught.value.operation, caught.value.errno) == ("put", errno.EIO)
    for refused in (
        lambda: log.write(written[2:4], START_NS),
        lambda: store.prune_before(0),
    ):
        with pytest.raises(StoreFailure, match="reopen"):
            refused()
    assert named(store.snapshots()) == named(written[:2])
    store.reopen()
    log.write(written[2:], START_NS)
    assert named(store.snapshots()) == named(written)


def fail() -> None:
    raise OSError(errno.EIO, "injected")


def test_a_reopening_that_fails_goes_on_refusing(path: Path, store: SqliteMarketStore) -> None:
    write(store, markets(2))
    store.close()
    kept = path.read_bytes()
    path.write_bytes(b"no database" * 100)
    with pytest.raises(CorruptLedger):
        store.reopen()
    with pytest.raises(StoreFailure, match="reopen"):
        store.prune_before(0)
    path.write_bytes(kept)
    store.reopen()
    write(store, markets(1, start=3))
    assert named(store.snapshots()) == named([*markets(2), *markets(1, start=3)])


def test_versions_that_end_before_the_newest_are_refused(
    path: Path, store: SqliteMarketStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, markets(3))
    monkeypatch.setattr(SqliteMarketReader, "newest_version", 5)
    read = SqliteMarketReader(path).snapshots()
    assert [next(read).version for _ in range(3)] == [1, 2, 3]
    with pytest.raises(CorruptLedger, match="market version 5") as caught:
        next(read)
    assert caught.value.seq == 5
