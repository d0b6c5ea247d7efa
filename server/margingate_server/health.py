"""Whether a server can decide, and how old its prices are: asked for by probes and scrapes."""

from threading import Event

from margingate_server.clock import Clock
from margingate_server.rpc.lane import Lane, LedgerDown
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.market import MarketView
from margingate_server.service.price_ages import MarkAges, index_ages, is_decidable, mark_ages


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
        """Seconds since the index of each margined underlying was received."""
        view = self.view()
        return {} if view is None else index_ages(view, self._clock.now_ns())

    def mark_ages(self) -> dict[str, MarkAges]:
        """Seconds since the own prices of the instruments of each were received."""
        view = self.view()
        return {} if view is None else mark_ages(view, self._clock.now_ns())

    def readiness(self) -> dict[str, bool]:
        """Ready while prices are recent enough for some order, as `is_decidable` has it."""
        view = self.view()
        has_prices = view is not None and is_decidable(view, self._clock.now_ns(), self._age_limits)
        return {
            "ledger": not self._lane.is_down,
            "market": has_prices,
            "serving": not self._stopping.is_set(),
        }
