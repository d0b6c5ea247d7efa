"""Streams over real sockets: bounded, ended with a reason; nobody waits for who does not read."""

from collections.abc import Iterator
from threading import Event
from time import perf_counter

import grpc
import pytest

from margingate.v1 import account_service_pb2 as pb
from margingate_engine.core.errors import InvalidInput
from margingate_server.rpc import streams
from margingate_server.rpc.lane import LedgerDown
from margingate_server.rpc.streams import BLOCKED_SECONDS_MAX, LINGER_SECONDS_MAX, Stream
from tests.unit.rpc.gate import leg, order
from tests.unit.rpc.raw_watcher import RawWatcher
from tests.unit.rpc.stream_probe import until
from tests.unit.rpc.stream_server import (
    NARROW,
    WAIT_SECONDS,
    Source,
    StreamServer,
    end_of,
    endless,
    silent,
)

PATH = "/margingate.v1.AccountService/WatchAccount"
EXHAUSTED, UNAVAILABLE = grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE


@pytest.fixture
def serve() -> Iterator[type[StreamServer]]:
    made: list[StreamServer] = []

    def start(source: Source | None = None) -> StreamServer:
        made.append(StreamServer(source))
        return made[-1]

    yield start  # type: ignore[misc]
    for each in made:
        each.close()


def blocked(server: StreamServer) -> bool:
    """True once nothing more is sent although there is more to send."""
    sent = len(server.gate.watch.of("sent"))
    Event().wait(0.05)
    is_sending = any(call.sending_since is not None for call in server.streams._open())
    return is_sending and len(server.gate.watch.of("sent")) == sent


def test_a_stream_gets_what_its_source_gives_in_order(serve: type[StreamServer]) -> None:
    def three(_request: object, _stream: Stream) -> Iterator[pb.WatchAccountResponse]:
        for number in range(3):
            yield pb.WatchAccountResponse(account=str(number))

    server = serve(three)
    with server.client() as client:
        call = client.watch()
        assert [each.account for each in call] == ["0", "1", "2"]
        assert call.code() is grpc.StatusCode.OK
        until(lambda: server.streams.count == 0)
    assert server.gate.watch.of("opened", "sent", "ended") == [
        ("opened", PATH),
        *[("sent", PATH)] * 3,
        ("ended", PATH, "ok"),
    ]


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (InvalidInput("account", "is odd"), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
        (LedgerDown(), UNAVAILABLE, "LEDGER_DOWN"),
        (ZeroDivisionError("secret"), grpc.StatusCode.INTERNAL, "INTERNAL"),
    ],
)
def test_what_a_source_raises_ends_the_stream_with_its_status(
    serve: type[StreamServer], error: Exception, code: grpc.StatusCode, reason: str
) -> None:
    def failing(_request: object, _stream: Stream) -> Iterator[pb.WatchAccountResponse]:
        yield pb.WatchAccountResponse()
        raise error

    server = serve(failing)
    with server.client() as client:
        call = client.watch()
        assert end_of(call)[:2] == (code, reason)
        assert "secret" not in call.details()
    until(lambda: server.gate.watch.of("ended") == [("ended", PATH, reason.lower())])


def test_a_request_that_cannot_be_parsed_or_was_routed_wrongly_opens_nothing(
    serve: type[StreamServer],
) -> None:
    server = serve(endless)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        garbage = channel.unary_stream(PATH)(b"\xff" * 9)
        assert end_of(garbage) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", False)
    with server.client() as client:
        routed = client.watch("a", x_account_id="b")
        assert end_of(routed) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", False)
    assert server.gate.watch.of("opened") == []


