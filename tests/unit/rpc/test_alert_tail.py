"""The tail of the log: every durable alert once, in order, from memory or from the store."""

import pytest

from margingate_server.ledger.events import AccountResumed, AccountSuspended
from margingate_server.ledger.store import EventRecord, StoreFailure
from margingate_server.rpc import alert_tail
from margingate_server.rpc.alert_codec import Told
from margingate_server.rpc.alert_tail import AlertTail
from margingate_server.rpc.lane import LedgerDown
from margingate_server.service.desk import Desk
from tests.unit.rpc.gate import Gate
from tests.unit.rpc.memory_store import disk_full, fails_once
from tests.unit.rpc.stream_probe import until


@pytest.fixture
def gate() -> Gate:
    return Gate().open(usd="50000")


def tail_of(gate: Gate) -> AlertTail:
    return AlertTail(gate.lane, gate.store, gate.clock, gate.watch)


def suspend(gate: Gate, reason: str = "") -> int:
    """The number of an alert's event."""

    def use(desk: Desk, now_ns: int) -> tuple[int, int]:
        seq = desk.shard.record(AccountSuspended(account="a", reason=reason), now_ns)
        return seq, seq

    return gate.lane.decide(use)


def nothing(gate: Gate) -> int:
    """The number of an event of an alert's kind that changed nothing."""

    def use(desk: Desk, now_ns: int) -> tuple[int, int]:
        seq = desk.shard.record(AccountResumed(account="a", changed=False), now_ns)
        return seq, seq

    return gate.lane.decide(use)


def followed(tail: AlertTail, cursor: int) -> list[int]:
    """Numbers of all alerts after a cursor, as a stream would have them."""
    found: list[int] = []
    while True:
        alerts, through = tail.after(cursor)
        found += [each.seq for each in alerts]
        if through == cursor:
            return found
        cursor = through


