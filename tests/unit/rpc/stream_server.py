"""A gRPC server whose streams do what a test says, and clients that read or do not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from margingate.v1 import account_service_pb2 as pb
from margingate.v1 import account_service_pb2_grpc, margin_service_pb2_grpc
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
from margingate_server.rpc.status import DETAILS_KEY
from margingate_server.rpc.streams import Stream, Streams
from margingate_server.rpc.watch_servicer import WatchServicer
from margingate_server.rpc.watching import Watching
from tests.unit.rpc.gate import AGE_LIMITS, Gate

WAIT_SECONDS = 10
NARROW = (("grpc.http2.lookahead_bytes", 1024), ("grpc.http2.bdp_probe", 0))
"""A client that has room for a few messages only until it reads."""

Source = Callable[[Any, Stream], Iterator[Message]]


class Scripted:
    """WatchAccount as a test has it."""

    def __init__(self, source: Source) -> None:
        self.WatchAccount = source


def endless(_request: object, stream: Stream) -> Iterator[pb.WatchAccountResponse]:
    """Messages of half a kilobyte, as fast as they are taken."""
    while not stream.is_closed:
        yield pb.WatchAccountResponse(missing="x" * 512)


def silent(_request: object, stream: Stream) -> Iterator[pb.WatchAccountResponse]:
    """One message, and then nothing."""
    yield pb.WatchAccountResponse(account="first")
    while not stream.is_closed:
        stream.wait(WAIT_SECONDS)


class StreamServer:
    """A gate behind a real port, its streams by the clock of the gate."""

    def __init__(self, source: Source | None = None) -> None:
        self.gate = gate = Gate().open(usd="50000")
        self.streams = Streams(gate.clock, gate.watch)
        self.tail = AlertTail(gate.lane, gate.store, gate.clock, gate.watch)
        self.watching = Watching(gate.lane, gate.clock, gate.watch)
        watch = WatchServicer(gate.lane, self.watching, gate.clock, AGE_LIMITS)
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
                watch if source is None else Scripted(source),
                AlertServicer(gate.lane, self.tail, gate.clock),
            ),
            "MarketService": (MarketServicer(gate.lane, gate.publisher, gate.clock, AGE_LIMITS),),
            "AdminService": (AdminServicer(gate.lane, gate.reload),),
        }
        self.server = RpcServer(gate.transport, servicers, 2, self.streams)
        self.port = self.server.bind("127.0.0.1", 0, None)
        self.tail.start()
        self.watching.start()
        self.server.start()

    def pass_time(self, seconds: float) -> None:
        """So long goes by, by the gate's clock."""
        self.gate.clock.ns += int(seconds * 1e9)

    def close(self) -> None:
        """End streams and server."""
        self.server.stop(1.0)
        self.tail.stop()
        self.watching.stop()

    @contextmanager
    def client(self, *options: tuple[str, int]) -> Iterator["Client"]:
        """A connection of its own."""
        with grpc.insecure_channel(f"127.0.0.1:{self.port}", options=options) as channel:
            yield Client(channel)


class Client:
    """Stubs of one connection."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.accounts = account_service_pb2_grpc.AccountServiceStub(channel)
        self.margin = margin_service_pb2_grpc.MarginServiceStub(channel)

    def watch(self, account: str = "a", **metadata: str) -> Any:
        """A stream of WatchAccount."""
        request = pb.WatchAccountRequest(account=account)
        sent = tuple((name.replace("_", "-"), value) for name, value in metadata.items())
        return self.accounts.WatchAccount(request, metadata=sent)


def end_of(call: Any) -> tuple[grpc.StatusCode, str, bool]:
    """(code, reason of the ErrorInfo, whether to try again) that a stream ends with."""
    with suppress(grpc.RpcError):
        for _ in call:
            pass
    info, can_retry = error_details_pb2.ErrorInfo(), False
    packed = dict(call.trailing_metadata() or ()).get(DETAILS_KEY)
    if packed is not None:
        status = status_pb2.Status.FromString(packed)
        assert (status.code, status.message) == (call.code().value[0], call.details())
        for each in status.details:
            if not each.Unpack(info):
                can_retry |= each.Unpack(error_details_pb2.RetryInfo())
    return call.code(), info.reason, can_retry
