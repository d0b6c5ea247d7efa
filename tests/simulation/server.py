"""The server's deciding parts as they are, the lane and the publisher included, without threads.

`Lane.decide` is taken apart into its own two halves, so that others decide before the first
commits, and while it commits: decide (under the lane's lock), then wait for the commit. The locks
are never contended; everything else is the product's code.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from threading import Condition, Lock
from typing import Any

from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.registry import MarginModel, model
from margingate_engine.portfolio.fees import FeeRate, FeeTier
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_server.clock import Clock
from margingate_server.ledger.folding import EventLog
from margingate_server.ledger.journal import Journal
from margingate_server.ledger.numbers import PolicyNumbers
from margingate_server.ledger.store import CorruptLedger, EventDraft
from margingate_server.recovery import DeskBuilder
from margingate_server.rpc.lane import Lane, Ticket
from margingate_server.rpc.publisher import Publisher
from margingate_server.service.desk import Desk
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.market import MarketView
from margingate_server.service.shard import Shard
from margingate_server.service.terms import Terms
from tests.simulation.disk import Disks
from tests.simulation.requests import Request
from tests.simulation.simulated_clock import SECOND_NS, SimulatedClock
from tests.simulation.violation import Violation

AGE_LIMITS = AgeLimits(underlying_ns_max=10 * SECOND_NS, instrument_ns_max=60 * SECOND_NS)
FREE = {kind: FeeRate(maker_ppm=0, taker_ppm=0) for kind in InstrumentKind}
CHARGED = {
    kind: FeeRate(
        maker_ppm=-100 if kind is InstrumentKind.PERPETUAL else 200,
        taker_ppm=500,
        cap_ppm=125_000 if kind is InstrumentKind.OPTION else None,
    )
    for kind in InstrumentKind
}
ALLOWANCE_PPM = 1_000
POLICY = PolicyNumbers(allowance_ppm=ALLOWANCE_PPM)
FEE_TIERS: Mapping[str, FeeTier] = {"free": FREE, "charged": CHARGED}

_BTC: dict[str, object] = {
    "price_scan_range": Decimal("0.15"),
    "vol_shift_kind": "relative",
    "vol_scan_range": Decimal("0.45"),
    "vol_tenor_power": Decimal("0.3"),
    "vol_tenor_floor_days": Decimal(7),
    "vol_floor_up": Decimal("0.4"),
    "extreme_multiple": Decimal(3),
    "extreme_cover": Decimal("0.33"),
    "look_ahead_days": Decimal(0),
    "short_option_minimum": Decimal("0.01"),
    "basis_rate": Decimal("0.01"),
    "maintenance_fraction": Decimal("0.8"),
    "collateral_haircut": Decimal(0),
}
PARAMETERS = {"BTC": _BTC, "ETH": {**_BTC, "collateral_haircut": Decimal("0.07")}}


class SlowModel:
    """Span; `beside` is called while it works, because decisions go on meanwhile."""

    def __init__(self, span: MarginModel, beside: Callable[[], None]) -> None:
        self.name = span.name
        self.parameters_digest = span.parameters_digest
        self.collateral = span.collateral
        self.has_wallets = span.has_wallets
        self._span = span
        self._beside = beside

    def parameter_items(self) -> list[tuple[str, str, str]]:
        """As the model's."""
        return self._span.parameter_items()

    def risk_arrays(self, table: InstrumentTable, snapshot: MarketSnapshot) -> RiskArrays:
        """As the model's."""
        arrays = self._span.risk_arrays(table, snapshot)
        self._beside()
        return arrays


class Unwatched:
    """An observer of lane and market whom nothing interests."""

    def committed(self, *_: object) -> None:
        """Of no interest."""

    def checked(self, *_: object) -> None:
        """Of no interest."""

    def failed(self) -> None:
        """Of no interest."""

    def recovered(self) -> None:
        """Of no interest."""

    def revalued(self, *_: object) -> None:
        """Of no interest."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One use of a desk: what was asked, what it queued, and the market that it saw.

    answer: None when the use raised.
    """

    request: Request
    answer: Any
    drafts: Sequence[EventDraft]
    desk: Desk
    view: MarketView
    now_ns: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """An answer that may not leave before its ticket is durable."""

    request: Request
    answer: Any
    ticket: Ticket


NOBODY = Request(account="", request_id="")
"""Asks for what the server does of itself."""

SPAN = model("span", PARAMETERS)


