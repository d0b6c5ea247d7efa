"""A server that answers what a test scripted and remembers what it was asked."""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from margingate.v1 import (
    account_service_pb2,
    account_service_pb2_grpc,
    admin_service_pb2,
    admin_service_pb2_grpc,
    margin_service_pb2,
    margin_service_pb2_grpc,
    market_service_pb2,
    market_service_pb2_grpc,
)

SERVICES = (
    ("MarginService", margin_service_pb2, margin_service_pb2_grpc),
    ("AccountService", account_service_pb2, account_service_pb2_grpc),
    ("MarketService", market_service_pb2, market_service_pb2_grpc),
    ("AdminService", admin_service_pb2, admin_service_pb2_grpc),
)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A status other than OK, with the details margingate's server sends."""

    code: grpc.StatusCode
    message: str = "refused"
    reason: str = ""
    violations: tuple[tuple[str, str], ...] = ()
    has_details: bool = True
    details_contradict: bool = False

    def abort(self, context: grpc.ServicerContext) -> None:
        if not self.has_details:
            context.abort(self.code, self.message)
        info = error_details_pb2.ErrorInfo(
            reason=self.reason, domain="margingate", metadata={"account": "desk-1"}
        )
        bad_request = error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(field=name, description=text)
                for name, text in self.violations
            ]
        )
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        for detail in (info, bad_request):
            packed = AnyMessage()
            packed.Pack(detail)
            status.details.append(packed)
        if self.details_contradict:
            status.message = "something else"
            context.set_trailing_metadata(
                (("grpc-status-details-bin", status.SerializeToString()),)
            )
            context.abort(self.code, self.message)
        context.abort_with_status(rpc_status.to_status(status))


class Silence:
    """No answer before the caller's deadline."""


@dataclass
class FakeServer:
    target: str = ""
    script: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    requests: list[tuple[str, Message]] = field(default_factory=list)
    headers: list[dict[str, Any]] = field(default_factory=list)
    end: Event = field(default_factory=Event)

    def answers(self, rpc: str, *answers: Any) -> None:
        """The next calls of `rpc` get these, the last one again and again."""
        self.script[rpc] = list(answers)

    def asked(self, rpc: str) -> list[Any]:
        return [request for name, request in self.requests if name == rpc]

    def handle(self, rpc: str, request: Message, context: grpc.ServicerContext) -> Any:
        self.requests.append((rpc, request))
        self.headers.append(dict(context.invocation_metadata()))
        answers = self.script[rpc]
        if not answers:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{rpc} is not scripted")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Silence):
            self.end.wait(timeout=20)
        if isinstance(answer, Refusal):
            answer.abort(context)
        return answer


@contextmanager
def running_server(credentials: grpc.ServerCredentials | None = None) -> Iterator[FakeServer]:
    fake = FakeServer()
    with ThreadPoolExecutor(max_workers=8) as pool:
        server = grpc.server(pool)
        for name, messages, stubs in SERVICES:
            base = getattr(stubs, f"{name}Servicer")
            rpcs = messages.DESCRIPTOR.services_by_name[name].methods
            methods = {
                rpc.name: (_stream if rpc.server_streaming else _handler)(fake, rpc.name)
                for rpc in rpcs
            }
            servicer = type(f"Fake{name}", (base,), methods)()
            getattr(stubs, f"add_{name}Servicer_to_server")(servicer, server)
        if credentials is None:
            port = server.add_insecure_port("127.0.0.1:0")
        else:
            port = server.add_secure_port("127.0.0.1:0", credentials)
        fake.target = f"127.0.0.1:{port}"
        server.start()
        try:
            yield fake
        finally:
            fake.end.set()
            server.stop(grace=None).wait()


def _handler(fake: FakeServer, rpc: str) -> Any:
    def method(_self: Any, request: Message, context: grpc.ServicerContext) -> Any:
        return fake.handle(rpc, request, context)

    return method


def _stream(fake: FakeServer, rpc: str) -> Any:
    """A stream's answer is a list: messages, and at its end perhaps a refusal or silence."""

    def method(_self: Any, request: Message, context: grpc.ServicerContext) -> Iterator[Any]:
        answer = fake.handle(rpc, request, context)
        for each in answer:
            if isinstance(each, Refusal):
                each.abort(context)
            elif isinstance(each, Silence):
                while context.is_active() and not fake.end.wait(0.01):
                    pass
            else:
                yield each

    return method
