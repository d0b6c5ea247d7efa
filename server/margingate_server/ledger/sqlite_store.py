"""The embedded store: one SQLite file, one owner, one durable transaction per append."""

import errno
import shutil
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock

from margingate_server.ledger import sqlite_reading as reading
from margingate_server.ledger.chain import encode, link, seal
from margingate_server.ledger.durable_files import make_directory
from margingate_server.ledger.head_file import HeadFile, load_head
from margingate_server.ledger.owner_lock import OwnerLock
from margingate_server.ledger.sqlite_file import (
    COLUMNS,
    SQLITE_ERRORS,
    connect_checkpointer,
    open_database,
    row_of,
    try_append,
    wal_path,
    write_failure,
)
from margingate_server.ledger.store import (
    HASH_BYTES,
    CorruptLedger,
    EventDraft,
    EventRecord,
    Head,
    StoreFailure,
)

_INSERT = f"INSERT INTO event({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608 - literals
# The write-ahead log starts over, at the cost of a short wait of the writer, at 16 MiB.
_WAL_PAGES_MAX = 4096


class SqliteStore:
    """A Store in one directory, owned exclusively from construction to `close()`.

    The writer's next transaction is opened right after each commit. That keeps every other writer
    out of the file, and only `checkpoint()` ever starts the write-ahead log over, never while
    another checkpoint runs: SQLite before 3.51.3 can lose pages when the two coincide.
    """

    _head: Head
    _head_file: HeadFile
    _writer: sqlite3.Connection
    _checkpointer: sqlite3.Connection
    _is_restart_due: bool

    def __init__(self, directory: Path, *, opened_ns: int) -> None:
        """Open the ledger in `directory`, made if missing; `opened_ns` is told to a second opener.

        Raises LedgerInUse, CorruptLedger if the end of the log is not what the head file says
        (the rest is verified as it is read), or StoreFailure.
        """
        self._path = directory / "ledger.sqlite"
        self._head_path = directory / "ledger.head"
        # Taken in this order where both are.
        self._background = Lock()
        self._writing = Lock()
        self._bytes_written = 0
        self._has_failed = True
        with _as_store_failure("open"), ExitStack() as resources:
            make_directory(directory)
            resources.callback(OwnerLock(directory / "ledger.lock", opened_ns).release)
            self._files = resources.enter_context(ExitStack())
            self._open_files()
            self._resources = resources.pop_all()

    @property
    def head(self) -> Head:
        """The last durable event, as of the last append."""
        return self._head

    @property
    def bytes_written(self) -> int:
        """Bytes of the events appended since this store was made, as hashed, and their hashes."""
        return self._bytes_written

    @property
    def wal_bytes(self) -> int:
        """Size of the write-ahead log; much above 16 MiB a reader keeps it from starting over."""
        wal = wal_path(self._path)
        return wal.stat().st_size if wal.exists() else 0

    @property
    def disk_free_bytes(self) -> int:
        """What is left for it on its disk; without room for a commit the ledger goes down."""
        return shutil.disk_usage(self._path.parent).free

    def append(self, events: Sequence[EventDraft]) -> list[EventRecord]:
        """See Store; raises ValueError, with nothing written, for an event that has no encoding."""
        with self._writing:
            self._refuse_after_failure("append")
            records, size_bytes = _chained(self._head, events)
            if not records:
                return records
            head = Head(records[-1].seq, records[-1].hash)
            with self._failing_closed("append"):
                self._writer.executemany(_INSERT, map(row_of, records))
                self._writer.execute("COMMIT")
                self._head_file.record(head)
                self._writer.execute("BEGIN IMMEDIATE")
            self._head = head
            self._bytes_written += size_bytes
            return records

    def read(self, after_seq: int = 0) -> Iterator[EventRecord]:
        """See Store; holds no transaction open between records."""
        return reading.read_events(self._path, after_seq, self._head)

    def get(self, seq: int) -> EventRecord | None:
        """See Store."""
        if not 1 <= seq <= self._head.seq:
            return None
        if (record := reading.event_at(self._path, seq)) is None:
            raise CorruptLedger(seq, str(self._path), "missing")
        return record

    def find(self, account: str, request_id: str) -> EventRecord | None:
        """See Store; scans from the newest event."""
        return reading.newest_event(self._path, account, request_id)

    def read_kinds(
        self, kinds: Collection[str], after_seq: int, through_seq: int
    ) -> list[EventRecord]:
        """See Store; reads no body of another kind."""
        return reading.events_of_kinds(self._path, kinds, after_seq, through_seq)

    def sync_head(self) -> None:
        """Make the head file durable; for a background thread, every second.

        Raises StoreFailure, after which writes are refused until `reopen()`.
        """
        with self._background:
            self._refuse_after_failure("sync_head")
            with self._failing_closed("sync_head"):
                self._head_file.sync()

    def checkpoint(self) -> None:
        """Move what is committed into the database file; for a background thread, every second.

        Appends go on meanwhile; only for what they added they wait. Raises as `sync_head`.
        """
        with self._background:
            self._refuse_after_failure("checkpoint")
            with self._failing_closed("checkpoint"):
                if not self._is_restart_due:
                    _, pages, moved = self._checkpoint("PASSIVE")
                    self._is_restart_due = 0 < pages == moved or pages >= _WAL_PAGES_MAX
                if self._is_restart_due:
                    self._restart_wal()

    def reopen(self) -> None:
        """See Store."""
        with self._background, self._writing:
            self._has_failed = True
            with self._failing_closed("reopen"):
                self._files.close()
                self._open_files()

    def close(self) -> None:
        """See Store; the head file is synced and the write-ahead log moved into the database."""
        with self._background, self._writing, self._resources:
            if not self._has_failed:
                with self._failing_closed("close"):
                    self._head_file.sync()
            self._has_failed = True

    @staticmethod
    def rebuild_head(directory: Path, *, opened_ns: int) -> Head:
        """The head of the log in `directory` as it is, verified whole, now in a new head file.

        The answer to a missing or contradicting head file, if the log is known to be complete:
        events that it lost stay lost. Raises as the constructor does, and CorruptLedger at the
        first bad event.
        """
        path = directory / "ledger.sqlite"
        with _as_store_failure("rebuild_head"), ExitStack() as resources:
            resources.callback(OwnerLock(directory / "ledger.lock", opened_ns).release)
            resources.callback(open_database(path).close)
            head = reading.log_head(path)
            for _ in reading.read_events(path, 0, head):
                pass
            HeadFile(directory / "ledger.head", head).close()
        return head

    def _open_files(self) -> None:
        named = load_head(self._head_path)
        with ExitStack() as files:
            self._writer = open_database(self._path)
            files.callback(self._writer.close)
            self._head = reading.log_head(self._path)
            self._refuse_lost_tail(named)
            self._head_file = HeadFile(self._head_path, self._head)
            files.callback(self._head_file.close)
            self._checkpointer = connect_checkpointer(self._path)
            files.callback(self._checkpointer.close)
            self._writer.execute("BEGIN IMMEDIATE")
            try_append(self._writer, self._head.seq + 1, self._path)
            self._files.push(files.pop_all())
        self._is_restart_due = False
        self._has_failed = False

    def _refuse_lost_tail(self, named: Head | None) -> None:
        accept = "; if the log is known to be complete, rebuild_head accepts it as it is"
        if named is None:
            if self._head.seq:
                problem = f"missing beside a log of {self._head.seq} events{accept}"
                raise CorruptLedger(self._head.seq, str(self._head_path), problem)
            return
        if named.seq > self._head.seq:
            problem = f"the log ends here, its head file names event {named.seq}{accept}"
            raise CorruptLedger(self._head.seq + 1, str(self._path), problem)
        if reading.stored_hash(self._path, named.seq) != named.hash:
            problem = f"not the event that {self._head_path.name} names"
            raise CorruptLedger(named.seq, str(self._path), problem)

    def _restart_wal(self) -> None:
        with self._writing:
            # Rolls back nothing: it gives the write lock to the checkpoint.
            self._writer.execute("ROLLBACK")
            is_busy, _, _ = self._checkpoint("RESTART")
            self._writer.execute("BEGIN IMMEDIATE")
        # A reader in the old log keeps it; then the next checkpoint tries again, under the lock.
        self._is_restart_due = bool(is_busy)

    def _checkpoint(self, mode: str) -> tuple[int, int, int]:
        row = self._checkpointer.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return (row[0], row[1], row[2])

    def _refuse_after_failure(self, operation: str) -> None:
        if self._has_failed:
            raise StoreFailure(operation, errno.EIO, "refused after an earlier failure: reopen")

    @contextmanager
    def _failing_closed(self, operation: str) -> Iterator[None]:
        try:
            with _as_store_failure(operation):
                yield
        except BaseException:
            self._has_failed = True
            raise


@contextmanager
def _as_store_failure(operation: str) -> Iterator[None]:
    try:
        yield
    except (*SQLITE_ERRORS, OSError) as error:
        raise write_failure(operation, error) from error


def _chained(head: Head, events: Sequence[EventDraft]) -> tuple[list[EventRecord], int]:
    records, size_bytes, previous_hash = [], 0, head.hash
    for seq, event in enumerate(events, head.seq + 1):
        encoded = encode(seq, event)
        previous_hash = link(previous_hash, encoded)
        records.append(seal(event, seq, previous_hash))
        size_bytes += len(encoded) + HASH_BYTES
    return records, size_bytes
