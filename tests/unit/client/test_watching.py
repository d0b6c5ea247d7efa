"""Streams of the client: they go on where they ended, and each alert comes once."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from threading import Event

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from margingate.v1 import account_service_pb2 as pb
from margingate_server.client import (
    AlertKind,
    MarginGate,
    MargingateCallError,
    RetryPolicy,
    Severity,
)
from tests.unit.client.fake_server import FakeServer, Refusal, Silence, running_server

STOPPING = Refusal(code=grpc.StatusCode.UNAVAILABLE, reason="STOPPING")
SLOW = Refusal(code=grpc.StatusCode.RESOURCE_EXHAUSTED, reason="SLOW_CLIENT")
CUT = Refusal(code=grpc.StatusCode.CANCELLED, has_details=False)
LOST = Refusal(code=grpc.StatusCode.UNKNOWN, has_details=False)
BROKEN = Refusal(code=grpc.StatusCode.INTERNAL, reason="INTERNAL")
UNKNOWN = Refusal(code=grpc.StatusCode.NOT_FOUND, reason="ACCOUNT_NOT_FOUND")


def alert(cursor: int) -> pb.StreamAlertsResponse:
    return pb.StreamAlertsResponse(cursor=cursor, alert=pb.Alert(text=f"number {cursor}"))


def sign(cursor: int) -> pb.StreamAlertsResponse:
    return pb.StreamAlertsResponse(cursor=cursor)


class Watched:
    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.pauses: list[float] = []
        self.gate = MarginGate.connect(
            server.target, retry=RetryPolicy(tries_max=3), sleep=self.pauses.append
        )


@pytest.fixture
def watched() -> Iterator[Watched]:
    with running_server() as server:
        made = Watched(server)
        with made.gate:
            yield made


def taken(messages: Iterator[pb.StreamAlertsResponse], count: int) -> list[int]:
    return [each.cursor for each in islice(messages, count)]


def asked(server: FakeServer) -> list[tuple[int, bool]]:
    return [(each.cursor, each.from_now) for each in server.asked("StreamAlerts")]


@pytest.mark.parametrize("end", [STOPPING, SLOW, CUT, LOST])
def test_a_stream_that_ends_goes_on_after_the_last_cursor(watched: Watched, end: Refusal) -> None:
    watched.server.answers(
        "StreamAlerts", [alert(5), alert(7), end], [alert(9), sign(12), end], [alert(15)]
    )
    heard: list[str] = []
    messages = watched.gate.watching.alerts(
        4, resuming=lambda error: heard.append(error.reason or error.code)
    )
    assert taken(messages, 5) == [5, 7, 9, 12, 15]
    assert asked(watched.server) == [(4, False), (7, False), (12, False)]
    assert heard == [end.reason or end.code.name] * 2
    assert len(watched.pauses) == 2


def test_an_alert_that_comes_again_is_left_out(watched: Watched) -> None:
    watched.server.answers(
        "StreamAlerts", [alert(5), alert(6), STOPPING], [alert(5), alert(6), alert(8)]
    )
    assert taken(watched.gate.watching.alerts(0), 3) == [5, 6, 8]


def test_from_now_on_is_asked_until_there_is_a_cursor(watched: Watched) -> None:
    watched.server.answers("StreamAlerts", [STOPPING], [sign(9), STOPPING], [alert(10)])
    assert taken(watched.gate.watching.alerts(), 2) == [9, 10]
    assert asked(watched.server) == [(0, True), (0, True), (9, False)]


def test_a_stream_that_never_began_is_given_up_as_a_call_is(watched: Watched) -> None:
    watched.server.answers("StreamAlerts", [STOPPING])
    with pytest.raises(MargingateCallError) as failed:
        next(watched.gate.watching.alerts())
    assert (failed.value.code, failed.value.reason) == ("UNAVAILABLE", "STOPPING")
    assert len(asked(watched.server)) == 3


def test_one_that_began_is_never_given_up(watched: Watched) -> None:
    watched.server.answers("StreamAlerts", [alert(1), STOPPING], *[[STOPPING]] * 9, [alert(2)])
    assert taken(watched.gate.watching.alerts(0), 2) == [1, 2]
    assert len(watched.pauses) == 10
    assert max(watched.pauses) <= 1.0


def test_a_stream_that_ends_without_a_word_goes_on(watched: Watched) -> None:
    watched.server.answers("StreamAlerts", [alert(1)], [alert(2)])
    assert taken(watched.gate.watching.alerts(0), 2) == [1, 2]


@pytest.mark.parametrize("end", [UNKNOWN, BROKEN])
def test_what_cannot_be_had_is_raised_at_once(watched: Watched, end: Refusal) -> None:
    watched.server.answers("WatchAccount", [end])
    with pytest.raises(MargingateCallError) as failed:
        next(watched.gate.watching.account("nobody"))
    assert failed.value.reason == end.reason
    assert len(watched.server.asked("WatchAccount")) == 1


def test_what_is_asked_for_is_what_was_said(watched: Watched) -> None:
    watched.server.answers("StreamAlerts", [alert(8)])
    watched.server.answers("WatchAccount", [pb.WatchAccountResponse(account="a")])
    next(
        watched.gate.watching.alerts(
            7, account="a", min_severity=Severity.CRITICAL, kinds=[AlertKind.LIMITS_SET]
        )
    )
    next(watched.gate.watching.account("a", interval_seconds=0.25))
    assert watched.server.asked("StreamAlerts") == [
        pb.StreamAlertsRequest(
            account="a",
            cursor=7,
            min_severity=pb.ALERT_SEVERITY_CRITICAL,
            kinds=[pb.ALERT_KIND_LIMITS_SET],
        )
    ]
    assert watched.server.asked("WatchAccount") == [
        pb.WatchAccountRequest(account="a", min_interval=Duration(nanos=250_000_000))
    ]
    assert [each["x-account-id"] for each in watched.server.headers] == ["a", "a"]


def test_a_stream_on_which_nothing_comes_is_opened_anew(watched: Watched) -> None:
    watched.server.answers("StreamAlerts", [alert(1), Silence()], [alert(2)])
    heard: list[str] = []
    watching = replace(watched.gate.watching, silence_seconds=0.05)
    messages = watching.alerts(0, resuming=lambda error: heard.append(str(error)))
    assert taken(messages, 2) == [1, 2]
    assert heard == ["UNAVAILABLE: nothing came for 0.05 s"]
    assert asked(watched.server) == [(0, False), (1, False)]


def test_a_longer_interval_is_waited_for(watched: Watched) -> None:
    watched.server.answers("WatchAccount", [Silence()], [pb.WatchAccountResponse(account="a")])
    heard: list[str] = []
    watching = replace(watched.gate.watching, silence_seconds=0.05)
    next(watching.account("a", interval_seconds=0.1, resuming=lambda e: heard.append(str(e))))
    assert heard == ["UNAVAILABLE: nothing came for 0.15 s"]


def test_who_takes_his_time_between_two_messages_hears_all_of_them(watched: Watched) -> None:
    watched.server.answers("StreamAlerts", [alert(1), alert(2)])
    messages = replace(watched.gate.watching, silence_seconds=0.05).alerts(0)
    assert next(messages).cursor == 1
    Event().wait(0.2)
    assert next(messages).cursor == 2
    assert len(asked(watched.server)) == 1


def test_leaving_the_loop_ends_the_call(watched: Watched) -> None:
    watched.server.answers("StreamAlerts", [alert(1), Silence()])
    messages = watched.gate.watching.alerts(0)
    next(messages)
    messages.close()  # type: ignore[attr-defined]
    watched.server.answers("StreamAlerts", [alert(2)])
    assert taken(watched.gate.watching.alerts(0), 1) == [2]


def test_a_closed_connection_is_no_stream_to_go_on_with(watched: Watched) -> None:
    watched.server.answers("StreamAlerts", [alert(1), STOPPING])
    messages = watched.gate.watching.alerts(0)
    next(messages)
    watched.gate.close()
    with pytest.raises(MargingateCallError) as failed:
        next(messages)
    assert failed.value.code == "CANCELLED"


def test_kinds_and_severities_are_those_of_the_contract() -> None:
    kinds = {name.removeprefix("ALERT_KIND_").lower() for name, n in pb.AlertKind.items() if n}
    assert {each.value for each in AlertKind} == kinds
    levels = {
        name.removeprefix("ALERT_SEVERITY_").lower() for name, n in pb.AlertSeverity.items() if n
    }
    assert {each.value for each in Severity} == levels
