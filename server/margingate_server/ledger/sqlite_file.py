"""The database files of the embedded stores: schema, connections, and SQLite's errors."""

import errno
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from margingate_server.ledger.durable_files import create_file, rewrite_file, sync_directory
from margingate_server.ledger.store import (
    CorruptLedger,
    EventRecord,
    LedgerError,
    LedgerInUse,
    StoreFailure,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a database file has to be: whose it is, which version, its one table.

    frees_pages: whether rows are ever deleted, so that a page may be without use.
    """

    application_id: int
    schema_version: int
    table: str
    schema: str
    frees_pages: bool


# No index but the row id: each one is another page written per event. What must be unique is made
# so by the decider, in memory. The body stands last: the rest is read without its overflow pages.
_SCHEMA = """CREATE TABLE event(
  seq INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  version INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  model TEXT NOT NULL,
  parameters_digest TEXT NOT NULL,
  market_version INTEGER NOT NULL,
  recorded_ns INTEGER NOT NULL,
  hash BLOB NOT NULL,
  body BLOB NOT NULL
) STRICT"""
_EVENTS = Layout(
    application_id=0x4D474C31,  # "MGL1"
    schema_version=1,
    table="event",
    schema=_SCHEMA,
    frees_pages=False,
)
COLUMNS = (
    "seq, account, version, request_id, kind, model, parameters_digest, market_version, "
    "recorded_ns, hash, body"
)

_TRIAL_BYTES = 6000
_TRIAL = f"INSERT INTO event({COLUMNS}) VALUES (?,'',0,'','','','',0,0,x'',?)"  # noqa: S608 - literals
# Where SQLite's header says which version may write; above 2 it opens the file for reading only.
_WRITER_VERSION_AT = 18
_WRITER_VERSIONS = (1, 2)

Row = tuple[int, str, int, str, str, str, str, int, int, bytes, bytes]

# What a call of SQLite may raise. Of a damaged file even the error message may be undecodable.
SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)

# SQLite's primary result codes that speak of the system around the file, not of what is in it.
_ERRNO_BY_CODE = {
    sqlite3.SQLITE_PERM: errno.EPERM,
    sqlite3.SQLITE_BUSY: errno.EBUSY,
    sqlite3.SQLITE_LOCKED: errno.EBUSY,
    sqlite3.SQLITE_NOMEM: errno.ENOMEM,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_INTERRUPT: errno.EINTR,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_CANTOPEN: errno.EIO,
}


def open_database(path: Path, layout: Layout = _EVENTS) -> sqlite3.Connection:
    """A connection that may write to the database `path`, made if missing; of events by default.

    What a crash left in the write-ahead log is on the disk when this returns, and only what is on
    the disk is read afterwards. Raises CorruptLedger for anything but a file of this layout,
    LedgerInUse while someone else writes, StoreFailure.
    """
    try:
        create_file(path)
        wal = wal_path(path)
        if not path.stat().st_size and wal.exists() and wal.stat().st_size:
            # SQLite would delete the write-ahead log.
            raise CorruptLedger(0, str(path), "empty beside a write-ahead log")
        rewrite_file(wal)
        return _connect_writer(path, layout)
    except OSError as error:
        raise write_failure("open", error) from error
    except SQLITE_ERRORS as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            raise LedgerInUse(0, 0) from error
        raise read_failure(error, 0, str(path)) from error


def wal_path(path: Path) -> Path:
    """Where SQLite keeps the write-ahead log of the database `path`."""
    return path.with_name(path.name + "-wal")


def connect_checkpointer(path: Path) -> sqlite3.Connection:
    """A connection for checkpoints, which never waits for a reader."""
    connection = _connect(path, "rw", timeout_seconds=0.0)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, and that leaves the write-ahead log alone when closed."""
    return _connect(path, "ro", timeout_seconds=1.0)


def row_of(record: EventRecord) -> Row:
    """The values of COLUMNS for `record`."""
    return (
        record.seq,
        record.account,
        record.version,
        record.request_id,
        record.kind,
        record.model,
        record.parameters_digest,
        record.market_version,
        record.recorded_ns,
        record.hash,
        record.body,
    )


def record_of(row: Row) -> EventRecord:
    """The record whose values of COLUMNS are `row`, unverified."""
    return EventRecord(
        seq=row[0],
        account=row[1],
        version=row[2],
        request_id=row[3],
        kind=row[4],
        model=row[5],
        parameters_digest=row[6],
        market_version=row[7],
        recorded_ns=row[8],
        hash=row[9],
        body=row[10],
    )


def try_append(connection: sqlite3.Connection, seq: int, path: Path) -> None:
    """Append an event longer than a page and take it back, in the transaction that is open.

    Damage that only a writer meets would otherwise be found by every append and by no reader.
    Raises CorruptLedger at `seq`, and SQLite's own errors for what the system is to blame for.
    """
    try:
        connection.execute("SAVEPOINT trial")
        connection.execute(_TRIAL, (seq, bytes(_TRIAL_BYTES)))
        connection.execute("ROLLBACK TO trial")
        connection.execute("RELEASE trial")
    except SQLITE_ERRORS as error:
        is_damage = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT
        if is_damage or _writer_version(path) not in _WRITER_VERSIONS:
            raise CorruptLedger(seq, str(path), f"cannot be appended to: {error}") from error
        raise


def _writer_version(path: Path) -> int:
    """What a program must know that writes to the file: a byte of its header."""
    with path.open("rb") as file:
        return file.read(_WRITER_VERSION_AT + 1)[_WRITER_VERSION_AT]


def write_failure(operation: str, error: Exception) -> StoreFailure:
    """`error` of a write as a StoreFailure; the errno is a near one where SQLite keeps its own."""
    if isinstance(error, OSError):
        return StoreFailure(operation, error.errno or errno.EIO, str(error))
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return StoreFailure(operation, _ERRNO_BY_CODE.get(code & 0xFF, errno.EIO), f"{name}: {error}")


def read_failure(error: Exception, seq: int, place: str) -> LedgerError:
    """`error` of a read: CorruptLedger at `seq` unless the system, not the content, is to blame."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    if code & 0xFF in _ERRNO_BY_CODE:
        return write_failure("read", error)
    return CorruptLedger(seq, place, f"unreadable: {error}")


def _connect_writer(path: Path, layout: Layout) -> sqlite3.Connection:
    connection = _connect(path, "rw", timeout_seconds=1.0)
    try:
        # Each commit is synced; checkpoints are run by hand, off the commit path.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("BEGIN IMMEDIATE")
        if not _schema(connection) and _pragma(connection, "application_id") == 0:
            _create_schema(connection, layout)
        connection.execute("COMMIT")
        # Whether the new write-ahead log's directory entry reached the disk, SQLite does not ask.
        sync_directory(path.parent)
        _refuse_foreign_schema(connection, path, layout)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, mode: str, *, timeout_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=timeout_seconds,
        isolation_level=None,
        check_same_thread=False,
    )
    # Pages are looked at before they are believed, and nothing in the file may run as code.
    connection.execute("PRAGMA cell_size_check=ON")
    connection.execute("PRAGMA trusted_schema=OFF")
    return connection


def _pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def _schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT name, sql FROM sqlite_schema").fetchall()


def _create_schema(connection: sqlite3.Connection, layout: Layout) -> None:
    connection.execute(layout.schema)
    connection.execute(f"PRAGMA application_id={layout.application_id}")
    connection.execute(f"PRAGMA user_version={layout.schema_version}")


def _refuse_foreign_schema(connection: sqlite3.Connection, path: Path, layout: Layout) -> None:
    expected: dict[str, object] = {
        "application_id": layout.application_id,
        "user_version": layout.schema_version,
        "journal_mode": "wal",
        "encoding": "UTF-8",
        "auto_vacuum": 0,
    }
    if not layout.frees_pages:
        # A free list that names a page in use would have it overwritten.
        expected["freelist_count"] = 0
    for name, value in expected.items():
        if (found := _pragma(connection, name)) != value:
            problem = f"{name} is {found!r}, this build needs {value!r}"
            raise CorruptLedger(0, str(path), problem)
    if _schema(connection) != [(layout.table, layout.schema)]:
        raise CorruptLedger(0, str(path), "the schema is not the one of this version")
