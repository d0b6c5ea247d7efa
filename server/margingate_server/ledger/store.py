"""What a ledger stores, what may go wrong with it, and the interface every store has."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

HASH_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDraft:
    """An event as decided, before it has a place in the log.

    `account` is empty for administrative events; `version` counts the events of one account from 1
    (administrative ones count under the empty account). The decider guarantees that
    (account, version) is unique; no store checks it. `recorded_ns` is nanoseconds since 1970 UTC.
    """

    account: str
    version: int
    request_id: str
    kind: str
    body: bytes
    model: str
    parameters_digest: str
    market_version: int
    recorded_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """An event in the log: its place `seq` (from 1), its draft, and the hash of the chain to it."""

    seq: int
    account: str
    version: int
    request_id: str
    kind: str
    body: bytes
    model: str
    parameters_digest: str
    market_version: int
    recorded_ns: int
    hash: bytes


class Head(NamedTuple):
    """The last event's seq and hash; of an empty log 0 and the genesis hash."""

    seq: int
    hash: bytes


class LedgerError(Exception):
    """Base of everything a store raises; never raised itself."""


class StoreFailure(LedgerError):  # noqa: N818 - named for what it is, not that it is an error
    """A write, fsync or read failed: `operation`, the system's `errno`, and the `reason` in words.

    After a failed write nothing may be assumed about the events of that call, and the store refuses
    all writes until `reopen()`.
    """

    def __init__(self, operation: str, errno: int, reason: str) -> None:
        super().__init__(operation, errno, reason)
        self.operation = operation
        self.errno = errno
        self.reason = reason


class CorruptLedger(LedgerError):  # noqa: N818
    """What is stored is not what was written: the first bad `seq`, the `place`, the `problem`."""

    def __init__(self, seq: int, place: str, problem: str) -> None:
        super().__init__(seq, place, problem)
        self.seq = seq
        self.place = place
        self.problem = problem


class LedgerInUse(LedgerError):  # noqa: N818
    """Another owns the ledger: its process `pid`, and `since_ns` when; both 0 if unknown."""

    def __init__(self, pid: int, since_ns: int) -> None:
        super().__init__(pid, since_ns)
        self.pid = pid
        self.since_ns = since_ns


class Store(Protocol):
    """An append-only, hash-chained log of events.

    One thread appends at a time, not always the same one; reads may run beside it from any thread.
    """

    @property
    def head(self) -> Head:
        """The last durable event, as of the last append of this store."""
        ...

    @property
    def bytes_written(self) -> int:
        """Bytes of events appended since the store was made; grows only."""
        ...

    def append(self, events: Sequence[EventDraft]) -> list[EventRecord]:
        """The records of `events`, in order, durable as one transaction when this returns.

        Raises StoreFailure; then some or none of the events may turn out to be in the log, and all
        further writes are refused until `reopen()`.
        """
        ...

    def read(self, after_seq: int = 0) -> Iterator[EventRecord]:
        """The records with seq > `after_seq` in order, each verified before it is handed out.

        Ends at a head not older than the one at the call. Raises CorruptLedger at the first bad
        record, also when the log ends before `after_seq` or before the head.
        """
        ...

    def get(self, seq: int) -> EventRecord | None:
        """The record at `seq`, verified against its predecessor; None outside 1..head."""
        ...

    def find(self, account: str, request_id: str) -> EventRecord | None:
        """The newest record of `account` with `request_id`, verified; None if there is none.

        May scan the whole log: not for the hot path.
        """
        ...

    def read_kinds(
        self, kinds: Collection[str], after_seq: int, through_seq: int
    ) -> list[EventRecord]:
        """The records of these kinds with after_seq < seq <= through_seq in order, each verified.

        Looks at the kind of every event between: of a long log ask for a part at a time. A kind
        that was damaged on the disk hides its event; `read` would find that.
        """
        ...

    def reopen(self) -> None:
        """Close and open again after a failure, and verify the head; then writes are accepted.

        Read the log afresh before the next append: it may hold unacknowledged events.
        Raises what opening raises; the store then goes on refusing writes.
        """
        ...

    def close(self) -> None:
        """Give everything back; closing twice is allowed, using a closed store is not."""
        ...
