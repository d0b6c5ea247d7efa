"""Makes a snapshot of durable events: of the newest snapshot and what the log holds after it.

It only reads what the owner of the ledger writes, so a server may run meanwhile.
"""

from dataclasses import dataclass
from pathlib import Path

from margingate_server.ledger.folding import folded, refuse_foreign
from margingate_server.ledger.owner_lock import OwnerLock
from margingate_server.ledger.snapshot_file import (
    Snapshot,
    newest_snapshot,
    snapshot_path,
    write_snapshot,
)
from margingate_server.ledger.sqlite_log import SqliteLog
from margingate_server.ledger.state_codec import encode_state


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotTaken:
    """The newest snapshot: its event, how many events it has more than the one before, its file."""

    seq: int
    event_count: int
    path: Path


def take_snapshot(directory: Path, now_ns: int) -> SnapshotTaken:
    """The snapshot at the head of the log in `directory`, made unless it is there already.

    Raises LedgerInUse while another process makes one, CorruptLedger, StoreFailure.
    """
    log = SqliteLog(directory)
    lock = OwnerLock(directory / "snapshot.lock", now_ns)
    try:
        newest = newest_snapshot(directory)
        if newest is not None and newest.seq >= log.head.seq:
            refuse_foreign(log, newest)
            return SnapshotTaken(seq=newest.seq, event_count=0, path=Path(newest.place))
        if not log.head.seq:
            return SnapshotTaken(seq=0, event_count=0, path=snapshot_path(directory, 0))
        body = encode_state(*folded(log, newest))
        snapshot = Snapshot(seq=log.head.seq, hash=log.head.hash, body=body)
        path = write_snapshot(directory, snapshot)
    finally:
        lock.release()
    before = 0 if newest is None else newest.seq
    return SnapshotTaken(seq=snapshot.seq, event_count=snapshot.seq - before, path=path)
