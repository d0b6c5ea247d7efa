"""The open connections of a server that lets nobody stay at the others' cost."""

import socket
from threading import Lock


class Connections:
    """At most `count_max` connections: when one more comes, the one that has stayed longest goes.

    A scrape takes milliseconds, so the oldest of many is a client that sends or reads too slowly.
    Who comes is never refused: clients that hold their connections cannot keep a scrape out.
    """

    def __init__(self, count_max: int) -> None:
        assert count_max > 0
        self._count_max = count_max
        self._lock = Lock()
        self._oldest_first: dict[socket.socket, None] = {}

    def __len__(self) -> int:
        return len(self._oldest_first)

    def add(self, connection: socket.socket) -> None:
        """A client came."""
        with self._lock:
            if len(self._oldest_first) == self._count_max:
                self._drop_oldest()
            self._oldest_first[connection] = None

    def remove(self, connection: socket.socket) -> None:
        """A client is done; must come before its socket is closed."""
        with self._lock:
            self._oldest_first.pop(connection, None)

    def close(self) -> None:
        """Drops every client."""
        with self._lock:
            while self._oldest_first:
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        """Ends a connection; the thread that serves it sees the end and closes the socket."""
        oldest = next(iter(self._oldest_first))
        del self._oldest_first[oldest]
        try:
            oldest.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the client has gone already