class NobodyElse(Condition):
    """A condition of a single thread: who waits for another one waits for ever."""

    def wait(self, timeout: float | None = None) -> bool:
        """Violation."""
        raise Violation("hang", f"waits for another thread, timeout {timeout}")


class WatchedLane(Lane):
    """The lane; every turn is shown to `watch` before the lock is given back."""

    def __init__(
        self, desk: Desk, journal: Journal, clock: Clock, watch: Callable[[Turn], None]
    ) -> None:
        super().__init__(desk, journal, clock, Unwatched())
        self._turn = NobodyElse(Lock())
        self._watch = watch
        self._asked = NOBODY

    def turn_for(self, request: Request) -> tuple[Any, Ticket]:
        """(answer, ticket) of a request that is decided and waits for its commit."""
        if request.is_read:
            shown = self._seen_of_shown(lambda desk, now_ns: request.use(desk, now_ns)[0])
            if shown is not None:
                return shown[0], Ticket(self._generation, 0)
        self._asked = request
        return self._take_turn(request.use)

    def _lead(self) -> None:
        if not pending_of(self._desk.shard):
            raise Violation("hang", "leads to make an event durable that is not to be written")
        super()._lead()

    def _take_turn(self, use: Callable[[Desk, int], tuple[Any, int]]) -> tuple[Any, Ticket]:
        request, self._asked = self._asked, NOBODY

        def watched(desk: Desk, now_ns: int) -> tuple[Any, int]:
            before, view, answer = len(pending_of(desk.shard)), desk.shard.market.view, None
            try:
                answer, seq = use(desk, now_ns)
            finally:
                drafts = pending_of(desk.shard)[before:]
                self._watch(Turn(request, answer, drafts, desk, view, now_ns))
            return answer, seq

        return super()._take_turn(watched)


class Server:
    """One process over a disk; after a crash there is another."""

    def __init__(
        self,
        disks: Disks,
        clock: SimulatedClock,
        beside: Callable[[], None],
        watch: Callable[[Turn], None],
    ) -> None:
        slow = SlowModel(SPAN, beside)
        terms = Terms(model=slow, tiers=FEE_TIERS, policy=POLICY, others={})
        self.builder = DeskBuilder(terms, AGE_LIMITS, disks.newest_snapshot)
        self._journal = Journal(disks.log, disks.markets)
        desk = self._open_desk(disks.log)
        self.lane = WatchedLane(desk, self._journal, clock, watch)
        self.publisher = Publisher(self.lane, clock, Unwatched())

    @property
    def desk(self) -> Desk:
        """The desk of now."""
        return self.lane._desk

    @property
    def is_deciding(self) -> bool:
        """Somebody has the lane's lock: in a single thread whoever else wants it waits for ever."""
        return self.lane._deciding.locked()

    def has_prices(self) -> bool:
        """False when its market starts anew."""
        seen = self.lane._shown or self.desk
        return bool((seen.shard.market.view.snapshot.observed_ns_u >= 0).any())

    def record_parameters(self) -> None:
        """What the application does first."""
        self.lane.decide(lambda desk, now_ns: (None, self.builder.bring_into_force(desk, now_ns)))

    def decide(self, request: Request) -> Waiting:
        """The first half of Lane.decide; raises what the request does, LedgerDown included."""
        answer, ticket = self.lane.turn_for(request)
        return Waiting(request, answer, ticket)

    def expire_holds(self, seconds: float) -> None:
        """What the upkeep thread does once a second; LedgerDown as every decision."""

        def expire(desk: Desk, now_ns: int) -> tuple[None, int]:
            return None, desk.expiries.expire_due(int(seconds * 1e9), now_ns)

        self.lane.decide(expire)

    def finish(self, waiting: Waiting) -> None:
        """The second half: returns once it is durable; LedgerDown when it is void."""
        self.lane._commit_through(waiting.ticket)

    def recover(self) -> None:
        """What the upkeep thread does when the lane is down."""
        self.lane.recover(self._open_desk)

    def show_durable(self) -> None:
        """What it does first: what only looks goes on meanwhile, if the log can be read.

        A snapshot of events that a failed write left behind what is known to be durable is none of
        this log, until recovery has found them.
        """
        with suppress(CorruptLedger):
            self.lane.show_durable(self._open_desk)

    def _open_desk(self, log: EventLog) -> Desk:
        desk = self.builder.open_desk(log, self._journal.market_version_min)
        newest = self._journal.newest_market()
        if newest is not None:
            desk.shard.market.remember(newest)
        return desk


def pending_of(shard: Shard) -> list[EventDraft]:
    """What is decided and not yet taken to the store."""
    return shard._pending
