"""What gRPC alone costs: the server's transport and pools around methods that answer at once.

python -m tests.bench.echo_server CHECK_RESPONSE_HEX PREVIEW_RESPONSE_HEX
"""

import json
import signal
import sys
from collections.abc import Callable

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from margingate.v1 import margin_service_pb2 as pb
from margingate_server.clock import SystemClock
from margingate_server.config import ServerConfig
from margingate_server.rpc.server import SERVICE_FILES, RpcServer
from margingate_server.rpc.streams import Streams
from margingate_server.rpc.transport import Transport


class Silent:
    """Observes requests and stages, and does nothing about them."""

    def started(self) -> None:
        """Nothing."""

    def finished(self, *_: object) -> None:
        """Nothing."""

    def opened(self, _: str) -> None:
        """Nothing."""

    def sent(self, _: str) -> None:
        """Nothing."""

    def ended(self, *_: str) -> None:
        """Nothing."""

    def refused(self, *_: str) -> None:
        """Nothing."""

    def changed(self, *_: object) -> None:
        """Nothing."""

    def decoded(self, _: float) -> None:
        """Nothing."""

    def encoded(self, _: float) -> None:
        """Nothing."""

    def incident(self, error: Exception, path: str) -> str:
        """The error ends in the log of the echo server."""
        sys.stderr.write(f"{path}: {error!r}\n")
        return "echo"


class Echo:
    """Every method of every service: the same answer to whatever is asked."""

    def __init__(self, **prepared: Message) -> None:
        self._prepared = prepared

    def __getattr__(self, method: str) -> Callable[[object, object], Message]:
        response = self._prepared.get(method, Empty())
        return lambda _request, _context: response


def main(check_response: str, preview_response: str) -> None:
    """Serve until SIGTERM."""
    echo = Echo(
        CheckOrder=pb.CheckOrderResponse.FromString(bytes.fromhex(check_response)),
        PreviewOrder=pb.PreviewOrderResponse.FromString(bytes.fromhex(preview_response)),
    )
    names = [name for file in SERVICE_FILES for name in file.services_by_name]
    transport = Transport(SystemClock(), Silent(), Silent())
    streams = Streams(SystemClock(), Silent())
    server = RpcServer(transport, dict.fromkeys(names, (echo,)), ServerConfig().workers, streams)
    port = server.bind("127.0.0.1", 0, None)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    server.start()
    sys.stderr.write(json.dumps({"event": "serving", "grpc_port": port, "http_port": 0}) + "\n")
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.stop(0.0)


if __name__ == "__main__":
    main(*sys.argv[1:])
