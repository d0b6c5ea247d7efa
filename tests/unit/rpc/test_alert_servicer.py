"""StreamAlerts: what is asked for, from a cursor on, and signs of life."""

from typing import Any

import pytest

from margingate.v1 import account_service_pb2 as pb
from margingate_engine.core.errors import InvalidInput
from margingate_server.rpc.alert_servicer import AlertServicer, parse_selection
from margingate_server.rpc.alert_tail import AlertTail
from margingate_server.rpc.lane import LedgerDown
from margingate_server.service.refusals import BeyondLog, UnknownName
from tests.unit.rpc.gate import Gate
from tests.unit.rpc.stream_probe import ProbeStream
from tests.unit.rpc.test_alert_tail import suspend, tail_of, unreadable

SECOND_NS = 10**9


class Streaming:
    def __init__(self) -> None:
        self.gate = Gate().open(usd="50000")
        self.tail: AlertTail = tail_of(self.gate)
        self.servicer = AlertServicer(self.gate.lane, self.tail, self.gate.clock)

    def messages(self, *steps: Any, **asked: Any) -> list[pb.StreamAlertsResponse]:
        """What a stream gets: the steps are taken while it waits."""
        stream = ProbeStream(steps=list(steps))
        return list(self.servicer.StreamAlerts(pb.StreamAlertsRequest(**asked), stream))

    def happen(self, reason: str = "") -> int:
        seq = suspend(self.gate, reason)
        self.tail.look()
        return seq

    def pass_time(self, seconds: int) -> None:
        self.gate.clock.ns += seconds * SECOND_NS


@pytest.fixture
def streaming() -> Streaming:
    return Streaming()


def cursors(messages: list[pb.StreamAlertsResponse]) -> list[int]:
    return [each.cursor for each in messages if each.HasField("alert")]


def test_the_past_comes_first_then_a_sign_that_it_is_over_then_what_happens(
    streaming: Streaming,
) -> None:
    past = streaming.happen()
    happened: list[int] = []
    messages = streaming.messages(lambda: happened.append(streaming.happen("new")), cursor=past - 1)
    assert [(each.cursor, each.HasField("alert"), each.caught_up) for each in messages] == [
        (past, True, False),
        (past, False, True),
        (happened[0], True, False),
    ]


def test_from_now_on_leaves_out_the_past_and_gives_a_cursor_at_once(streaming: Streaming) -> None:
    past = streaming.happen()
    happened: list[int] = []
    messages = streaming.messages(lambda: happened.append(streaming.happen()), from_now=True)
    assert (messages[0].cursor, messages[0].caught_up) == (past, True)
    assert cursors(messages) == happened


def test_a_cursor_of_zero_is_the_beginning_of_the_ledger(streaming: Streaming) -> None:
    seq = streaming.happen()
    first = streaming.gate.store.records[0]
    assert first.kind == "parameters_loaded"
    assert cursors(streaming.messages()) == [first.seq, seq]


def test_no_alert_for_a_while_is_a_sign_of_life_with_the_cursor_moved_on(
    streaming: Streaming,
) -> None:
    first, *rest = streaming.messages(
        lambda: streaming.pass_time(4),
        lambda: streaming.pass_time(1),
        lambda: streaming.pass_time(4),
        from_now=True,
        kinds=[pb.ALERT_KIND_LIMITS_SET],
    )
    assert first.caught_up
    assert [(each.cursor, each.HasField("alert")) for each in rest] == [(first.cursor, False)]
    last = streaming.happen()
    *_, newest = streaming.messages(
        lambda: streaming.pass_time(5), cursor=first.cursor, kinds=[pb.ALERT_KIND_LIMITS_SET]
    )
    assert newest.cursor == last


