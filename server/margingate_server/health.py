"""Whether a server can decide, and how old its prices are: asked for by probes and scrapes."""

from threading import Event

from margingate_server.clock import Clock
from margingate_server.rpc.lane import Lane, LedgerDown
from margingate_server.service.freshness import AgeLimits, age_seconds
from margingate_server.service.market import MarketView


class Health:
    """Of one server, from any thread."""

    def __init__(self, lane: Lane, clock: Clock, age_limits: AgeLimits, stopping: Event) -> None:
        self._lane = lane
        self._clock = clock
        self._age_limits = age_limits
        self._stopping = stopping

    def view(self) -> MarketView | None:
        """The market of now; None while nobody may see the ledger."""
        try:
            return self._lane.look(lambda desk, _now_ns: desk.shard.market.view)
        except LedgerDown:
            return None

    def index_ages(self) -> dict[str, float]:
        """Seconds since the index price of each margined underlying was received."""
        view = self.view()
        if view is None:
            return {}
        now_ns = self._clock.now_ns()
        return {
            name: age_seconds(int(observed_ns), now_ns)
            for name, observed_ns in zip(
                view.table.underlyings, view.snapshot.observed_ns_u, strict=True
            )
            if observed_ns >= 0 and name not in view.arrays.unmodelled
        }

    def readiness(self) -> dict[str, bool]:
        """Ready while some order could be decided; each underlying's age is a metric of its own."""
        limit = self._age_limits.underlying_ns_max / 1e9
        ages = self.index_ages()
        return {
            "ledger": not self._lane.is_down,
            "market": bool(ages) and min(ages.values()) <= limit,
            "serving": not self._stopping.is_set(),
        }
