"""A ledger in memory, for what happens around a store: it can fail, and it can be slow."""

from collections.abc import Callable, Collection, Iterator, Sequence
from errno import EIO

from margingate_server.ledger.chain import EMPTY, encode, link, seal, verify
from margingate_server.ledger.store import (
    CorruptLedger,
    EventDraft,
    EventRecord,
    Head,
    StoreFailure,
)


class MemoryStore:
    """A Store without files.

    before_append: called with each batch before it is kept; what it raises fails the append.
    keeps_failed: whether the batch of a failed append turns out to be in the log all the same.
    """

    def __init__(self) -> None:
        self.records: list[EventRecord] = []
        self.batches: list[int] = []
        self.before_append: Callable[[Sequence[EventDraft]], None] = lambda _batch: None
        self.keeps_failed = False
        self.has_failed = False
        self.reopened_count = 0
        self.bytes_written = 0

    @property
    def head(self) -> Head:
        """The last event."""
        return Head(self.records[-1].seq, self.records[-1].hash) if self.records else EMPTY

    def append(self, events: Sequence[EventDraft]) -> list[EventRecord]:
        """The records of the events, kept unless `before_append` raises."""
        if self.has_failed:
            raise StoreFailure("append", EIO, "refused after an earlier failure")
        try:
            self.before_append(events)
        except BaseException:
            self.has_failed = True
            if self.keeps_failed:
                self._keep(events)
            raise
        self.batches.append(len(events))
        return self._keep(events)

    def read(self, after_seq: int = 0) -> Iterator[EventRecord]:
        """Every record after `after_seq`, verified."""
        head = EMPTY
        if after_seq > self.head.seq:
            raise CorruptLedger(after_seq, "memory", "missing")
        for record in list(self.records):
            head = verify(head, record, "memory")
            if record.seq > after_seq:
                yield record

    def get(self, seq: int) -> EventRecord | None:
        """The record at `seq`."""
        return self.records[seq - 1] if 1 <= seq <= len(self.records) else None

    def find(self, account: str, request_id: str) -> EventRecord | None:
        """The newest record of a request."""
        for record in reversed(self.records):
            if (record.account, record.request_id) == (account, request_id):
                return record
        return None

    def read_kinds(
        self, kinds: Collection[str], after_seq: int, through_seq: int
    ) -> list[EventRecord]:
        """The records of these kinds in a part of the log."""
        part = self.records[after_seq:through_seq]
        return [record for record in part if record.kind in kinds]

    def reopen(self) -> None:
        """Take events again."""
        self.reopened_count += 1
        self.has_failed = False

    def close(self) -> None:
        """Nothing is to be given back."""

    def _keep(self, events: Sequence[EventDraft]) -> list[EventRecord]:
        kept: list[EventRecord] = []
        previous, size_bytes = self.head.hash, 0
        for seq, event in enumerate(events, self.head.seq + 1):
            encoded = encode(seq, event)
            previous = link(previous, encoded)
            kept.append(seal(event, seq, previous))
            size_bytes += len(encoded)
        self.records.extend(kept)  # at once: a reader sees all of a batch or nothing
        self.bytes_written += size_bytes
        return kept


def fails_once(error: Exception) -> Callable[[Sequence[EventDraft]], None]:
    """A `before_append` that raises once and lets everything pass afterwards."""
    errors = [error]

    def before_append(_batch: Sequence[EventDraft]) -> None:
        if errors:
            raise errors.pop()

    return before_append


def disk_full() -> StoreFailure:
    """What a store raises when the disk is full."""
    return StoreFailure("append", 28, "no space left on device")
