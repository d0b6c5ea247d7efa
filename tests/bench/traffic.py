"""What a load sends, and what it costs the server that answers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from tests.bench.http2 import Call
from tests.bench.load import Sample
from tests.bench.servers import Server

Decisions = Callable[[bytes], list[types.Decision]]
Load = Callable[[int, Iterator[Call]], Sample]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Endless calls of one method. counter: counts its decisions on the server."""

    calls: Iterator[Call]
    counter: str
    orders_per_call: int
    decisions: Decisions


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a load met: answered calls per second, latencies, the server's processor time a call."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


def check_decisions(response: bytes) -> list[types.Decision]:
    """The fresh decision of a CheckOrderResponse; none when it is a remembered one."""
    return _fresh([margin.CheckOrderResponse.FromString(response)])


def batch_decisions(response: bytes) -> list[types.Decision]:
    """The fresh decisions of a BatchCheckOrdersResponse."""
    return _fresh(list(margin.BatchCheckOrdersResponse.FromString(response).results))


def preview_decisions(response: bytes) -> list[types.Decision]:
    """The decision of a PreviewOrderResponse."""
    return [margin.PreviewOrderResponse.FromString(response).decision]


def cost_of(server: Server, traffic: Traffic, load: Load) -> Cost:
    """What the load costs a server that only echoes."""
    return _measured(server, traffic, load)[1]


def verified_cost_of(server: Server, traffic: Traffic, load: Load) -> Cost:
    """What the load costs; RuntimeError unless the server counted and accepted every order sent."""
    counted_before = server.counters()[traffic.counter]
    sample, cost = _measured(server, traffic, load)
    counted = server.counters()[traffic.counter] - counted_before
    sent = len(sample.responses) * traffic.orders_per_call
    accepted = sum(
        decision.verdict == types.VERDICT_ACCEPTED
        for response in sample.responses
        for decision in traffic.decisions(response)
    )
    if not sent == counted == accepted:
        raise RuntimeError(f"{sent} orders sent, {counted} decided, {accepted} accepted")
    return cost


def _measured(server: Server, traffic: Traffic, load: Load) -> tuple[Sample, Cost]:
    cpu_before = server.cpu_seconds()
    sample = load(server.grpc_port, traffic.calls)
    cpu_seconds = server.cpu_seconds() - cpu_before
    cost = Cost(
        per_second=sample.per_second,
        p50_ms=sample.latency_ms(50),
        p99_ms=sample.latency_ms(99),
        cpu_us=cpu_seconds * 1e6 / len(sample.responses),
    )
    return sample, cost


def _fresh(answers: list[margin.CheckOrderResponse]) -> list[types.Decision]:
    return [each.decision for each in answers if not each.replayed]