def test_one_stream_too_many_is_refused_and_fits_when_another_has_ended(
    serve: type[StreamServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "STREAMS_MAX", 2)
    server = serve(silent)
    with server.client() as client:
        first, second = client.watch(), client.watch()
        assert (next(first).account, next(second).account) == ("first", "first")
        assert end_of(client.watch()) == (EXHAUSTED, "TOO_MANY_STREAMS", True)
        assert server.gate.watch.of("refused") == [("refused", PATH, "too_many_streams")]
        first.cancel()
        until(lambda: server.streams.count == 1)
        assert next(client.watch()).account == "first"


def test_a_client_that_goes_away_gives_its_place_back(serve: type[StreamServer]) -> None:
    server = serve(silent)
    with server.client() as client:
        next(client.watch())
        assert server.streams.count == 1
    until(lambda: server.streams.count == 0)
    assert server.gate.watch.of("ended") == [("ended", PATH, "cancelled")]


def test_a_client_that_does_not_read_is_dropped_and_learns_why(serve: type[StreamServer]) -> None:
    server = serve(endless)
    with server.client(*NARROW) as client:
        call = client.watch()
        until(lambda: blocked(server))
        server.pass_time(BLOCKED_SECONDS_MAX - 0.1)
        server.streams.drop_blocked()
        assert server.gate.watch.of("ended") == []
        server.pass_time(0.2)
        server.streams.drop_blocked()
        assert end_of(call) == (EXHAUSTED, "SLOW_CLIENT", False)
    until(lambda: server.gate.watch.of("ended") == [("ended", PATH, "slow_client")])
    assert server.streams.count == 0


def test_a_client_that_never_reads_is_cut_off(serve: type[StreamServer]) -> None:
    server = serve(endless)
    with server.client(*NARROW) as client:
        call = client.watch()
        until(lambda: blocked(server))
        server.pass_time(BLOCKED_SECONDS_MAX + 0.1)
        server.streams.drop_blocked()
        assert server.streams.count == 1
        server.pass_time(LINGER_SECONDS_MAX + 0.1)
        until(lambda: server.streams.count == 0)  # the watchdog does it
        assert end_of(call)[0] is grpc.StatusCode.CANCELLED


def test_a_socket_that_is_never_read_costs_nobody_else_anything(serve: type[StreamServer]) -> None:
    server = serve(endless)
    with RawWatcher(server.port, window_bytes=600) as stuck, server.client() as client:
        until(lambda: blocked(server))
        reading = client.watch()
        started = perf_counter()
        for _ in range(200):
            assert len(next(reading).missing) == 512
        answer = client.margin.CheckOrder(
            server.gate.check_request(order(leg("CALL", "0.1", "200"))), timeout=WAIT_SECONDS
        )
        assert perf_counter() - started < WAIT_SECONDS
        assert answer.decision.order_id == "o"
        server.pass_time(BLOCKED_SECONDS_MAX + 0.1)
        until(lambda: any(call.ended_at is not None for call in server.streams._open()))
        assert len(next(reading).missing) == 512
        stuck.allow(1 << 16)
        assert stuck.trailers_after_reading()
        until(lambda: ("ended", PATH, "slow_client") in server.gate.watch.told)
        assert server.streams.count == 1


def test_who_reads_slowly_but_reads_is_not_dropped(serve: type[StreamServer]) -> None:
    server = serve(endless)
    with server.client(*NARROW) as client:
        call = client.watch()
        for _ in range(20):
            until(lambda: blocked(server))
            server.pass_time(BLOCKED_SECONDS_MAX - 0.5)
            server.streams.drop_blocked()
            before = len(server.gate.watch.of("sent"))
            while len(server.gate.watch.of("sent")) == before:
                next(call)
        assert server.gate.watch.of("ended") == []


def test_a_stop_ends_every_stream_at_once_with_unavailable(serve: type[StreamServer]) -> None:
    server = serve(silent)
    with server.client() as client, server.client(*NARROW) as other:
        calls = [client.watch(), client.watch(), other.watch()]
        for each in calls:
            next(each)
        started = perf_counter()
        server.server.stop(5.0)
        assert perf_counter() - started < 3.0
        assert [end_of(each) for each in calls] == [(UNAVAILABLE, "STOPPING", True)] * 3
    until(lambda: server.streams.count == 0)


def test_streams_end_without_waiting_for_who_does_not_read(serve: type[StreamServer]) -> None:
    server = serve(endless)
    with RawWatcher(server.port, window_bytes=600):
        until(lambda: blocked(server))
        started = perf_counter()
        server.streams.close()
        assert perf_counter() - started < 3.0
        assert server.streams.count == 0


def test_no_stream_is_opened_while_the_server_stops(serve: type[StreamServer]) -> None:
    server = serve(silent)
    server.streams.close()
    with server.client() as client:
        assert end_of(client.watch()) == (UNAVAILABLE, "STOPPING", True)


def test_a_ring_before_a_wait_is_not_lost() -> None:
    stream = Stream()
    stream.ring()
    started = perf_counter()
    stream.wait(WAIT_SECONDS)
    stream.close()
    stream.wait(WAIT_SECONDS)
    assert perf_counter() - started < 1.0
