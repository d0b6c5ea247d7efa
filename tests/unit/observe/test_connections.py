"""Who stays longest goes when too many come."""

import socket

import pytest

from margingate_server.observe.connections import Connections


@pytest.fixture
def pairs() -> list[tuple[socket.socket, socket.socket]]:
    """Four connections, each as (server's end, client's end)."""
    pairs = [socket.socketpair() for _ in range(4)]
    for pair in pairs:
        for end in pair:
            end.settimeout(2)
    yield pairs
    for pair in pairs:
        for end in pair:
            end.close()


def is_dropped(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False


def test_the_oldest_connection_is_dropped_for_one_too_many(
    pairs: list[tuple[socket.socket, socket.socket]],
) -> None:
    connections = Connections(2)
    for server, _ in pairs[:3]:
        connections.add(server)
    assert [is_dropped(client) for _, client in pairs[:3]] == [True, False, False]
    assert len(connections) == 2


def test_a_connection_that_is_done_makes_room(
    pairs: list[tuple[socket.socket, socket.socket]],
) -> None:
    connections = Connections(2)
    connections.add(pairs[0][0])
    connections.add(pairs[1][0])
    connections.remove(pairs[1][0])
    connections.add(pairs[2][0])
    assert not any(is_dropped(client) for _, client in pairs)


def test_removing_what_was_dropped_already_does_nothing(
    pairs: list[tuple[socket.socket, socket.socket]],
) -> None:
    connections = Connections(1)
    connections.add(pairs[0][0])
    connections.add(pairs[1][0])
    connections.remove(pairs[0][0])
    assert len(connections) == 1
    assert not is_dropped(pairs[1][1])


def test_a_connection_whose_socket_is_closed_can_still_be_dropped(
    pairs: list[tuple[socket.socket, socket.socket]],
) -> None:
    connections = Connections(1)
    connections.add(pairs[0][0])
    pairs[0][0].close()
    connections.add(pairs[1][0])
    assert len(connections) == 1


def test_closing_drops_everyone(pairs: list[tuple[socket.socket, socket.socket]]) -> None:
    connections = Connections(4)
    for server, _ in pairs:
        connections.add(server)
    connections.close()
    assert all(is_dropped(client) for _, client in pairs)
    assert len(connections) == 0
