"""From the log to the state: the newest snapshot, and every event after it."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import msgspec

from margingate_engine.core.errors import InvalidInput
from margingate_server.ledger.events import decode_event
from margingate_server.ledger.fold import apply
from margingate_server.ledger.snapshot_file import WITHOUT, Snapshot
from margingate_server.ledger.state import ShardState
from margingate_server.ledger.state_codec import decode_state
from margingate_server.ledger.store import CorruptLedger, EventRecord, Head


class EventLog(Protocol):
    """What is read of a log: a part of Store."""

    @property
    def head(self) -> Head:
        """See Store."""
        ...

    def read(self, after_seq: int = 0) -> Iterator[EventRecord]:
        """See Store."""
        ...

    def get(self, seq: int) -> EventRecord | None:
        """See Store."""
        ...


def folded(log: EventLog, snapshot: Snapshot | None = None) -> tuple[ShardState, int]:
    """(state after every event of the log, greatest market version that any of them cites).

    With a snapshot of the log only what follows it is read and verified. CorruptLedger names the
    event that cannot be applied, or the snapshot that is not of this log.
    """
    with _uncollected():
        state, market_version = (ShardState(), 0) if snapshot is None else restored(log, snapshot)
        for record in log.read(state.last_seq):
            market_version = max(market_version, record.market_version)
            fold_record(state, record)
    return state, market_version


def fold_record(state: ShardState, record: EventRecord) -> None:
    """Move `state` by a record of the log; CorruptLedger when it cannot be applied."""
    try:
        apply(state, decode_event(record.body), record.seq, record.recorded_ns)
    except (msgspec.DecodeError, KeyError, ValueError, AssertionError, InvalidInput) as error:
        raise CorruptLedger(record.seq, "event", f"cannot be applied: {error!r}") from error


def restored(log: EventLog, snapshot: Snapshot) -> tuple[ShardState, int]:
    """(state, greatest market version cited) of a snapshot; CorruptLedger unless of this log."""
    refuse_foreign(log, snapshot)
    try:
        state, market_version = decode_state(snapshot.body)
    except ValueError as error:
        raise CorruptLedger(snapshot.seq, snapshot.place, f"{error}{WITHOUT}") from error
    if state.last_seq != snapshot.seq:
        problem = f"holds the state at event {state.last_seq}{WITHOUT}"
        raise CorruptLedger(snapshot.seq, snapshot.place, problem)
    return state, market_version


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without garbage collection: what a fold makes stays, and looking at it takes a seventh."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def refuse_foreign(log: EventLog, snapshot: Snapshot) -> None:
    """CorruptLedger unless the log has the event that the snapshot was made at."""
    seq, place = snapshot.seq, snapshot.place
    record = log.get(seq)
    if record is None:
        problem = f"the log ends at event {log.head.seq}: it lost its tail, or the snapshot is of"
        raise CorruptLedger(seq, place, f"{problem} another log{WITHOUT}")
    if record.hash != snapshot.hash:
        raise CorruptLedger(seq, place, f"made of another log: other hash at event {seq}{WITHOUT}")
