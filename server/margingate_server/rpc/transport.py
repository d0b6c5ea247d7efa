"""Between gRPC's bytes and the servicers' messages: parse, call, answer or end with a status."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message

from margingate_engine.core.errors import InvalidInput
from margingate_server.clock import Clock
from margingate_server.rpc.observers import RequestObserver, StageObserver, tell
from margingate_server.rpc.status import DETAILS_KEY, Failure, details_of, failure_of

MESSAGE_BYTES_MAX = 1 << 20
ACCOUNT_KEY = "x-account-id"

CHECK_PATHS = {
    "/margingate.v1.MarginService/CheckOrder",
    "/margingate.v1.MarginService/BatchCheckOrders",
    "/margingate.v1.MarginService/AmendOrder",
}
"""Calls whose stages are timed: a look at a thousand orders would hide how long a check takes."""

Behavior = Callable[[Any, grpc.ServicerContext], Message]


class Transport:
    """Turns servicers into gRPC handlers that take and give bytes.

    grpcio's own deserialiser would end garbage with UNKNOWN; parsed here, it is INVALID_ARGUMENT.
    """

    def __init__(self, clock: Clock, requests: RequestObserver, stages: StageObserver) -> None:
        self._clock = clock
        self._requests = requests
        self._stages = stages

    def handler(
        self,
        method: MethodDescriptor,
        message_type: type[Message],
        behavior: Behavior,
        pool: ThreadPoolExecutor | None,
    ) -> "grpc.RpcMethodHandler[bytes, bytes]":
        """The handler of one unary method, run in `pool` when one is given."""
        path = f"/{method.containing_service.full_name}/{method.name}"

        def answer(raw: bytes, context: grpc.ServicerContext) -> bytes:
            return self._answer(path, message_type, behavior, raw, context)

        if pool is not None:
            answer.experimental_thread_pool = pool  # type: ignore[attr-defined]
        return grpc.unary_unary_rpc_method_handler(answer)

    def _answer(
        self,
        path: str,
        message_type: type[Message],
        behavior: Behavior,
        raw: bytes,
        context: grpc.ServicerContext,
    ) -> bytes:
        started = self._clock.seconds()
        tell(self._requests.started)
        code = "OK"
        request: Message | None = None
        response: Message | None = None
        try:
            request = parsed(message_type, raw)
            check_account_header(request, context)
            decoded = self._clock.seconds()
            if path in CHECK_PATHS:
                tell(self._stages.decoded, decoded - started)
            response = behavior(request, context)
            answered = self._clock.seconds()
            serialized = response.SerializeToString()
            if path in CHECK_PATHS:
                tell(self._stages.encoded, self._clock.seconds() - answered)
        except Exception as error:  # noqa: BLE001 - every one of them has a status
            failure = failure_of(
                error, lambda unforeseen: self._requests.incident(unforeseen, path)
            )
            code = failure.code.name
            end(context, failure)
        else:
            return serialized
        finally:
            tell(self._requests.finished, path, code, self._clock.seconds() - started)
            if request is not None and changes_something(request):
                tell(self._requests.changed, path, code, request, response)


def parsed(message_type: type[Message], raw: bytes) -> Message:
    """The message; InvalidInput for garbage, bad UTF-8 and more than MESSAGE_BYTES_MAX."""
    if len(raw) > MESSAGE_BYTES_MAX:
        raise InvalidInput("message", f"may have at most {MESSAGE_BYTES_MAX} bytes")
    message = message_type()
    try:
        message.ParseFromString(raw)
    except (DecodeError, UnicodeDecodeError):
        raise InvalidInput(
            "message", "is not of this type, or has text that is not UTF-8"
        ) from None
    return message


def check_account_header(request: Message, context: grpc.ServicerContext) -> None:
    """Refuse a call that was routed by another account than it is about."""
    account = getattr(request, "account", None)
    if not isinstance(account, str):
        return
    for key, value in context.invocation_metadata() or ():
        if key == ACCOUNT_KEY and value != account:
            raise InvalidInput("account", f"differs from the {ACCOUNT_KEY} header")


def changes_something(request: Message) -> bool:
    """True for requests that carry ids of their own, and for settlement prices: they last."""
    names = request.DESCRIPTOR.fields_by_name
    is_lasting = not {"request_id", "fill_id", "items", "prices"}.isdisjoint(names)
    return is_lasting and "Get" not in request.DESCRIPTOR.name


def end(context: grpc.ServicerContext, failure: Failure) -> NoReturn:
    """End the call with a status and its details."""
    context.set_trailing_metadata(((DETAILS_KEY, details_of(failure)),))
    context.abort(failure.code, failure.message)
