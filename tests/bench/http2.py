"""Unary gRPC calls over one HTTP/2 connection, with as little work per call as Python allows.

grpcio's own client needs more time for a call than its server does, so on two cores it would
measure itself. Here a request is two frames with fixed headers; answers are cut at frame borders
and kept as bytes, to be parsed when the clock has stopped. h2load is no substitute: it sends one
body only, and a check needs a new request id each time.
"""

import socket
import struct
from typing import NamedTuple, Self

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
ACK = END_STREAM = 1
END_HEADERS = 4
FRAME_HEADER = struct.Struct(">IBI")
HEADER_BYTES = FRAME_HEADER.size
GRPC_PREFIX_BYTES = 5
WINDOW_MAX = 2**31 - 1
WINDOW_DEFAULT = 65_535
TABLE_SIZE_SETTING, WINDOW_SETTING = 1, 4
RECEIVE_BYTES = 1 << 20


class Call(NamedTuple):
    """A method, "/package.Service/Method", and its serialised request."""

    path: str
    request: bytes


class Answer(NamedTuple):
    """What a stream brought: its number, and the serialised response, empty after a failure."""

    stream: int
    response: bytes


class Connection:
    """A connection to a server on loopback. RuntimeError when the server refuses a call."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._authority = f"127.0.0.1:{port}".encode()
        self._header_blocks: dict[str, bytes] = {}
        self._bodies: dict[int, bytes] = {}
        self._next_stream = 1
        self._window = WINDOW_DEFAULT
        self._received = b""
        settings = struct.pack(">HIHI", TABLE_SIZE_SETTING, 0, WINDOW_SETTING, WINDOW_MAX)
        self._outgoing = [
            PREFACE,
            _frame(SETTINGS, 0, 0, settings),
            _frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", WINDOW_MAX - WINDOW_DEFAULT)),
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, call: Call) -> int:
        """Number of the stream of a call that the next `flush` puts on the wire."""
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        block = self._header_blocks.get(call.path)
        if block is None:
            block = self._header_blocks[call.path] = self._header_block(call.path)
        body = b"\0" + struct.pack(">I", len(call.request)) + call.request
        self._window -= len(body)
        if self._window < 0:
            raise RuntimeError("the server does not read what it is sent")
        self._outgoing += (
            _frame(HEADERS, END_HEADERS, stream, block),
            _frame(DATA, END_STREAM, stream, body),
        )
        return stream

    def flush(self) -> None:
        """Put what waits on the wire."""
        if self._outgoing:
            self.socket.sendall(b"".join(self._outgoing))
            self._outgoing.clear()

    def receive(self) -> list[Answer]:
        """Streams that ended with what is there to read; waits until something is."""
        read = self.socket.recv(RECEIVE_BYTES)
        if not read:
            raise RuntimeError("the server closed the connection")
        received, position, answers = self._received + read, 0, list[Answer]()
        while len(received) - position >= HEADER_BYTES:
            size_and_kind, flags, stream = FRAME_HEADER.unpack_from(received, position)
            kind, end = size_and_kind & 0xFF, position + HEADER_BYTES + (size_and_kind >> 8)
            if end > len(received):
                break
            payload = received[position + HEADER_BYTES : end]
            position = end
            if kind == DATA:
                self._bodies[stream] = self._bodies.get(stream, b"") + payload
            elif kind != HEADERS:
                self._control(kind, flags, payload)
            if flags & END_STREAM and kind in (DATA, HEADERS):
                answers.append(Answer(stream, self._bodies.pop(stream, b"")[GRPC_PREFIX_BYTES:]))
        self._received = received[position:]
        return answers

    def _control(self, kind: int, flags: int, payload: bytes) -> None:
        if kind == WINDOW_UPDATE:
            self._window += int.from_bytes(payload)
        elif kind == PING and not flags & ACK:
            self._outgoing.append(_frame(PING, ACK, 0, payload))
        elif kind == SETTINGS and not flags & ACK:
            self._outgoing.append(_frame(SETTINGS, ACK, 0, b""))
        elif kind in (RST_STREAM, GOAWAY):
            raise RuntimeError(f"the server refused a call: {payload!r}")

    def _header_block(self, path: str) -> bytes:
        """HPACK without tables or compression: indexed method and scheme, the rest literal."""
        return b"".join(
            (
                b"\x83\x86",
                b"\x04" + _text(path.encode()),
                b"\x01" + _text(self._authority),
                b"\x0f\x10" + _text(b"application/grpc"),
                b"\x00" + _text(b"te") + _text(b"trailers"),
            )
        )


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return FRAME_HEADER.pack(len(payload) << 8 | kind, flags, stream) + payload


def _text(content: bytes) -> bytes:
    assert len(content) < 127, "longer texts have another form"
    return bytes((len(content),)) + content
