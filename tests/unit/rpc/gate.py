"""The four services over a ledger in memory, called without a network."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import Queue
from typing import Any

import grpc
import grpc_testing
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2

from margingate.v1 import (
    account_service_pb2,
    admin_service_pb2,
    margin_service_pb2,
    market_service_pb2,
    types_pb2,
)
from margingate_server.ledger.folding import EventLog
from margingate_server.ledger.journal import Journal
from margingate_server.recovery import DeskBuilder
from margingate_server.rpc.account_servicer import AccountServicer
from margingate_server.rpc.admin_servicer import AdminServicer
from margingate_server.rpc.compare_servicer import CompareServicer
from margingate_server.rpc.lane import Lane
from margingate_server.rpc.margin_servicer import MarginServicer
from margingate_server.rpc.market_servicer import MarketServicer
from margingate_server.rpc.order_servicer import OrderServicer
from margingate_server.rpc.outlook_servicer import OutlookServicer
from margingate_server.rpc.publisher import Publisher
from margingate_server.rpc.rank_servicer import RankServicer
from margingate_server.rpc.status import DETAILS_KEY
from margingate_server.rpc.transport import Transport
from margingate_server.service.desk import Desk
from margingate_server.service.terms import Terms
from tests.unit.engine.small_market import INSTRUMENTS
from tests.unit.rpc.memory_market_store import MemoryMarketStore
from tests.unit.rpc.memory_store import MemoryStore
from tests.unit.rpc.watch import SetClock, Watch
from tests.unit.service.small_desk import AGE_LIMITS, small_terms, update

WAIT_SECONDS = 10
FILES = (margin_service_pb2, account_service_pb2, market_service_pb2, admin_service_pb2)
METHODS: dict[str, MethodDescriptor] = {
    method.name: method
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
    if not method.server_streaming
}
"""Methods with one answer; streams have a harness of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a call ended. reason, metadata: of its ErrorInfo; fields: of its BadRequest."""

    response: Any
    code: grpc.StatusCode
    message: str
    reason: str = ""
    domain: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    retry_seconds: int | None = None


class Gate:
    """Servicers behind the real transport, lane and publisher."""

    def __init__(self, *, is_listed: bool = True) -> None:
        self.store, self.clock, self.watch = MemoryStore(), SetClock(), Watch()
        self.markets = MemoryMarketStore()
        self.builder = DeskBuilder(small_terms(), AGE_LIMITS)
        self.next_terms = self.builder.terms
        self.journal = Journal(self.store, self.markets)
        self.lane = Lane(self.builder.open_desk(self.store), self.journal, self.clock, self.watch)
        self.lane.decide(lambda desk, now_ns: (None, self.builder.bring_into_force(desk, now_ns)))
        self.publisher = Publisher(self.lane, self.clock, self.watch)
        market = MarketServicer(self.lane, self.publisher, self.clock, AGE_LIMITS)
        servicers = {
            "MarginService": (
                MarginServicer(self.lane, self.watch),
                OrderServicer(self.lane, self.watch),
            ),
            "AccountService": (
                AccountServicer(self.lane),
                CompareServicer(self.lane),
                RankServicer(self.lane),
                OutlookServicer(self.lane),
            ),
            "MarketService": (market,),
            "AdminService": (AdminServicer(self.lane, self.reload),),
        }
        self.transport = Transport(self.clock, self.watch, self.watch)
        self._ends: Queue[Sequence[tuple[str, bytes]]] = Queue()
        by_descriptor = {
            service: _Raw(self.transport, service.methods, servicers[service.name], self._ends)
            for file in FILES
            for service in file.DESCRIPTOR.services_by_name.values()
        }
        self._server = grpc_testing.server_from_dictionary(
            by_descriptor, grpc_testing.strict_real_time()
        )
        if is_listed:
            self.publisher.list_instruments(INSTRUMENTS)
            self.quote()

    def quote(self, **changes: Any) -> None:
        """Publish the small market's prices now."""
        self.publisher.publish(update(**changes), self.clock.seconds())

    def answer(
        self, method: str, request: Message, metadata: Sequence[tuple[str, str]] = ()
    ) -> Answer:
        """How a call of `method` ends."""
        call = self._server.invoke_unary_unary(METHODS[method], metadata, request, None)
        response, _, code, message = call.termination()
        packed = dict(self._ends.get(timeout=WAIT_SECONDS)).get(DETAILS_KEY)
        if packed is None:
            return Answer(response=response, code=code, message=message or "")
        return _with_details(status_pb2.Status.FromString(packed), code, message)

    def ok(self, method: str, request: Message) -> Any:
        """The response of a call that must succeed."""
        answer = self.answer(method, request)
        assert answer.code is grpc.StatusCode.OK, answer
        return answer.response

    def open(self, account: str = "a", usd: str = "", coins: str = "") -> "Gate":
        """Open an account with cash; this gate."""
        self.ok(
            "CreateAccount",
            account_service_pb2.CreateAccountRequest(request_id="open", account=account),
        )
        for currency, amount in (("USD", usd), ("BTC", coins)):
            if amount:
                self.ok(
                    "AdjustCollateral",
                    account_service_pb2.AdjustCollateralRequest(
                        request_id=f"fund-{currency}",
                        account=account,
                        currency=currency,
                        amount=amount,
                    ),
                )
        return self

    def sent_time(self) -> Timestamp:
        """The clock of now as a router would send it."""
        return Timestamp(seconds=self.clock.ns // 10**9, nanos=self.clock.ns % 10**9)

    def check_request(
        self, order: types_pb2.Order, request_id: str = "r", account: str = "a"
    ) -> margin_service_pb2.CheckOrderRequest:
        """A check of an order, sent now."""
        return margin_service_pb2.CheckOrderRequest(
            request_id=request_id, account=account, order=order, sent_time=self.sent_time()
        )

    def check(self, order: types_pb2.Order, request_id: str = "r") -> Any:
        """The answer to a check of account a."""
        return self.ok("CheckOrder", self.check_request(order, request_id))

    def reload(self) -> tuple[Terms, bool]:
        """Put `next_terms` into force, as the server does with those of its files."""
        return self.next_terms, self.publisher.change_terms(self.next_terms, self.builder.adopt)

    def recover(self) -> None:
        """Fold the log anew, as the server's upkeep does."""

        def reopened(log: EventLog) -> Desk:
            desk = self.builder.open_desk(log)
            self.builder.bring_into_force(desk, self.clock.ns)
            return desk

        self.lane.recover(reopened)


def leg(name: str, quantity: str, price: str = "") -> types_pb2.OrderLeg:
    """A leg; a minus sign before the quantity sells."""
    return types_pb2.OrderLeg(
        instrument=name,
        side=types_pb2.SIDE_SELL if quantity.startswith("-") else types_pb2.SIDE_BUY,
        quantity=quantity.removeprefix("-"),
        limit_price=price,
    )


def order(*legs: types_pb2.OrderLeg, order_id: str = "o") -> types_pb2.Order:
    """An order of these legs."""
    several = types_pb2.EXECUTION_INDEPENDENT_LEGS if len(legs) > 1 else 0
    return types_pb2.Order(order_id=order_id, legs=legs, execution=several)


class _Watched:
    """A servicer's context that keeps the trailing metadata, which grpc_testing loses on abort."""

    def __init__(self, context: grpc.ServicerContext) -> None:
        self._context = context
        self.trailing: Sequence[tuple[str, bytes]] = ()

    def set_trailing_metadata(self, trailing: Sequence[tuple[str, bytes]]) -> None:
        self.trailing = trailing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


class _Raw:
    """A servicer whose methods go through the transport's bytes; `ends` gets each call's end."""

    def __init__(
        self,
        transport: Transport,
        methods: Sequence[MethodDescriptor],
        servicers: Sequence[object],
        ends: Any,
    ) -> None:
        for method in methods:
            if method.server_streaming:
                continue
            (behavior,) = (
                getattr(each, method.name) for each in servicers if hasattr(each, method.name)
            )
            setattr(self, method.name, _through(transport, method, behavior, ends))


def _through(transport: Transport, method: MethodDescriptor, behavior: Any, ends: Any) -> Any:
    handler = transport.handler(method, GetMessageClass(method.input_type), behavior, None)

    def call(request: Message, context: grpc.ServicerContext) -> Message:
        watched = _Watched(context)
        try:
            raw = handler.unary_unary(request.SerializeToString(), watched)
        finally:
            ends.put(watched.trailing)
        return GetMessageClass(method.output_type).FromString(raw)

    return call


def _with_details(status: status_pb2.Status, code: grpc.StatusCode, message: str) -> Answer:
    info, bad, retry = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    has_retry = False
    for each in status.details:
        if not (each.Unpack(info) or each.Unpack(bad)):
            has_retry = each.Unpack(retry)
    assert (status.code, status.message) == (code.value[0], message)
    return Answer(
        response=None,
        code=code,
        message=message,
        reason=info.reason,
        domain=info.domain,
        metadata=dict(info.metadata),
        fields=tuple(each.field for each in bad.field_violations),
        retry_seconds=retry.retry_delay.seconds if has_retry else None,
    )
