"""The gRPC server itself: ports, health, reflection, threads."""

from collections.abc import Iterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from margingate.v1 import (
    admin_service_pb2,
    admin_service_pb2_grpc,
    margin_service_pb2,
    margin_service_pb2_grpc,
    market_service_pb2,
    market_service_pb2_grpc,
)
from margingate_engine.core.errors import InvalidInput
from margingate_server.rpc.account_servicer import AccountServicer
from margingate_server.rpc.admin_servicer import AdminServicer
from margingate_server.rpc.alert_servicer import AlertServicer
from margingate_server.rpc.alert_tail import AlertTail
from margingate_server.rpc.compare_servicer import CompareServicer
from margingate_server.rpc.margin_servicer import MarginServicer
from margingate_server.rpc.market_servicer import MarketServicer
from margingate_server.rpc.order_servicer import OrderServicer
from margingate_server.rpc.outlook_servicer import OutlookServicer
from margingate_server.rpc.rank_servicer import RankServicer
from margingate_server.rpc.server import RpcServer
from margingate_server.rpc.streams import Streams
from margingate_server.rpc.watch_servicer import WatchServicer
from margingate_server.rpc.watching import Watching
from tests.unit.rpc.gate import AGE_LIMITS, Gate, leg, order

SERVICES = ("MarginService", "AccountService", "MarketService", "AdminService")
SERVING, NOT_SERVING = 1, 2


def rpc_server(gate: Gate) -> RpcServer:
    market = MarketServicer(gate.lane, gate.publisher, gate.clock, AGE_LIMITS)
    watching = Watching(gate.lane, gate.clock, gate.watch)
    tail = AlertTail(gate.lane, gate.store, gate.clock, gate.watch)
    servicers = {
        "MarginService": (
            MarginServicer(gate.lane, gate.watch),
            OrderServicer(gate.lane, gate.watch),
        ),
        "AccountService": (
            AccountServicer(gate.lane),
            CompareServicer(gate.lane),
            RankServicer(gate.lane),
            OutlookServicer(gate.lane),
            WatchServicer(gate.lane, watching, gate.clock, AGE_LIMITS),
            AlertServicer(gate.lane, tail, gate.clock),
        ),
        "MarketService": (market,),
        "AdminService": (AdminServicer(gate.lane, gate.reload),),
    }
    return RpcServer(gate.transport, servicers, 2, Streams(gate.clock, gate.watch))


class Served:
    """A gate behind a real port of loopback."""

    def __init__(self) -> None:
        self.gate = Gate().open(usd="100000")
        self.server = rpc_server(self.gate)
        self.port = self.server.bind("127.0.0.1", 0, None)
        self.server.start()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")

    def health(self, service: str) -> int:
        stub = health_pb2_grpc.HealthStub(self.channel)
        return int(stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status)

    def close(self) -> None:
        self.channel.close()
        self.server.stop(1.0)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.close()


def test_a_call_goes_through_bytes_and_back(served: Served) -> None:
    stub = margin_service_pb2_grpc.MarginServiceStub(served.channel)
    request = served.gate.check_request(order(leg("CALL", "0.1", "200")))
    assert stub.CheckOrder(request, timeout=10).decision.order_id == "o"


def test_a_status_carries_its_details_over_the_wire(served: Served) -> None:
    stub = margin_service_pb2_grpc.MarginServiceStub(served.channel)
    with pytest.raises(grpc.RpcError) as refused:
        stub.CheckOrder(margin_service_pb2.CheckOrderRequest(), timeout=10)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    trailing = dict(refused.value.trailing_metadata())
    assert b"INVALID_FIELD" in trailing["grpc-status-details-bin"]


def test_health_is_told_for_the_whole_and_for_each_service(served: Served) -> None:
    names = ("", *(f"margingate.v1.{name}" for name in SERVICES))
    for is_serving, expected in ((True, SERVING), (False, NOT_SERVING)):
        served.server.set_serving(is_serving=is_serving)
        assert [served.health(name) for name in names] == [expected] * 5


def test_a_kill_switch_and_health_wait_for_no_prices(served: Served) -> None:
    market = market_service_pb2_grpc.MarketServiceStub(served.channel)
    admin = admin_service_pb2_grpc.AdminServiceStub(served.channel)
    engage = admin_service_pb2.EngageKillSwitchRequest(
        request_id="kill",
        scope=admin_service_pb2.KILL_SCOPE_ALL,
        mode=admin_service_pb2.KILL_MODE_BLOCK_ALL,
        reason="stop",
    )
    prices = market_service_pb2.PublishQuotesRequest(market_time=served.gate.sent_time())
    with served.gate.publisher._publishing:
        waiting = [market.PublishQuotes.future(prices) for _ in range(8)]
        admin.EngageKillSwitch(engage, timeout=5)
        assert served.health("") in {SERVING, NOT_SERVING}
    for each in waiting:
        each.result(timeout=10)


def test_reflection_names_every_service(served: Served) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(served.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    (response,) = stub.ServerReflectionInfo(iter([request]), timeout=10)
    names = {each.name for each in response.list_services_response.service}
    assert {f"margingate.v1.{name}" for name in SERVICES} <= names
    assert "grpc.health.v1.Health" in names


def test_a_port_is_never_shared_by_two_servers(served: Served) -> None:
    other = rpc_server(served.gate)
    with pytest.raises(InvalidInput) as refused:
        other.bind("127.0.0.1", served.port, None)
    assert (refused.value.field, refused.value.problem) == (
        "port",
        f"{served.port} cannot be bound on 127.0.0.1",
    )
    other.stop(0)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])  # noqa: S104
def test_without_tls_only_loopback_is_bound(served: Served, host: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        served.server.bind(host, 0, None)
    assert refused.value.field == "host"