@pytest.mark.parametrize(
    ("asked", "is_told"),
    [
        ({}, True),
        ({"account": "a"}, True),
        ({"account": "b"}, False),
        ({"min_severity": pb.ALERT_SEVERITY_WARNING}, True),
        ({"min_severity": pb.ALERT_SEVERITY_CRITICAL}, False),
        ({"kinds": [pb.ALERT_KIND_ACCOUNT_SUSPENDED, pb.ALERT_KIND_LIMITS_SET]}, True),
        ({"kinds": [pb.ALERT_KIND_ACCOUNT_RESUMED]}, False),
    ],
)
def test_a_stream_has_what_was_asked_for(
    streaming: Streaming, asked: dict[str, Any], is_told: bool
) -> None:
    streaming.gate.open("b")
    seq = streaming.happen()  # a warning of account a
    assert cursors(streaming.messages(cursor=seq - 1, **asked)) == [seq] * is_told


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"cursor": -1}, "cursor"),
        ({"cursor": 1, "from_now": True}, "from_now"),
        ({"account": "b c"}, "account"),
        ({"min_severity": 99}, "min_severity"),
        ({"kinds": [1, 0]}, "kinds[1]"),
        ({"kinds": [99]}, "kinds[0]"),
        ({"kinds": [1] * 33}, "kinds"),
    ],
)
def test_a_request_that_makes_no_sense_names_its_field(
    streaming: Streaming, asked: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        streaming.messages(**asked)
    assert refused.value.field == field


def test_kinds_may_be_as_many_as_there_are() -> None:
    everything = pb.StreamAlertsRequest(kinds=[kind for kind in pb.AlertKind.values() if kind])
    assert len(parse_selection(everything).kinds) == len(pb.AlertKind.values()) - 1


def test_a_cursor_beyond_the_ledger_is_another_ledgers(streaming: Streaming) -> None:
    last = streaming.happen()
    with pytest.raises(BeyondLog) as refused:
        streaming.messages(cursor=last + 1)
    assert (refused.value.cursor, refused.value.last_seq) == (last + 1, last)


def test_an_account_that_does_not_exist_has_no_alerts(streaming: Streaming) -> None:
    with pytest.raises(UnknownName):
        streaming.messages(account="nobody")


def test_a_cursor_that_the_tail_has_not_reached_yet_is_waited_for(streaming: Streaming) -> None:
    durable = suspend(streaming.gate)  # not looked at yet
    happened: list[int] = []
    messages = streaming.messages(
        streaming.tail.look, lambda: happened.append(streaming.happen()), cursor=durable
    )
    assert cursors(messages) == happened


def test_nobody_is_told_that_nothing_waits_while_the_log_cannot_be_read(
    streaming: Streaming, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        suspend(streaming.gate)
        monkeypatch.setattr(streaming.gate.store, "read_kinds", unreadable)

    stream = ProbeStream(steps=[fail, lambda: streaming.pass_time(5)])
    asked = streaming.servicer.StreamAlerts(pb.StreamAlertsRequest(from_now=True), stream)
    assert next(asked).caught_up
    with pytest.raises(LedgerDown):
        next(asked)
    assert not stream.steps


def test_who_asks_while_the_log_cannot_be_read_is_told_nothing(
    streaming: Streaming, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = streaming.happen()
    suspend(streaming.gate)
    monkeypatch.setattr(streaming.gate.store, "read_kinds", unreadable)
    stream = ProbeStream()
    asked = pb.StreamAlertsRequest(cursor=start)
    with pytest.raises(LedgerDown):
        next(streaming.servicer.StreamAlerts(asked, stream))


def test_a_look_that_fails_ends_streams_before_their_next_sign_of_life(
    streaming: Streaming, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        suspend(streaming.gate)
        monkeypatch.setattr(streaming.gate.store, "read_kinds", unreadable)
        with pytest.raises(LedgerDown):
            streaming.tail.look()

    stream = ProbeStream(steps=[fail])
    asked = streaming.servicer.StreamAlerts(pb.StreamAlertsRequest(from_now=True), stream)
    assert next(asked).caught_up
    with pytest.raises(LedgerDown):
        next(asked)


def test_an_alert_that_the_tail_has_not_seen_comes_before_it_is_said_that_none_waits(
    streaming: Streaming,
) -> None:
    start = streaming.happen()
    seq = suspend(streaming.gate)  # the tail has not looked
    first, second = streaming.messages(cursor=start)
    assert (first.cursor, first.HasField("alert")) == (seq, True)
    assert (second.cursor, second.caught_up) == (seq, True)
