"""What is counted of decisions and of the stages of a check."""

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Histogram

from margingate_server.observe.children import Children
from margingate_server.observe.labels import (
    LATENCY_BUCKETS_SECONDS,
    LIFECYCLE_FLAGS,
    NO_REASON,
    OTHER,
    REJECT_REASONS,
    STAGES,
)

Stage = Literal["decode", "decide", "commit", "encode"]


class DecisionMetrics:
    """Decisions by reason: a RejectReason in lower snake case, or "none" for an acceptance."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._decisions = _counts_by_reason(
            "margingate_decisions",
            "Fresh decisions on orders and changes of them, by verdict and reject reason.",
            registry,
        )
        self._previews = _counts_by_reason(
            "margingate_previews",
            "Previewed decisions, which bind nothing, by verdict and reject reason.",
            registry,
        )
        self._replayed = Counter(
            "margingate_decisions_replayed",
            "Remembered decisions that were answered again to a repeated request id.",
            registry=registry,
        )
        durations = Histogram(
            "margingate_check_duration_seconds",
            "Time that one stage of a check took.",
            ["stage"],
            buckets=LATENCY_BUCKETS_SECONDS,
            registry=registry,
        )
        flags = Counter(
            "margingate_lifecycle_flags",
            "Fills and releases that did not match an open order, by what was unusual.",
            ["flag"],
            registry=registry,
        )
        self._duration_by_stage = {stage: durations.labels(stage) for stage in STAGES}
        self._flags = Children(flags, LIFECYCLE_FLAGS)

    def decided(self, reason: str) -> None:
        """An order was decided for the first time."""
        self._decisions.get(reason, self._decisions[OTHER]).inc()

    def replayed(self) -> None:
        """A remembered decision was answered again."""
        self._replayed.inc()

    def previewed(self, reason: str) -> None:
        """A preview was answered."""
        self._previews.get(reason, self._previews[OTHER]).inc()

    def stage_finished(self, stage: Stage, duration_seconds: float) -> None:
        """One stage of a check ended."""
        self._duration_by_stage[stage].observe(duration_seconds)

    def flagged(self, flag: str) -> None:
        """A fill or release was applied with a LifecycleFlag, in lower snake case."""
        self._flags[flag].inc()


def _counts_by_reason(
    name: str, documentation: str, registry: CollectorRegistry
) -> dict[str, Counter]:
    """Counter of each reason that can occur, all exported from the start."""
    counter = Counter(name, documentation, ["decision", "reason"], registry=registry)
    counts = {reason: counter.labels("reject", reason) for reason in (*REJECT_REASONS, OTHER)}
    counts[NO_REASON] = counter.labels("accept", NO_REASON)
    return counts
