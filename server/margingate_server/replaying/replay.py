"""Folds a log event by event, and takes each decision again before it is applied."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from margingate_server.ledger.events import AnyEvent, ParametersLoaded, decode_event
from margingate_server.ledger.folding import fold_record
from margingate_server.ledger.market_store import MarketReader
from margingate_server.ledger.state import ShardState
from margingate_server.ledger.store import CorruptLedger, EventRecord
from margingate_server.replaying.changes import Change
from margingate_server.replaying.market_walk import MarketWalk
from margingate_server.replaying.retaking import Retaking, WithoutInputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """after_seq: what is up to there is folded only. account: the only one looked at, "" for all.

    is_verdict_all: of decisions the verdicts alone are compared, not their integers.
    differences_max: so many are kept in full.
    """

    after_seq: int = 0
    account: str = ""
    is_verdict_all: bool = False
    differences_max: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An event that comes out otherwise, and where."""

    seq: int
    account: str
    kind: str
    changes: list[Change]


@dataclass(slots=True, kw_only=True)
class Report:
    """How many events of each kind came out the same, differ, or lack their market.

    differences: the first of them.
    """

    last_seq: int = 0
    same: Counter[str] = field(default_factory=Counter)
    different: Counter[str] = field(default_factory=Counter)
    without_inputs: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)


class Replay:
    """Takes the events of a log again, in order."""

    def __init__(self, markets: MarketReader, options: Options) -> None:
        self.report = Report()
        self._options = options
        self._state = ShardState()
        self._retaking = Retaking(
            self._state, MarketWalk(markets), is_verdict_all=options.is_verdict_all
        )

    def take(self, record: EventRecord) -> None:
        """Take one record again, and apply it; CorruptLedger when it cannot be applied."""
        event = _decoded(record)
        is_asked = self._options.account in ("", event.account)
        if is_asked and record.seq > self._options.after_seq:
            try:
                self._count(record, self._retaking.differences(event, record))
            except WithoutInputs:
                self.report.without_inputs[record.kind] += 1
        fold_record(self._state, record)
        if isinstance(event, ParametersLoaded):
            self._count(record, self._retaking.loaded(event))
        self.report.last_seq = record.seq

    def _count(self, record: EventRecord, changes: list[Change] | None) -> None:
        if changes is None:
            return
        if not changes:
            self.report.same[record.kind] += 1
            return
        self.report.different[record.kind] += 1
        if len(self.report.differences) < self._options.differences_max:
            self.report.differences.append(
                Difference(
                    seq=record.seq, account=record.account, kind=record.kind, changes=changes
                )
            )


def _decoded(record: EventRecord) -> AnyEvent:
    try:
        return decode_event(record.body)
    except msgspec.DecodeError as error:
        raise CorruptLedger(record.seq, "event", f"cannot be read: {error}") from error


def replayed(
    records: Iterable[EventRecord],
    markets: MarketReader,
    options: Options,
    progress: Callable[[int], None] = lambda _seq: None,
) -> Report:
    """What comes of every record, taken again from nothing; progress is told of each number.

    CorruptLedger where a record is bad or cannot be applied, StoreFailure.
    """
    replay = Replay(markets, options)
    for record in records:
        replay.take(record)
        progress(record.seq)
    return replay.report
