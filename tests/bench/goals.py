"""Every ratio, from the figures of one round, beside its goal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A ratio or difference of figures measured side by side, and what it is to reach."""

    name: str
    of: Callable[[Figures], float]
    bound: float
    is_minimum: bool = False

    def is_met(self, value: float) -> bool:
        """True when the value is on the right side of the bound."""
        return value >= self.bound if self.is_minimum else value <= self.bound


def _over(above: str, below: str) -> Callable[[Figures], float]:
    return lambda figures: figures[above] / figures[below]


def _decide_spread(figures: Figures) -> float:
    costs = [value for name, value in figures.items() if name.startswith("decide_")]
    return max(costs) / min(costs)


GOALS = (
    Goal(
        name="calls per second, preview / echo",
        of=_over("preview_per_second", "preview_echo_per_second"),
        bound=0.80,
        is_minimum=True,
    ),
    Goal(
        name="calls per second, durable check / echo",
        of=_over("check_per_second", "check_echo_per_second"),
        bound=0.70,
        is_minimum=True,
    ),
    Goal(
        name="processor time a call, echo / preview",
        of=_over("preview_echo_cpu_us", "preview_cpu_us"),
        bound=0.80,
        is_minimum=True,
    ),
    Goal(
        name="processor time a call, echo / durable check",
        of=_over("check_echo_cpu_us", "check_cpu_us"),
        bound=0.70,
        is_minimum=True,
    ),
    Goal(
        name="p50 alone, check - echo - one sync, ms",
        of=lambda f: f["check_alone_p50_ms"] - f["check_echo_alone_p50_ms"] - f["sync_ms"],
        bound=0.15,
    ),
    Goal(
        name="p99 at half of peak, (check - sync) / echo",
        of=lambda f: (f["check_half_p99_ms"] - f["sync_ms"]) / f["check_echo_half_p99_ms"],
        bound=2.0,
    ),
    Goal(
        name="p99 at half of peak, preview / echo",
        of=_over("preview_half_p99_ms", "preview_echo_half_p99_ms"),
        bound=2.0,
    ),
    Goal(
        name="durable decisions per second, batches of 100",
        of=lambda figures: figures["batch_decisions_per_second"],
        bound=30_000,
        is_minimum=True,
    ),
    Goal(
        name="p99 at half of peak, market ticking / frozen",
        of=_over("check_ticking_p99_ms", "check_half_p99_ms"),
        bound=3.0,
    ),
    Goal(
        name="decide, 500 positions, 500 open orders, us",
        of=lambda figures: figures["decide_500_positions_500_orders_us"],
        bound=8.0,
    ),
    Goal(
        name="decide, slowest / fastest account",
        of=_decide_spread,
        bound=1.10,
    ),
    Goal(
        name="risk arrays / bare Black-76 of the same grid",
        of=_over("risk_arrays_ms", "raw_black76_ms"),
        bound=1.3,
    ),
)
