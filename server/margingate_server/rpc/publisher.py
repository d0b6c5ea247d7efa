"""New instruments and prices, from feeds or calls, swapped in between two decisions."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Protocol

from margingate_engine.core.amounts import NANO
from margingate_engine.core.instruments import Instrument
from margingate_server.clock import Clock
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.ledger.events import InstrumentsListed
from margingate_server.rpc.lane import Lane, LedgerDown
from margingate_server.rpc.observers import tell
from margingate_server.service.desk import Desk
from margingate_server.service.market import Market, MarketView
from margingate_server.service.terms import Terms


class MarketObserver(Protocol):
    """Who is told about the market."""

    def revalued(self, view: MarketView, duration_seconds: float) -> None:
        """A new view was worked out and swapped in."""
        ...


class Publisher:
    """Works out one new market view at a time, beside the decisions, and swaps it in."""

    def __init__(self, lane: Lane, clock: Clock, observer: MarketObserver) -> None:
        self._lane = lane
        self._clock = clock
        self._observer = observer
        self._publishing = Lock()

    def list_instruments(self, listed: Sequence[Instrument]) -> tuple[int, int]:
        """(how many were new or changed, how many are listed), durably; raises as the table."""
        with self._publishing:
            market = self._market()
            changed = market.new_instruments(listed)
            if not changed:
                return 0, len(market.view.table)
            view = self._swapped(market, lambda: market.planned_listing(changed), changed)
            return len(changed), len(view.table)

    def changed_contracts(self, listed: Sequence[Instrument]) -> frozenset[str]:
        """Names of those that `list_instruments` would refuse: listed as another contract."""
        return self._market().changed_contracts(listed)

    def publish(self, update: MarketUpdate, received_seconds: float) -> MarketView:
        """The view with these prices. InvalidInput names what is wrong; the old view stays then.

        received_seconds: by Clock.seconds; however long others keep the prices waiting, for a
        commit or for new terms, they are as old as that.
        """

        def plan() -> MarketView:
            waited_ns = int((self._clock.seconds() - received_seconds) * NANO)
            now_ns = self._clock.now_ns()
            return market.planned_update(update, now_ns, now_ns - waited_ns)

        with self._publishing:
            market = self._market()
            return self._swapped(market, plan, ())

    def change_terms(self, terms: Terms, adopt: Callable[[Terms], None]) -> bool:
        """Whether these terms differ from those that were in force; they are from here on, durably.

        adopt: told between the same two decisions, so that a desk of the log has these terms, too.
        InvalidInput as Terms.refuse_lacking; the old terms stay in force then. After LedgerDown the
        new ones are in force when the ledger is up again.
        """
        with self._publishing:
            market = self._market()
            changed = None
            while changed is None:
                changed = self._terms_changed(market, terms, adopt)
            return changed

    def _terms_changed(
        self, market: Market, terms: Terms, adopt: Callable[[Terms], None]
    ) -> bool | None:
        clock_steps = market.clock_steps
        view = market.planned_models(terms.model, terms.others)

        def swap(desk: Desk, now_ns: int) -> tuple[bool | None, int]:
            if desk.shard.market is not market:
                raise LedgerDown
            if market.clock_steps != clock_steps:
                return None, 0
            terms.refuse_lacking(desk.shard.state)
            adopt(terms)
            market.adopt(view)
            has_other_limits = market.quality != terms.quality
            market.quality = terms.quality
            desk.shard.forget_views()
            seq = terms.bring_into_force(desk.shard, now_ns)
            return seq > 0 or has_other_limits, seq

        return self._lane.decide(swap)

    def _market(self) -> Market:
        return self._lane.look(lambda desk, _now_ns: desk.shard.market)

    def _swapped(
        self, market: Market, plan: Callable[[], MarketView], changed: tuple[Instrument, ...]
    ) -> MarketView:
        started = self._clock.seconds()
        view = None
        while view is None:  # planned anew when the clock was set back meanwhile
            view = self._planned_and_swapped(market, plan, changed)
        tell(self._observer.revalued, view, self._clock.seconds() - started)
        return view

    def _planned_and_swapped(
        self, market: Market, plan: Callable[[], MarketView], changed: tuple[Instrument, ...]
    ) -> MarketView | None:
        clock_steps = market.clock_steps
        view = plan()

        def swap(desk: Desk, now_ns: int) -> tuple[MarketView | None, int]:
            if desk.shard.market is not market:
                raise LedgerDown
            if market.clock_steps != clock_steps:
                return None, 0
            seq = 0
            if changed:
                seq = desk.shard.record(InstrumentsListed(instruments=changed), now_ns)
            market.view = view
            return view, seq

        if changed:
            return self._lane.decide(swap)
        # Prices bind nothing: they also reach a desk that is only looked at.
        return self._lane.look(lambda desk, now_ns: swap(desk, now_ns)[0])
