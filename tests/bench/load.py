"""Load on a server from one thread: closed loops for peak throughput, open loops for latency."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from select import select
from time import perf_counter_ns

from tests.bench.http2 import Call, Connection

CONNECTIONS = 4
NS_PER_SECOND = 10**9


@dataclass(slots=True)
class Sample:
    """Calls of one load. latencies_ns: in the order of the answers; responses: serialised."""

    duration_ns: int = 0
    latencies_ns: list[int] = field(default_factory=list)
    responses: list[bytes] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Answered calls per second."""
        return len(self.latencies_ns) * NS_PER_SECOND / self.duration_ns

    def latency_ms(self, percent: int) -> float:
        """The latency that `percent` of the calls do not exceed."""
        ordered = sorted(self.latencies_ns)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] / 1e6


def closed_loop(
    port: int, calls: Iterable[Call], in_flight: int, seconds: float = float("inf")
) -> Sample:
    """`in_flight` calls at a time, the next as soon as one is answered, until time or calls end.

    A latency counts from the moment the call was sent.
    """
    sample, waiting = Sample(), iter(calls)
    sent_ns: dict[tuple[Connection, int], int] = {}
    with _connections(port, min(CONNECTIONS, in_flight)) as connections, _without_collection():
        started_ns = perf_counter_ns()
        end_ns = started_ns + seconds * NS_PER_SECOND
        for number, call in enumerate(islice(waiting, in_flight)):
            connection = connections[number % len(connections)]
            sent_ns[connection, connection.send(call)] = perf_counter_ns()
        while sent_ns:
            for connection in _readable(connections, timeout_seconds=None):
                answers = connection.receive()
                now_ns = perf_counter_ns()
                for answer in answers:
                    sample.latencies_ns.append(now_ns - sent_ns.pop((connection, answer.stream)))
                    sample.responses.append(answer.response)
                if now_ns < end_ns:
                    for call in islice(waiting, len(answers)):
                        sent_ns[connection, connection.send(call)] = perf_counter_ns()
        sample.duration_ns = perf_counter_ns() - started_ns
    return sample


def open_loop(port: int, calls: Iterable[Call], per_second: float, seconds: float) -> Sample:
    """Calls at a fixed rate, however long the answers take.

    A latency counts from the instant the call was due, so a stalled server cannot hide the calls
    that would have met the stall. The loop spins: a timer would wake up 0.05 ms late.
    """
    sample, count = Sample(), round(per_second * seconds)
    due_calls = list(islice(calls, count))
    due_ns_by_stream: dict[tuple[Connection, int], int] = {}
    with _connections(port, CONNECTIONS) as connections, _without_collection():
        started_ns, sent = perf_counter_ns(), 0
        while len(sample.responses) < count:
            due_ns = started_ns + round(sent * NS_PER_SECOND / per_second)
            if sent < count and due_ns <= perf_counter_ns():
                connection = connections[sent % len(connections)]
                due_ns_by_stream[connection, connection.send(due_calls[sent])] = due_ns
                sent += 1
            for connection in _readable(connections, timeout_seconds=0):
                answers = connection.receive()
                now_ns = perf_counter_ns()
                for stream, response in answers:
                    sample.latencies_ns.append(now_ns - due_ns_by_stream.pop((connection, stream)))
                    sample.responses.append(response)
        sample.duration_ns = perf_counter_ns() - started_ns
    return sample


@contextmanager
def _connections(port: int, count: int) -> Iterator[list[Connection]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Connection(port)) for _ in range(count)]


@contextmanager
def _without_collection() -> Iterator[None]:
    """The load's own garbage is collected afterwards, not inside somebody's latency."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _readable(connections: list[Connection], timeout_seconds: float | None) -> Iterable[Connection]:
    """Connections with something to read, after what waits was put on the wire."""
    for connection in connections:
        connection.flush()
    by_socket = {connection.socket: connection for connection in connections}
    readable, _, _ = select(by_socket, (), (), timeout_seconds)
    return [by_socket[each] for each in readable]
