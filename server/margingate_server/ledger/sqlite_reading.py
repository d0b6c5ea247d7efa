"""Reading the embedded store: every record is verified before it is handed out.

Each call has a connection of its own, so it may run on any thread beside the writer.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from margingate_server.ledger.chain import EMPTY, verify
from margingate_server.ledger.sqlite_file import (
    COLUMNS,
    SQLITE_ERRORS,
    Row,
    connect_reader,
    read_failure,
    record_of,
)
from margingate_server.ledger.store import CorruptLedger, EventRecord, Head

_SELECT = f"SELECT {COLUMNS} FROM event"  # noqa: S608 - a literal
_ROWS_PER_READ = 1000


def read_events(path: Path, after_seq: int, head: Head) -> Iterator[EventRecord]:
    """The records after `after_seq`, to `head` or beyond; raises CorruptLedger where one is bad."""
    with _reading(path, after_seq + 1) as connection:
        previous = _stored_head(connection, path, after_seq)
    while rows := _rows_after(path, previous.seq):
        for row in rows:
            record = record_of(row)
            previous = verify(previous, record, str(path))
            yield record
    if previous.seq < head.seq:
        problem = f"the log ends before its head, event {head.seq}"
        raise CorruptLedger(previous.seq + 1, str(path), problem)


def event_at(path: Path, seq: int) -> EventRecord | None:
    """The record at `seq`, verified against its predecessor; None if there is none."""
    with _reading(path, seq) as connection:
        row = connection.execute(f"{_SELECT} WHERE seq = ?", (seq,)).fetchone()
        if row is None:
            return None
        record = record_of(row)
        verify(_stored_head(connection, path, seq - 1), record, str(path))
        return record


def newest_event(path: Path, account: str, request_id: str) -> EventRecord | None:
    """The newest record of `account` with `request_id`, by a scan; None if there is none."""
    with _reading(path, 0) as connection:
        row = connection.execute(
            "SELECT seq FROM event WHERE account = ? AND request_id = ? ORDER BY seq DESC LIMIT 1",
            (account, request_id),
        ).fetchone()
    return None if row is None else event_at(path, row[0])


def events_of_kinds(
    path: Path, kinds: Collection[str], after_seq: int, through_seq: int
) -> list[EventRecord]:
    """The records of some kinds with after_seq < seq <= through_seq, each verified as event_at."""
    marks = ",".join("?" * len(kinds))
    with _reading(path, after_seq + 1) as connection:
        rows = connection.execute(
            f"{_SELECT} WHERE seq > ? AND seq <= ? AND kind IN ({marks}) ORDER BY seq",
            (after_seq, through_seq, *kinds),
        ).fetchall()
        records = [record_of(row) for row in rows]
        for record in records:
            verify(_stored_head(connection, path, record.seq - 1), record, str(path))
        return records


def log_head(path: Path) -> Head:
    """The head of the log, its last record verified against the one before."""
    with _reading(path, 0) as connection:
        row = connection.execute(f"{_SELECT} ORDER BY seq DESC LIMIT 1").fetchone()
        if row is None:
            return EMPTY
        record = record_of(row)
        return verify(_stored_head(connection, path, record.seq - 1), record, str(path))


def stored_hash(path: Path, seq: int) -> bytes:
    """The hash stored with event `seq`, unverified; the genesis hash for 0."""
    with _reading(path, seq) as connection:
        return _stored_head(connection, path, seq).hash


def _rows_after(path: Path, seq: int) -> list[Row]:
    # Read to the end at once: a read left open would keep the write-ahead log from starting over.
    with _reading(path, seq + 1) as connection:
        return connection.execute(
            f"{_SELECT} WHERE seq > ? ORDER BY seq LIMIT ?", (seq, _ROWS_PER_READ)
        ).fetchall()


def _stored_head(connection: sqlite3.Connection, path: Path, seq: int) -> Head:
    if seq <= 0:
        return EMPTY
    row = connection.execute("SELECT hash FROM event WHERE seq = ?", (seq,)).fetchone()
    if row is None:
        raise CorruptLedger(seq, str(path), "missing")
    return Head(seq, row[0])


@contextmanager
def _reading(path: Path, seq: int) -> Iterator[sqlite3.Connection]:
    try:
        with closing(connect_reader(path)) as connection:
            yield connection
    except SQLITE_ERRORS as error:
        raise read_failure(error, seq, str(path)) from error
