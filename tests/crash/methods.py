"""The calls that clients make, by name."""

from collections.abc import Callable
from dataclasses import dataclass

import grpc
from google.protobuf.message import Message

from margingate.v1 import (
    account_service_pb2,
    admin_service_pb2,
    margin_service_pb2,
    market_service_pb2,
)
from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types

SERVICES = {
    "MarginService": margin_service_pb2,
    "AccountService": account_service_pb2,
    "MarketService": market_service_pb2,
    "AdminService": admin_service_pb2,
}
CALL_SECONDS_MAX = 10.0


@dataclass(frozen=True, slots=True)
class Method:
    """A unary method: its path and what it takes and gives."""

    path: str
    request_type: type[Message]
    answer_type: type[Message]


def _methods() -> dict[str, Method]:
    found = {}
    for name, module in SERVICES.items():
        service = module.DESCRIPTOR.services_by_name[name]
        for method in service.methods:
            found[method.name] = Method(
                path=f"/{service.full_name}/{method.name}",
                request_type=getattr(module, method.input_type.name),
                answer_type=getattr(module, method.output_type.name),
            )
    return found


METHODS = _methods()


def call(channel: grpc.Channel, name: str, request: Message) -> Message:
    """The answer of a method; grpc.RpcError when there is none."""
    method = METHODS[name]
    stub: Callable[..., Message] = channel.unary_unary(
        method.path,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=method.answer_type.FromString,
    )
    return stub(request, timeout=CALL_SECONDS_MAX)


def account_of(channel: grpc.Channel, name: str) -> accounts.GetAccountResponse:
    """An account as it stands."""
    answer = call(channel, "GetAccount", accounts.GetAccountRequest(account=name))
    assert isinstance(answer, accounts.GetAccountResponse)
    return answer


def margin_of(channel: grpc.Channel, name: str) -> accounts.GetMarginResponse:
    """The margin of an account as it stands."""
    answer = call(channel, "GetMargin", accounts.GetMarginRequest(account=name))
    assert isinstance(answer, accounts.GetMarginResponse)
    return answer


def orders_of(channel: grpc.Channel, name: str) -> list[types.OpenOrder]:
    """Every open order of an account, page by page."""
    found: list[types.OpenOrder] = []
    token = ""
    while True:
        request = margin.ListOrdersRequest(account=name, page_size=200, page_token=token)
        page = call(channel, "ListOrders", request)
        assert isinstance(page, margin.ListOrdersResponse)
        found += page.orders
        token = page.next_page_token
        if not token:
            return found
