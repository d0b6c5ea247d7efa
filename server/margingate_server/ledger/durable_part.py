"""A log as far as it is known to be durable, whatever a failed write left behind that."""

from collections.abc import Iterator
from itertools import islice

from margingate_server.ledger.chain import EMPTY
from margingate_server.ledger.store import CorruptLedger, EventRecord, Head, Store


class DurablePart:
    """The events of a store up to a number; it can be read while the store refuses writes."""

    def __init__(self, store: Store, last_seq: int) -> None:
        self._store = store
        self._last_seq = last_seq

    @property
    def head(self) -> Head:
        """The event of that number; CorruptLedger when it is not there any more."""
        if not self._last_seq:
            return EMPTY
        record = self._store.get(self._last_seq)
        if record is None:
            raise CorruptLedger(self._last_seq, "log", "was durable and is missing")
        return Head(record.seq, record.hash)

    def read(self, after_seq: int = 0) -> Iterator[EventRecord]:
        """As Store.read, to the head and no further."""
        return islice(self._store.read(after_seq), max(0, self._last_seq - after_seq))

    def get(self, seq: int) -> EventRecord | None:
        """As Store.get, None beyond the head."""
        return self._store.get(seq) if seq <= self._last_seq else None
