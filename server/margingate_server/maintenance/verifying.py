"""Everything of a ledger that can be checked, checked: the log, its head, snapshots, markets."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from margingate_server.ledger.events import AnyEvent, decode_event, kind_of
from margingate_server.ledger.folding import fold_record, refuse_foreign, restored
from margingate_server.ledger.snapshot_file import WITHOUT, load_snapshot, snapshot_paths
from margingate_server.ledger.sqlite_log import HEAD_FILE, SqliteLog
from margingate_server.ledger.state import ShardState
from margingate_server.ledger.state_codec import encode_state
from margingate_server.ledger.store import CorruptLedger, EventRecord
from margingate_server.maintenance.citations import Citations, check_markets

Progress = Callable[[int, int], None]
_EVENTS_PER_TELLING = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was checked and found; problem: of the first place that is wrong, None of none."""

    subject: str
    found: str
    problem: CorruptLedger | None = None


def verify_ledger(directory: Path, progress: Progress, *, is_deep: bool = False) -> list[Finding]:
    """What was found in `directory`, in the order checked; after a bad log the rest is left out.

    is_deep: also fold the log and compare the state with each snapshot, and decode every market.
    progress: called with (events verified, events there are). Raises StoreFailure.
    """
    try:
        log = SqliteLog(directory)
    except CorruptLedger as error:
        return [Finding(subject=HEAD_FILE, found="", problem=error)]
    findings = [
        Finding(subject=HEAD_FILE, found=f"names event {log.head.seq:,} of {log.end.seq:,}")
    ]
    walk = _Walk(state=ShardState() if is_deep else None)
    # Before the walk: what is made meanwhile is beyond its end.
    walk.expected_seqs = set(snapshot_paths(directory))
    try:
        walk.follow(log, progress)
    except CorruptLedger as error:
        found = f"{walk.event_count:,} events intact"
        return [*findings, Finding(subject="events", found=found, problem=error)]
    findings += [
        Finding(subject="events", found=f"{walk.event_count:,} events, chain whole from the first"),
        Finding(subject="accounts", found=f"{len(walk.versions):,}, their events without a gap"),
        *(_checked_snapshot(log, path, walk) for path in snapshot_paths(directory).values()),
    ]
    return [*findings, _checked_markets(directory, walk.citations, is_deep=is_deep)]


@dataclass(slots=True, kw_only=True)
class _Walk:
    """From the first event to the last. state: folded on the way, None where nobody asks.

    body_by_seq: of the state at each of `expected_seqs`.
    """

    state: ShardState | None
    event_count: int = 0
    market_version: int = 0
    versions: Counter[str] = field(default_factory=Counter)
    citations: Citations = field(default_factory=Citations)
    expected_seqs: set[int] = field(default_factory=set)
    body_by_seq: dict[int, bytes] = field(default_factory=dict)

    def follow(self, log: SqliteLog, progress: Progress) -> None:
        for record in log.read_all():
            event = _event_of(record)
            self._count_version(record)
            self.citations.add(record, event)
            if self.state is not None:
                self._fold(self.state, record)
            self.event_count = record.seq
            if record.seq % _EVENTS_PER_TELLING == 0:
                progress(record.seq, log.end.seq)
        progress(log.end.seq, log.end.seq)

    def _count_version(self, record: EventRecord) -> None:
        self.versions[record.account] += 1
        if record.version != (expected := self.versions[record.account]):
            problem = f"version {record.version} of account {record.account!r} follows"
            raise CorruptLedger(record.seq, "event", f"{problem} version {expected - 1}")

    def _fold(self, state: ShardState, record: EventRecord) -> None:
        self.market_version = max(self.market_version, record.market_version)
        fold_record(state, record)
        if record.seq in self.expected_seqs:
            self.body_by_seq[record.seq] = encode_state(state, self.market_version)


def _event_of(record: EventRecord) -> AnyEvent:
    try:
        event = decode_event(record.body)
    except msgspec.DecodeError as error:
        raise CorruptLedger(record.seq, "event", f"not an event: {error}") from error
    columns = (record.kind, record.account, record.request_id)
    if columns != (kind_of(event), event.account, event.request_id):
        raise CorruptLedger(record.seq, "event", "its columns say something else than its body")
    return event


def _checked_snapshot(log: SqliteLog, path: Path, walk: _Walk) -> Finding:
    try:
        snapshot = load_snapshot(path)
        refuse_foreign(log, snapshot)
        restored(log, snapshot)
        expected = walk.body_by_seq.get(snapshot.seq)
    except FileNotFoundError:
        return Finding(subject=path.name, found="gone: a newer one was made meanwhile")
    except CorruptLedger as error:
        return Finding(subject=path.name, found="", problem=error)
    found = f"fits the log at event {snapshot.seq:,}"
    if expected is None:
        return Finding(subject=path.name, found=found)
    if expected != snapshot.body:
        problem = f"not the state that the events before it lead to{WITHOUT}"
        bad = CorruptLedger(snapshot.seq, str(path), problem)
        return Finding(subject=path.name, found=found, problem=bad)
    return Finding(subject=path.name, found=f"{found}, and is what its events lead to")


def _checked_markets(directory: Path, citations: Citations, *, is_deep: bool) -> Finding:
    try:
        found = check_markets(directory, citations, is_deep=is_deep)
    except CorruptLedger as error:
        return Finding(subject="markets", found="", problem=error)
    return Finding(subject="markets", found=found)
