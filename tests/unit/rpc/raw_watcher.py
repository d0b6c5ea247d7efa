"""A watcher that is a bare socket: it says how much it has room for, and reads when told to."""

import socket
import struct
from types import TracebackType
from typing import Self

from margingate.v1 import account_service_pb2 as pb

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
ACK = END_STREAM = 0x1
END_HEADERS = 0x4
INITIAL_WINDOW_SIZE = 4
STREAM = 1
WAIT_SECONDS = 10


class RawWatcher:
    """One WatchAccount of account "a" in HTTP/2 by hand, with a window as small as asked."""

    def __init__(self, port: int, window_bytes: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS)
        settings = struct.pack(">HI", INITIAL_WINDOW_SIZE, window_bytes)
        headers = b"".join(
            b"\x00" + _text(name) + _text(value)
            for name, value in (
                (":method", "POST"),
                (":scheme", "http"),
                (":path", "/margingate.v1.AccountService/WatchAccount"),
                (":authority", f"127.0.0.1:{port}"),
                ("content-type", "application/grpc"),
                ("te", "trailers"),
            )
        )
        message = pb.WatchAccountRequest(account="a").SerializeToString()
        body = struct.pack(">BI", 0, len(message)) + message
        self._socket.sendall(
            PREFACE
            + _frame(SETTINGS, 0, 0, settings)
            + _frame(HEADERS, END_HEADERS, STREAM, headers)
            + _frame(DATA, END_STREAM, STREAM, body)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()

    def allow(self, size_bytes: int) -> None:
        """Have room for so much more."""
        update = struct.pack(">I", size_bytes)
        self._socket.sendall(
            _frame(WINDOW_UPDATE, 0, 0, update) + _frame(WINDOW_UPDATE, 0, STREAM, update)
        )

    def trailers_after_reading(self) -> bool:
        """Read to the end of the stream; whether it ended with trailers and not with a reset."""
        while True:
            kind, flags, stream, payload = self._read_frame()
            if kind == SETTINGS and not flags & ACK:
                self._socket.sendall(_frame(SETTINGS, ACK, 0, b""))
            elif kind == PING and not flags & ACK:
                self._socket.sendall(_frame(PING, ACK, 0, payload))
            elif stream == STREAM and kind == HEADERS and flags & END_STREAM:
                return True
            elif kind in {RST_STREAM, GOAWAY}:
                return False

    def _read_frame(self) -> tuple[int, int, int, bytes]:
        head = self._exactly(9)
        size = int.from_bytes(head[:3])
        return head[3], head[4], int.from_bytes(head[5:]) & 0x7FFF_FFFF, self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        read = b""
        while len(read) < size:
            part = self._socket.recv(size - len(read))
            assert part, "the server closed the connection"
            read += part
        return read


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def _text(text: str) -> bytes:
    assert len(text) < 127
    return bytes([len(text)]) + text.encode()