def test_alerts_of_the_past_come_from_the_store_in_parts(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    seqs = [suspend(gate) for _ in range(5)]
    tail = tail_of(gate)
    first = gate.store.records[0].seq  # parameters were loaded
    monkeypatch.setattr(alert_tail, "PART_EVENTS", 3)
    assert followed(tail, 0) == [first, *seqs]
    assert followed(tail, seqs[1]) == seqs[2:]
    assert tail.after(0)[1] == 3


def test_what_becomes_durable_later_comes_from_memory(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    tail = tail_of(gate)
    start = tail.last
    seqs = [suspend(gate), suspend(gate)]
    assert followed(tail, start) == []
    tail.look()
    monkeypatch.setattr(gate.store, "read_kinds", unreadable)
    assert followed(tail, start) == seqs
    assert followed(tail, seqs[0]) == seqs[1:]
    assert len(gate.watch.of("found")) == 2


def unreadable(*_: object) -> list[object]:
    raise StoreFailure("read", 5, "broken")


def test_who_is_further_behind_than_memory_reaches_misses_nothing(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_tail, "RECENT_MAX", 3)
    tail = tail_of(gate)
    start = tail.last
    seqs = []
    for _ in range(8):
        seqs.append(suspend(gate))
        tail.look()
    for behind in range(len(seqs) + 1):
        cursor = ([start, *seqs])[behind]
        assert followed(tail, cursor) == seqs[behind:]


def test_what_is_void_is_never_shown(gate: Gate) -> None:
    tail = tail_of(gate)
    before = suspend(gate)
    gate.store.before_append = fails_once(disk_full())
    with pytest.raises(LedgerDown):
        suspend(gate, "void")
    tail.look()
    assert followed(tail, before - 1) == [before]
    gate.recover()
    after = suspend(gate, "later")
    tail.look()
    alerts, _ = tail.after(before)
    assert [(each.seq, each.message.text) for each in alerts] == [
        (after, "suspended: its orders are refused (later)")
    ]
    assert after == before + 1


def test_what_turns_out_to_be_in_the_log_is_shown_once_the_ledger_is_up(gate: Gate) -> None:
    tail = tail_of(gate)
    gate.store.keeps_failed = True
    gate.store.before_append = fails_once(disk_full())
    with pytest.raises(LedgerDown):
        suspend(gate, "kept")
    tail.look()
    start = tail.last
    assert followed(tail, start) == []
    gate.recover()
    tail.look()
    assert followed(tail, start) == [start + 1]


def test_alerts_that_changed_nothing_are_passed_by(gate: Gate) -> None:
    tail = tail_of(gate)
    start = tail.last
    last = nothing(gate)
    tail.look()
    assert tail.after(start) == ([], last)


def test_who_waits_is_rung_for_an_alert_and_for_nothing_else(gate: Gate) -> None:
    tail = tail_of(gate)
    rung: list[str] = []
    with tail.ringing(lambda: rung.append("ring")):
        nothing(gate)
        tail.look()
        assert rung == []
        suspend(gate)
        tail.look()
        assert rung == ["ring"]
    suspend(gate)
    tail.look()
    assert rung == ["ring"]


def test_a_log_that_cannot_be_read_is_tried_again(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    tail = tail_of(gate)
    start = tail.last
    seq = suspend(gate)
    with monkeypatch.context() as broken:
        broken.setattr(gate.store, "read_kinds", unreadable)
        with pytest.raises(LedgerDown):
            tail.look()
        with pytest.raises(LedgerDown):
            tail.after(0)
    assert len(gate.watch.of("unreadable")) == 2
    tail.look()
    assert followed(tail, start) == [seq]


def test_whoever_waits_is_rung_when_the_log_cannot_be_read(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    tail = tail_of(gate)
    rung: list[str] = []
    suspend(gate)
    with tail.ringing(lambda: rung.append("ring")), monkeypatch.context() as broken:
        broken.setattr(gate.store, "read_kinds", unreadable)
        with pytest.raises(LedgerDown):
            tail.look()
        assert tail.is_failing
        assert rung == ["ring"]
    tail.look()
    assert not tail.is_failing


def test_an_event_that_cannot_be_shown_is_told_by_its_number_and_keeps_nothing_back(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    tail = tail_of(gate)
    start = tail.last
    seqs = [suspend(gate, reason) for reason in ("first", "bad", "last")]

    def alert_of(record: EventRecord) -> Told | None:
        if record.seq == seqs[1]:
            raise ValueError("planted")
        return real(record)

    real = alert_tail.alert_of
    monkeypatch.setattr(alert_tail, "alert_of", alert_of)
    tail.look()
    for cursor in (start, 0):  # from memory, and from the store
        alerts, _ = tail.after(cursor)
        assert [each.seq for each in alerts][-3:] == seqs
        assert f"event {seqs[1]} (account_suspended)" in alerts[-2].message.text
        assert "0123456789ab" in alerts[-2].message.text
    assert {told[1] for told in gate.watch.of("alert_failed")} == {seqs[1]}


def test_who_cannot_look_because_another_looks_for_too_long_is_told_so(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_tail, "WAIT_SECONDS_MAX", 0.01)
    tail = tail_of(gate)
    suspend(gate)
    with tail._looking, pytest.raises(LedgerDown):
        tail.look()


@pytest.mark.parametrize(
    ("kinds", "wakes"),
    [(["order_accepted"], False), (["order_accepted", "limits_set"], True), ([], False)],
)
def test_the_thread_is_woken_by_alerts_alone(gate: Gate, kinds: list[str], wakes: bool) -> None:
    tail = tail_of(gate)
    tail.committed(kinds)
    assert tail._bell.is_set() == wakes


def test_the_thread_finds_alerts_that_nobody_told_it_of(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_tail, "LOOK_SECONDS", 0.01)
    tail = tail_of(gate)
    start = tail.last
    tail.start()
    seq = suspend(gate)
    try:
        until(lambda: tail.last >= seq)
        assert followed(tail, start) == [seq]
    finally:
        tail.stop()
