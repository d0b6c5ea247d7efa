"""Disks that keep what was made durable, and lose or keep what was under way."""

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from errno import EIO
from typing import NoReturn

from margingate_server.ledger.chain import EMPTY, encode, link, seal, verify
from margingate_server.ledger.folding import folded
from margingate_server.ledger.market_store import MarketDraft
from margingate_server.ledger.snapshot_file import Snapshot
from margingate_server.ledger.state_codec import encode_state
from margingate_server.ledger.store import EventDraft, EventRecord, Head, StoreFailure
from tests.unit.rpc.memory_market_store import MemoryMarketStore


class Crashed(BaseException):
    """The process died here; no code of it may catch this."""


class Fate(Enum):
    """What happens to an append. A transaction is atomic: all of it is kept, or nothing."""

    KEPT = "kept"
    FAILED_LOST = "failed, nothing kept"
    FAILED_KEPT = "failed, but kept"
    CRASHED_LOST = "crashed, nothing kept"
    CRASHED_KEPT = "crashed, but kept"


LOSING = (Fate.FAILED_LOST, Fate.CRASHED_LOST)
CRASHING = (Fate.CRASHED_LOST, Fate.CRASHED_KEPT)


class SimulatedDisk:
    """A Store whose `records` outlive every process.

    fate: of the next append that has something to write. beside: called while an append is under
    way, because decisions go on meanwhile. kept: called with what was made durable.
    is_broken: reopening fails. reads_left: a read dies after so many records; None for never.
    """

    def __init__(self) -> None:
        self.records: list[EventRecord] = []
        self.fate = Fate.KEPT
        self.beside: Callable[[], None] = lambda: None
        self.kept: Callable[[list[EventRecord]], None] = lambda _records: None
        self.is_broken = False
        self.reads_left: int | None = None
        self.has_failed = False
        self.bytes_written = 0

    @property
    def head(self) -> Head:
        """The last durable event."""
        return Head(self.records[-1].seq, self.records[-1].hash) if self.records else EMPTY

    def append(self, events: Sequence[EventDraft]) -> list[EventRecord]:
        """The records of the events; whatever happens is `fate`."""
        if self.has_failed:
            raise StoreFailure("append", EIO, "refused after an earlier failure")
        if not events:
            return []
        fate, self.fate = self.fate, Fate.KEPT
        records = self._chained(events)
        self.beside()
        if fate not in LOSING:
            self.records.extend(records)
            self.kept(records)
        if fate is not Fate.KEPT:
            self.has_failed = True
            fail(fate, "append")
        return records

    def read(self, after_seq: int = 0) -> Iterator[EventRecord]:
        """Every record after `after_seq`, verified from the first."""
        head = EMPTY
        for record in list(self.records):
            if self.reads_left is not None:
                if not self.reads_left:
                    self.reads_left = None
                    raise Crashed
                self.reads_left -= 1
            head = verify(head, record, "simulated disk")
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

    def reopen(self) -> None:
        """Take events again, unless the disk is broken."""
        self.has_failed = True
        if self.is_broken:
            raise StoreFailure("reopen", EIO, "still broken")
        self.has_failed = False

    def close(self) -> None:
        """Nothing is to be given back."""

    def _chained(self, events: Sequence[EventDraft]) -> list[EventRecord]:
        records, head = [], self.head
        for seq, event in enumerate(events, head.seq + 1):
            encoded = encode(seq, event)
            head = Head(seq, link(head.hash, encoded))
            records.append(seal(event, seq, head.hash))
            self.bytes_written += len(encoded)
        return records


class Disks:
    """Everything of a process that outlives it: the log, the markets beside it, a snapshot.

    market_fate: of the next put of markets.
    """

    def __init__(self) -> None:
        self.log = SimulatedDisk()
        self.markets = MemoryMarketStore()
        self.markets.before_put = self._put
        self.market_fate = Fate.KEPT
        self.snapshot: Snapshot | None = None

    def newest_snapshot(self) -> Snapshot | None:
        """The newest snapshot, None if there is none."""
        return self.snapshot

    def take_snapshot(self) -> None:
        """What the command makes of the durable events alone, in a process of its own."""
        if self.log.records:
            state, market_version = folded(self.log, self.snapshot)
            body = encode_state(state, market_version)
            self.snapshot = Snapshot(seq=state.last_seq, hash=self.log.head.hash, body=body)

    def replugged(self) -> None:
        """A new process opens them: what failed before it fails no more."""
        self.log.fate = self.market_fate = Fate.KEPT
        self.log.is_broken = False
        self.log.reopen()
        self.markets.reopen()

    def _put(self, _drafts: Sequence[MarketDraft]) -> None:
        fate, self.market_fate = self.market_fate, Fate.KEPT
        self.markets.keeps_failed = fate not in LOSING
        if fate is not Fate.KEPT:
            fail(fate, "put")


def fail(fate: Fate, operation: str) -> NoReturn:
    """End an operation as its fate has it."""
    if fate in CRASHING:
        raise Crashed
    raise StoreFailure(operation, EIO, fate.value)
