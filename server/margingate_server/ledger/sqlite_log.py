"""A ledger directory that is only read: beside a running server, or when nobody owns it."""

import errno
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from margingate_server.ledger import sqlite_reading as reading
from margingate_server.ledger.chain import EMPTY
from margingate_server.ledger.head_file import load_head
from margingate_server.ledger.store import CorruptLedger, EventRecord, Head, StoreFailure

DATABASE, HEAD_FILE = "ledger.sqlite", "ledger.head"


class SqliteLog:
    """The log of a directory as it was at construction; nothing is written to its files.

    head: what the head file names. Only up to there the events were known to be durable, so what
    is made to last is made of them alone. end: the last event there is in the database; a server
    that starts goes on after it.
    """

    def __init__(self, directory: Path) -> None:
        """CorruptLedger when the log is behind its head file or contradicts it; StoreFailure."""
        self.path = directory / DATABASE
        head_path = directory / HEAD_FILE
        if not self.path.exists():
            raise StoreFailure("read", errno.ENOENT, f"there is no ledger in {directory}")
        named = load_head(head_path)
        self.end: Head = reading.log_head(self.path)
        if named is None and self.end.seq:
            problem = f"missing beside a log of {self.end.seq} events"
            raise CorruptLedger(self.end.seq, str(head_path), problem)
        self.head: Head = named or EMPTY
        if self.head.seq > self.end.seq:
            problem = f"the log ends here, its head file names event {self.head.seq}"
            raise CorruptLedger(self.end.seq + 1, str(self.path), problem)
        if reading.stored_hash(self.path, self.head.seq) != self.head.hash:
            raise CorruptLedger(self.head.seq, str(self.path), "not the event the head file names")

    def read(self, after_seq: int = 0) -> Iterator[EventRecord]:
        """As Store.read, to the head and no further."""
        records = reading.read_events(self.path, after_seq, self.head)
        return islice(records, max(0, self.head.seq - after_seq))

    def read_all(self) -> Iterator[EventRecord]:
        """Every record to the end, each verified before it is handed out."""
        return islice(reading.read_events(self.path, 0, self.end), self.end.seq)

    def get(self, seq: int) -> EventRecord | None:
        """See Store."""
        return reading.event_at(self.path, seq) if 1 <= seq <= self.head.seq else None
