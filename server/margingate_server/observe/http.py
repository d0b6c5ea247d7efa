"""The HTTP endpoint: /metrics, /livez and /readyz, on a port and in threads of its own."""

import json
import socket
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from threading import Thread
from typing import Self

from prometheus_client import CollectorRegistry, generate_latest

from margingate_server.observe.connections import Connections
from margingate_server.observe.logs import Log
from margingate_server.observe.readiness_metrics import Readiness

CLIENT_TIMEOUT_SECONDS = 5.0
CONNECTIONS_MAX = 32
METRICS = "text/plain; version=0.0.4; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"


class HttpEndpoint:
    """Serves until closed; `port` is the real one, also when 0 was asked for.

    registry: what /metrics exports. readiness: named checks, called at each /readyz in the thread
    of the request; ready when there are some and all are true. Raises OSError when the address
    cannot be bound. The threads are daemons: they never keep a process alive.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        readiness: Readiness,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._server = _Server((host, port), registry, readiness)
        self.host = host
        self.port = int(self._server.server_address[1])
        self._thread = Thread(
            target=self._server.serve_forever, args=(0.1,), name="observe-http", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stops listening, drops the clients and joins the thread; the second time does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self._server.connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(
        self, address: tuple[str, int], registry: CollectorRegistry, readiness: Readiness
    ) -> None:
        self.registry = registry
        self.readiness = readiness
        self.connections = Connections(CONNECTIONS_MAX)
        self._log = Log()
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        self.connections.add(connection)
        return connection, address

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        assert isinstance(request, socket.socket)
        self.connections.remove(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        del request, client_address
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):  # that is a client that left
            self._log.incident(error, "http_request_failed")


class _Handler(BaseHTTPRequestHandler):
    """One request per connection (HTTP/1.0); the socket's timeout bounds each read and write."""

    timeout = CLIENT_TIMEOUT_SECONDS
    server: _Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(HTTPStatus.OK, METRICS, generate_latest(self.server.registry))
        elif path == "/livez":
            self._answer(HTTPStatus.OK, TEXT, b"alive\n")
        elif path == "/readyz":
            self._answer_readiness()
        else:
            self._answer(HTTPStatus.NOT_FOUND, TEXT, b"not found\n")

    do_HEAD = do_GET  # noqa: N815  # the base class's names

    def _refuse(self) -> None:
        self._answer(HTTPStatus.METHOD_NOT_ALLOWED, TEXT, b"only GET and HEAD\n")

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse  # noqa: N815

    def _answer_readiness(self) -> None:
        checks = dict(self.server.readiness())
        is_ready = bool(checks) and all(checks.values())
        body = json.dumps({"ready": is_ready, "checks": checks}).encode() + b"\n"
        status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        self._answer(status, JSON, body)

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        return "margingate"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """A scrape is no news."""
