"""The embedded market store: a SQLite file beside the ledger's, owned by the ledger's owner."""

import errno
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Lock

from margingate_engine.market.snapshot import MarketSnapshot
from margingate_server.ledger.durable_files import make_directory
from margingate_server.ledger.market_chain import refuse_disorder
from margingate_server.ledger.market_inputs import is_keyframe
from margingate_server.ledger.market_store import MarketDraft
from margingate_server.ledger.sqlite_file import (
    SQLITE_ERRORS,
    open_database,
    read_failure,
    wal_path,
    write_failure,
)
from margingate_server.ledger.sqlite_market_file import COLUMNS, MARKET, Row, draft_of, row_of
from margingate_server.ledger.sqlite_market_reading import SqliteMarketReader
from margingate_server.ledger.store import StoreFailure

FILE_NAME = "market.sqlite"

_INSERT = f"INSERT INTO market({COLUMNS}) VALUES (?,?,?,?,?,?)"  # noqa: S608 - literals
_SELECT = f"SELECT {COLUMNS} FROM market"  # noqa: S608 - a literal
_PRUNE_ROWS_MAX = 1000
# With five versions a second some 4 ms once in a minute, and a write-ahead log of a few MiB.
_COMMITS_PER_CHECKPOINT = 300


class SqliteMarketStore:
    """A MarketStore in the directory of a ledger; open it only while you own that ledger.

    The next transaction is opened right after each commit, which keeps every other writer out of
    the file. Checkpoints run on the one connection that writes, readers cannot run any: so two
    never coincide, which is what makes SQLite before 3.51.3 lose pages. They are asked for rather
    than left to SQLite, which keeps quiet about one that failed.
    """

    _writer: sqlite3.Connection
    _newest_version: int | None

    def __init__(self, directory: Path) -> None:
        """Open the file in `directory`, made if missing.

        Raises CorruptLedger for a file that is no market store, LedgerInUse, StoreFailure.
        """
        self._path = directory / FILE_NAME
        self._reader = SqliteMarketReader(self._path)
        self._writing = Lock()
        self._has_failed = True
        self._commits = 0
        self._files = ExitStack()
        with self._failing_closed("open"):
            make_directory(directory)
            self._open_file()

    @property
    def oldest_version(self) -> int | None:
        """See MarketReader."""
        return self._reader.oldest_version

    @property
    def newest_version(self) -> int | None:
        """See MarketReader; as of the last put."""
        return self._newest_version

    @property
    def size_bytes(self) -> int:
        """See MarketStore; the file and its write-ahead log."""
        paths = (self._path, wal_path(self._path))
        return sum(path.stat().st_size for path in paths if path.exists())

    def digest(self, version: int) -> str | None:
        """See MarketReader."""
        return self._reader.digest(version)

    def snapshot(self, version: int) -> MarketSnapshot | None:
        """See MarketReader."""
        return self._reader.snapshot(version)

    def snapshots(self, from_version: int = 0) -> Iterator[MarketSnapshot]:
        """See MarketReader."""
        return self._reader.snapshots(from_version)

    def put(self, drafts: Sequence[MarketDraft]) -> None:
        """See MarketStore."""
        with self._writing:
            self._refuse_after_failure("put")
            refuse_disorder(self._newest_version, drafts)
            if not drafts:
                return
            with self._failing_closed("put"):
                self._writer.executemany(_INSERT, map(row_of, drafts))
                self._commit()
            self._newest_version = drafts[-1].version

    def prune_before(self, recorded_ns: int) -> int:
        """See MarketStore; the pages are used again, the file does not shrink.

        Raises CorruptLedger, with nothing removed, where a row on the way is damaged.
        """
        with self._writing:
            self._refuse_after_failure("prune")
            try:
                removed = self._remove_before(recorded_ns)
            except (*SQLITE_ERRORS, TypeError) as error:
                # A flipped bit can also change a stored value's type. The statement is undone;
                # sometimes with it the transaction that keeps other writers out.
                self._has_failed = not self._writer.in_transaction
                raise read_failure(error, 0, str(self._path)) from error
            if removed:
                with self._failing_closed("prune"):
                    self._commit()
            return removed

    def reopen(self) -> None:
        """See MarketStore."""
        with self._writing:
            self._has_failed = True
            with self._failing_closed("reopen"):
                self._files.close()
                self._open_file()

    def close(self) -> None:
        """See MarketStore; the write-ahead log is moved into the database."""
        with self._writing:
            self._has_failed = True
            with self._failing_closed("close"):
                self._files.close()

    def _open_file(self) -> None:
        with ExitStack() as files:
            self._writer = open_database(self._path, MARKET)
            files.callback(self._writer.close)
            self._newest_version = self._reader.newest_version
            self._writer.execute("BEGIN IMMEDIATE")
            self._files = files.pop_all()
        self._has_failed = False

    def _commit(self) -> None:
        self._writer.execute("COMMIT")
        self._commits += 1
        if self._commits % _COMMITS_PER_CHECKPOINT == 0:
            self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        self._writer.execute("BEGIN IMMEDIATE")

    def _remove_before(self, recorded_ns: int) -> int:
        """How many rows were deleted: those before the newest keyframe with only old ones before.

        The keyframe is verified first: what must not go may depend on it.
        """
        query = f"{_SELECT} ORDER BY version LIMIT {_PRUNE_ROWS_MAX}"
        first_kept: Row | None = None
        with closing(self._writer.execute(query)) as rows:
            for row in rows:
                if is_keyframe(row[-1]):
                    first_kept = row
                if row[2] >= recorded_ns:
                    break
        if first_kept is None:
            return 0
        version = draft_of(first_kept, str(self._path)).version
        return self._writer.execute("DELETE FROM market WHERE version < ?", (version,)).rowcount

    def _refuse_after_failure(self, operation: str) -> None:
        if self._has_failed:
            raise StoreFailure(operation, errno.EIO, "refused after an earlier failure: reopen")

    @contextmanager
    def _failing_closed(self, operation: str) -> Iterator[None]:
        try:
            yield
        except (*SQLITE_ERRORS, OSError) as error:
            self._has_failed = True
            raise write_failure(operation, error) from error
        except BaseException:
            self._has_failed = True
            raise
