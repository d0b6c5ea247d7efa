"""The gRPC server: services, pools, health, reflection, transport options."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import grpc
from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from margingate.v1 import (
    account_service_pb2,
    admin_service_pb2,
    margin_service_pb2,
    market_service_pb2,
)
from margingate_engine.core.errors import InvalidInput
from margingate_server.rpc.streams import Streams
from margingate_server.rpc.transport import Transport

SERVICE_FILES: tuple[FileDescriptor, ...] = (
    margin_service_pb2.DESCRIPTOR,
    account_service_pb2.DESCRIPTOR,
    market_service_pb2.DESCRIPTOR,
    admin_service_pb2.DESCRIPTOR,
)

LIFECYCLE_METHODS = {
    "ReleaseOrder",
    "ReleaseAll",
    "ReportFill",
    "ConfirmAmend",
    "RejectAmend",
}
"""They have threads of their own, so that no flood of checks ever delays a release."""

LIFECYCLE_THREADS = 8
BACK_OFFICE_THREADS = 4

ADMIN_THREADS = 2
"""For AdminService and health: no flood of prices or looks ever delays a kill switch."""

SLOW_METHODS = {"GetOutlook"}
"""They may take seconds: nobody else waits behind them."""

SLOW_THREADS = 2

OPENING_THREADS = 2
"""They begin streams; each stream then has a thread of its own."""

OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", 4 << 20),
    ("grpc.max_metadata_size", 8 << 10),
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)

LOOPBACK_HOSTS = {"127.0.0.1", "localhost", "::1", "[::1]"}


class _Pools(NamedTuple):
    """Threads by what they do; `office` has what is of no other."""

    check: ThreadPoolExecutor
    lifecycle: ThreadPoolExecutor
    office: ThreadPoolExecutor
    admin: ThreadPoolExecutor
    opening: ThreadPoolExecutor
    slow: ThreadPoolExecutor

    @classmethod
    def of(cls, workers: int) -> "_Pools":
        """New pools; workers: threads that decide."""
        return cls(
            check=ThreadPoolExecutor(workers, thread_name_prefix="check"),
            lifecycle=ThreadPoolExecutor(LIFECYCLE_THREADS, thread_name_prefix="lifecycle"),
            office=ThreadPoolExecutor(BACK_OFFICE_THREADS, thread_name_prefix="office"),
            admin=ThreadPoolExecutor(ADMIN_THREADS, thread_name_prefix="admin"),
            opening=ThreadPoolExecutor(OPENING_THREADS, thread_name_prefix="stream-open"),
            slow=ThreadPoolExecutor(SLOW_THREADS, thread_name_prefix="slow"),
        )

    def answering(self, service: str, method: str) -> ThreadPoolExecutor | None:
        """Who answers a method that is no stream; None for the server's own pool, `check`."""
        if method in LIFECYCLE_METHODS:
            return self.lifecycle
        if method in SLOW_METHODS:
            return self.slow
        return {"MarginService": None, "AdminService": self.admin}.get(service, self.office)


class RpcServer:
    """A grpcio synchronous server with the four services, health and reflection."""

    def __init__(
        self,
        transport: Transport,
        servicers: Mapping[str, Sequence[object]],
        workers: int,
        streams: Streams,
    ) -> None:
        """servicers: by service name, e.g. "MarginService", who together have all its methods.

        workers: threads that decide.
        """
        self._streams = streams
        self._pools = _Pools.of(workers)
        self._server = grpc.server(self._pools.check, options=OPTIONS)
        names = []
        for file in SERVICE_FILES:
            for service in file.services_by_name.values():
                handlers = self._handlers(transport, service, servicers[service.name])
                self._server.add_registered_method_handlers(service.full_name, handlers)
                self._server.add_generic_rpc_handlers(
                    (grpc.method_handlers_generic_handler(service.full_name, handlers),)
                )
                names.append(service.full_name)
        self._health = health.HealthServicer(
            experimental_non_blocking=True,
            experimental_thread_pool=self._pools.admin,
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._names = names
        reflected = (*names, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(reflected, self._server, pool=self._pools.office)

    def _handlers(
        self, transport: Transport, service: ServiceDescriptor, servicers: Sequence[object]
    ) -> "dict[str, grpc.RpcMethodHandler[bytes, bytes]]":
        handlers = {}
        for method in service.methods:
            pool = self._pools.answering(service.name, method.name)
            message_type: type[Message] = GetMessageClass(method.input_type)
            (behavior,) = (
                getattr(each, method.name) for each in servicers if hasattr(each, method.name)
            )
            handlers[method.name] = (
                self._streams.handler(method, message_type, behavior, self._pools.opening)
                if method.server_streaming
                else transport.handler(method, message_type, behavior, pool)
            )
        return handlers

    def bind(self, host: str, port: int, tls_pair: tuple[bytes, bytes] | None) -> int:
        """The port bound. tls_pair: key and certificate in PEM.

        InvalidInput for an open host without TLS, a pair that is none, or a port that is taken.
        """
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if tls_pair is None and host not in LOOPBACK_HOSTS:
            raise InvalidInput("host", "must be loopback unless TLS is configured")
        if tls_pair is not None:
            check_tls_pair(*tls_pair)
        try:
            if tls_pair is not None:
                credentials = grpc.ssl_server_credentials([tls_pair])
                return self._server.add_secure_port(address, credentials)
            return self._server.add_insecure_port(address)
        except (RuntimeError, ValueError):
            raise InvalidInput("port", f"{port} cannot be bound on {host}") from None

    def start(self) -> None:
        """Begin to answer."""
        self._streams.start()
        self._server.start()

    def set_serving(self, *, is_serving: bool) -> None:
        """Tell health checks of every service whether decisions can be made."""
        serving = health_pb2.HealthCheckResponse.SERVING
        not_serving = health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", *self._names):
            self._health.set(name, serving if is_serving else not_serving)

    def stop(self, grace_seconds: float) -> None:
        """Refuse new calls, end streams, let calls under way finish, and end the threads."""
        self._health.enter_graceful_shutdown()
        is_stopped = self._server.stop(grace_seconds)
        self._streams.close()
        is_stopped.wait()
        for pool in self._pools:
            pool.shutdown(wait=True)


def check_tls_pair(key: bytes, certificate: bytes) -> None:
    """Refuse what is no PEM at all; gRPC would only say that the port cannot be bound."""
    if b"-----BEGIN" not in key or b"PRIVATE KEY-----" not in key:
        raise InvalidInput("tls_key", "is not a private key in PEM")
    if b"-----BEGIN CERTIFICATE-----" not in certificate:
        raise InvalidInput("tls_cert", "is not a certificate in PEM")
