"""WatchAccount on the wire."""

from dataclasses import replace

import numpy as np
import pytest
from google.protobuf.duration_pb2 import Duration

from margingate.v1 import account_service_pb2 as pb
from margingate_engine.core.errors import InvalidInput
from margingate_engine.quality.doubt import Doubt
from margingate_server.rpc.watch_servicer import WatchServicer, interval_seconds, oldest_price
from margingate_server.rpc.watching import Watching
from margingate_server.service.freshness import FOREVER_NS, Oldest
from margingate_server.service.refusals import UnknownName
from tests.unit.rpc.gate import AGE_LIMITS, Gate, leg, order
from tests.unit.rpc.stream_probe import ProbeStream

SECOND_NS = 10**9


class Server:
    def __init__(self) -> None:
        self.gate = gate = Gate().open(usd="50000")
        self.watching = Watching(gate.lane, gate.clock, gate.watch)
        self.servicer = WatchServicer(gate.lane, self.watching, gate.clock, AGE_LIMITS)

    def messages(self, *steps: object, account: str = "a") -> list[pb.WatchAccountResponse]:
        """What a stream gets: it is looked at the account after each step."""
        stream = ProbeStream(steps=[self.watching.look, *(self.step(each) for each in steps)])
        return list(self.servicer.WatchAccount(pb.WatchAccountRequest(account=account), stream))

    def step(self, act: object) -> object:
        def taken() -> None:
            act()  # type: ignore[operator]
            self.gate.clock.ns += SECOND_NS
            self.watching.look()

        return taken


@pytest.fixture
def server() -> Server:
    return Server()


def test_a_message_has_the_margin_and_what_it_rests_on(server: Server) -> None:
    server.gate.check(order(leg("CALL", "0.1", "200")))
    (message,) = server.messages()
    answer = server.gate.ok("GetMargin", pb.GetMarginRequest(account="a"))
    assert message.account == "a"
    assert (message.risk, message.positions_only) == (answer.risk, answer.positions_only)
    assert (list(message.worst), message.exactness) == (list(answer.worst), answer.exactness)
    assert message.basis == answer.basis
    assert message.state == message.published_state == pb.MARGIN_STATE_HEALTHY
    assert message.margin_ratio == 0.0
    assert (message.stale, message.missing, message.heartbeat) == (False, "", False)


def test_prices_too_old_to_decide_by_leave_the_state_unknown(server: Server) -> None:
    server.gate.check(order(leg("CALL", "0.1", "200")))
    server.gate.clock.ns += 9 * SECOND_NS
    (fresh,) = server.messages()
    assert (fresh.price_age.seconds, fresh.oldest_price) == (9, "BTC")
    assert (fresh.stale, fresh.state) == (False, pb.MARGIN_STATE_HEALTHY)
    server.gate.clock.ns += 2 * SECOND_NS
    (old,) = server.messages()
    assert (old.price_age.seconds, old.stale) == (11, True)
    assert (old.state, old.risk) == (pb.MARGIN_STATE_UNKNOWN, fresh.risk)


def test_prices_in_doubt_leave_the_state_unknown(server: Server) -> None:
    server.gate.check(order(leg("CALL", "0.1", "200")))
    market = server.gate.lane.look(lambda desk, _now_ns: desk.shard.market)
    snapshot = market.view.snapshot
    in_doubt_u = np.full_like(snapshot.doubt_u, Doubt.INDEX_JUMP)
    market.view = replace(market.view, snapshot=replace(snapshot, doubt_u=in_doubt_u))
    (message,) = server.messages()
    assert (message.state, message.stale) == (pb.MARGIN_STATE_UNKNOWN, False)


def test_an_account_that_rests_on_no_price_is_never_stale(server: Server) -> None:
    server.gate.clock.ns += 10**6 * SECOND_NS
    (message,) = server.messages()
    assert not message.stale
    assert not message.HasField("price_age")
    assert message.oldest_price == ""


def test_messages_follow_what_moves(server: Server) -> None:
    first, second = server.messages(lambda: server.gate.check(order(leg("CALL", "-0.1", "200"))))
    assert second.basis.account_version > first.basis.account_version
    assert second.risk != first.risk


def test_an_unknown_account_is_not_watched(server: Server) -> None:
    with pytest.raises(UnknownName):
        server.messages(account="nobody")
    with pytest.raises(InvalidInput):
        server.messages(account="")


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (None, 1.0),
        (Duration(nanos=100_000_000), 0.1),
        (Duration(seconds=60), 60.0),
        (Duration(nanos=99_999_999), None),
        (Duration(seconds=60, nanos=1), None),
        (Duration(), None),
        (Duration(seconds=-1), None),
    ],
)
def test_an_interval_lies_within_its_bounds(asked: Duration | None, seconds: float | None) -> None:
    request = pb.WatchAccountRequest(account="a", min_interval=asked)
    if seconds is not None:
        assert interval_seconds(request) == seconds
        return
    with pytest.raises(InvalidInput) as refused:
        interval_seconds(request)
    assert refused.value.field == "min_interval"


def test_the_oldest_price_is_the_older_of_index_and_instrument() -> None:
    oldest = Oldest(70, "BTC", 40, "CALL")
    assert oldest_price(oldest, 100) == (60, "CALL")
    assert oldest_price(Oldest(70, "BTC", 70, "CALL"), 100) == (30, "BTC")
    assert oldest_price(Oldest(70, "BTC"), 100) == (30, "BTC")
    assert oldest_price(Oldest(), 100) == (FOREVER_NS, "")
