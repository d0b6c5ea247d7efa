"""A connection whose answers can get lost: what the client sends arrives, nothing comes back."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Event, Thread

CHUNK_BYTES = 65_536
JOIN_SECONDS_MAX = 20


class OneWay:
    """Passes the bytes of one connection on; after `lose_answers` only those to the server."""

    def __init__(self, listening: socket.socket, server_port: int) -> None:
        self._listening = listening
        self._server_port = server_port
        self._is_losing = Event()
        self._sockets = ExitStack()
        self._threads = [Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    @property
    def target(self) -> str:
        """Where a client connects to instead of the server."""
        return f"127.0.0.1:{self._listening.getsockname()[1]}"

    def lose_answers(self) -> None:
        """From now on nothing comes back."""
        self._is_losing.set()

    def close(self) -> None:
        """Cut the connection."""
        self._sockets.close()
        for each in self._threads:
            each.join(JOIN_SECONDS_MAX)

    def _serve(self) -> None:
        client = self._listening.accept()[0]
        server = socket.create_connection(("127.0.0.1", self._server_port))
        for each in (client, server):
            self._sockets.enter_context(each)
            self._sockets.callback(_shut, each)
        for source, to, is_answer in ((client, server, False), (server, client, True)):
            thread = Thread(target=self._pass_on, args=(source, to, is_answer), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _pass_on(self, source: socket.socket, to: socket.socket, is_answer: bool) -> None:
        try:
            while chunk := source.recv(CHUNK_BYTES):
                if not (is_answer and self._is_losing.is_set()):
                    to.sendall(chunk)
        except OSError:
            return


def _shut(each: socket.socket) -> None:
    try:
        each.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


@contextmanager
def one_way(server_port: int) -> Iterator[OneWay]:
    """A way to a server on loopback, cut at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        way = OneWay(listening, server_port)
        try:
            yield way
        finally:
            way.close()
