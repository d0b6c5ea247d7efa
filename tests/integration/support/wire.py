"""Calls to a server over gRPC, and what its refusals say."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import time_ns
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from margingate.v1.account_service_pb2_grpc import AccountServiceStub
from margingate.v1.admin_service_pb2_grpc import AdminServiceStub
from margingate.v1.margin_service_pb2_grpc import MarginServiceStub
from margingate.v1.market_service_pb2_grpc import MarketServiceStub

CALL_SECONDS_MAX = 20
PACKAGE = "/margingate.v1."


STREAMS = {"AccountService/StreamAlerts", "AccountService/WatchAccount"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A status other than OK. fields: of its BadRequest; text: all that a client gets to see."""

    code: grpc.StatusCode
    message: str
    reason: str
    fields: tuple[str, ...]
    text: str


class Wire:
    """Stubs of every service over one channel."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.channel = channel
        self.margin = MarginServiceStub(channel)
        self.accounts = AccountServiceStub(channel)
        self.market = MarketServiceStub(channel)
        self.admin = AdminServiceStub(channel)
        self._health = health_pb2_grpc.HealthStub(channel)

    def method(self, path: str) -> Callable[..., Any]:
        """The method of a path like "MarginService/CheckOrder", taking messages or bytes.

        Of a stream it gives the first message.
        """
        if path not in STREAMS:
            return self.channel.unary_unary(PACKAGE + path, _as_bytes, _as_it_is)
        stream = self.channel.unary_stream(PACKAGE + path, _as_bytes, _as_it_is)

        def first(request: Any, timeout: float) -> Any:
            call = stream(request, timeout=timeout)
            try:
                return next(call)
            finally:
                call.cancel()

        return first

    def refusal(self, call: Callable[[], object]) -> Refusal:
        """How a call is refused; AssertionError when it is not."""
        try:
            answer = call()
        except grpc.RpcError as error:
            return _refusal_of(error)
        raise AssertionError(f"was not refused: {answer!r}")

    def is_healthy(self, service: str = "") -> bool:
        """What a health check says."""
        request = health_pb2.HealthCheckRequest(service=service)
        return bool(self._health.Check(request, timeout=CALL_SECONDS_MAX).status == 1)

    def open(self, account: str, **amounts: str) -> None:
        """An account with cash by currency."""
        self.accounts.CreateAccount(
            accounts.CreateAccountRequest(request_id="open", account=account),
            timeout=CALL_SECONDS_MAX,
        )
        for currency, amount in amounts.items():
            self.accounts.AdjustCollateral(
                accounts.AdjustCollateralRequest(
                    request_id=f"fund-{currency}",
                    account=account,
                    currency=currency,
                    amount=amount,
                ),
                timeout=CALL_SECONDS_MAX,
            )

    def check(
        self, request_id: str, order: types.Order, account: str = "a"
    ) -> margin.CheckOrderResponse:
        """The answer to an order sent now."""
        return self.margin.CheckOrder(
            margin.CheckOrderRequest(
                request_id=request_id, account=account, order=order, sent_time=now()
            ),
            timeout=CALL_SECONDS_MAX,
        )

    def account(self, account: str = "a") -> accounts.GetAccountResponse:
        """An account as it stands."""
        request = accounts.GetAccountRequest(account=account)
        return self.accounts.GetAccount(request, timeout=CALL_SECONDS_MAX)


def _as_bytes(request: Any) -> bytes:
    return request if isinstance(request, bytes) else bytes(request.SerializeToString())


def _as_it_is(raw: bytes) -> bytes:
    return raw


def now() -> Timestamp:
    """The machine's clock, as routers send it."""
    ns = time_ns()
    return Timestamp(seconds=ns // 10**9, nanos=ns % 10**9)


def leg(name: str, quantity: str, price: str = "") -> types.OrderLeg:
    """A leg; a minus sign before the quantity sells."""
    return types.OrderLeg(
        instrument=name,
        side=types.SIDE_SELL if quantity.startswith("-") else types.SIDE_BUY,
        quantity=quantity.removeprefix("-"),
        limit_price=price,
    )


def order(order_id: str, *legs: types.OrderLeg) -> types.Order:
    """An order of these legs, each of which may fill alone."""
    several = types.EXECUTION_INDEPENDENT_LEGS if len(legs) > 1 else 0
    return types.Order(order_id=order_id, legs=legs, execution=several)


@contextmanager
def connected(target: str) -> Iterator[Wire]:
    """The services of a server, as soon as it answers."""
    with grpc.insecure_channel(target) as channel:
        grpc.channel_ready_future(channel).result(CALL_SECONDS_MAX)
        yield Wire(channel)


def _refusal_of(error: Any) -> Refusal:
    raw = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for each in status_pb2.Status.FromString(raw).details:
        if not each.Unpack(info):
            each.Unpack(bad)
    return Refusal(
        code=error.code(),
        message=error.details(),
        reason=info.reason,
        fields=tuple(violation.field for violation in bad.field_violations),
        text=f"{error.details()} {raw.decode('utf-8', 'replace')}",
    )
