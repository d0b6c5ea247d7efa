"""The served figures: echo, preview and check side by side, round after round.

Machines that others use too are faster now and slower then. So each round measures everything a
ratio needs within seconds, and what counts is the median of the rounds' ratios.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tests.bench.disk import sync_ms
from tests.bench.http2 import Call
from tests.bench.load import Sample, closed_loop, open_loop
from tests.bench.market import simulated_view
from tests.bench.population import BATCH, Population
from tests.bench.servers import Server, echo_server, real_server
from tests.bench.traffic import Cost, Load, Traffic, cost_of, verified_cost_of

ROUNDS = 3
IN_FLIGHT = 32
BATCHES_IN_FLIGHT = 4
PEAK_SECONDS = 2.0
ALONE_SECONDS = 1.5
HALF_SECONDS = 2.5
TICKING_SECONDS = 8.0
WARM_UP_CALLS = 2_000

Figures = dict[str, float]


def served_rounds(folder: Path) -> Iterator[Figures]:
    """Figures of each round by name: a frozen market, the echo beside it."""
    population = Population(simulated_view(is_frozen=True))
    with real_server(folder / "frozen", is_frozen=True) as real:
        open_accounts(real, population)
        responses = [
            _warmed_up(real, traffic) for traffic in (population.checks(), population.previews())
        ]
        with echo_server(folder / "echo", responses) as echo:
            for traffic in (population.checks(), population.previews()):
                _warmed_up(echo, traffic)
            for _ in range(ROUNDS):
                yield {"sync_ms": sync_ms(folder), **_one_round(real, echo, population)}


def ticking_figures(folder: Path, per_second: float) -> Figures:
    """Figures of checks, at this rate and at peak, while the market moves once a second."""
    population = Population(simulated_view(is_frozen=False))
    with real_server(folder / "ticking", is_frozen=False) as real:
        open_accounts(real, population)
        checks = population.checks()
        steady = verified_cost_of(real, checks, _steady(per_second, TICKING_SECONDS))
        peak = verified_cost_of(real, checks, _peak(IN_FLIGHT))
    return {**_named("check_ticking", steady), "check_ticking_per_second": peak.per_second}


def open_accounts(server: Server, population: Population) -> None:
    """Bring the accounts to their start; RuntimeError when a call fails."""
    for calls in population.opening():
        sample = closed_loop(server.grpc_port, calls, IN_FLIGHT)
        if not all(sample.responses):
            raise RuntimeError(f"{calls[0].path} failed")


def _one_round(real: Server, echo: Server, population: Population) -> Figures:
    checks, previews, batches = population.checks(), population.previews(), population.batches()
    figures: Figures = {}
    for name, traffic in (("preview", previews), ("check", checks)):
        echoed = cost_of(echo, traffic, _peak(IN_FLIGHT))
        served = verified_cost_of(real, traffic, _peak(IN_FLIGHT))
        for subject, cost in ((f"{name}_echo", echoed), (name, served)):
            figures[f"{subject}_per_second"] = cost.per_second
            figures[f"{subject}_cpu_us"] = cost.cpu_us
        figures |= _named(f"{name}_echo_alone", cost_of(echo, traffic, _alone))
        figures |= _named(f"{name}_alone", verified_cost_of(real, traffic, _alone))
        half = _steady(served.per_second / 2, HALF_SECONDS)
        figures |= _named(f"{name}_echo_half", cost_of(echo, traffic, half))
        figures |= _named(f"{name}_half", verified_cost_of(real, traffic, half))
    batched = verified_cost_of(real, batches, _peak(BATCHES_IN_FLIGHT))
    figures["batch_decisions_per_second"] = batched.per_second * BATCH
    return figures


def _warmed_up(server: Server, traffic: Traffic) -> bytes:
    """The last response to a load that nobody measures."""
    calls = islice(traffic.calls, WARM_UP_CALLS)
    return closed_loop(server.grpc_port, calls, IN_FLIGHT).responses[-1]


def _named(name: str, cost: Cost) -> Figures:
    return {f"{name}_p50_ms": cost.p50_ms, f"{name}_p99_ms": cost.p99_ms}


def _peak(in_flight: int) -> Load:
    return lambda port, calls: closed_loop(port, calls, in_flight, PEAK_SECONDS)


def _alone(port: int, calls: Iterator[Call]) -> Sample:
    return closed_loop(port, calls, 1, ALONE_SECONDS)


def _steady(per_second: float, seconds: float) -> Load:
    return lambda port, calls: open_loop(port, calls, per_second, seconds)
