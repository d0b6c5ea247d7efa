"""A desk over the hand-made market of the engine's tests: no threads, no grpc, time as told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count

import numpy as np

from margingate_engine.check.question import RequestedLeg, RequestedOrder
from margingate_engine.core.amounts import NANO
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.orders import Execution, Side
from margingate_engine.models.registry import MarginModel, model
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.fees import FeeRate, FeeTier
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.ledger.events import InstrumentsListed, decode_event
from margingate_server.ledger.fold import apply
from margingate_server.ledger.numbers import PolicyNumbers
from margingate_server.ledger.state import AccountState, ShardState
from margingate_server.ledger.store import EventDraft
from margingate_server.service.accounts import StatedPosition
from margingate_server.service.amending import AmendCommand, AmendLeg, VenueAnswer
from margingate_server.service.decisions import CheckAnswer, CheckCommand
from margingate_server.service.desk import Desk
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.market import Market
from margingate_server.service.orders import FillAnswer, FillCommand, ReleaseAnswer
from margingate_server.service.shard import Shard
from margingate_server.service.terms import Terms
from tests.unit.engine.small_market import DAY_NS, INSTRUMENTS, MARKS, NO_FEES, PARAMETERS

START_NS = 1_700_000_000 * NANO
SECOND_NS = NANO
AGE_LIMITS = AgeLimits(underlying_ns_max=10 * SECOND_NS, instrument_ns_max=60 * SECOND_NS)
SOME_FEES: FeeTier = {
    kind: FeeRate(maker_ppm=0, taker_ppm=500, cap_ppm=125_000 if kind.value == "option" else None)
    for kind in InstrumentKind
}
FEE_TIERS = {"default": NO_FEES, "charged": SOME_FEES}
MARKET_TIME_NS = DAY_NS


def small_model() -> MarginModel:
    """Span with parameters for BTC alone; SOL stays unmodelled."""
    return model("span", {"BTC": PARAMETERS})


def update(
    marks: Mapping[str, float] | None = None,
    *,
    index: float | None = 100_000.0,
    market_time_ns: int = MARKET_TIME_NS,
) -> MarketUpdate:
    """Prices of the small market, all of MARKS or those given; index None leaves BTC's out."""
    quoted = MARKS if marks is None else marks
    kinds = {each.name: each.kind for each in INSTRUMENTS}
    options = np.array([kinds[name] is InstrumentKind.OPTION for name in quoted], dtype=np.bool_)
    return MarketUpdate(
        market_time_ns=market_time_ns,
        index_by_underlying={} if index is None else {"BTC": index},
        names=tuple(quoted),
        mark_price_i=np.array(list(quoted.values()), dtype=np.float64),
        mark_vol_i=np.where(options, 1e-9, 0.0),
        forward_price_i=np.where(options, index or 100_000.0, 0.0),
    )


@dataclass(slots=True)
class SmallDesk:
    """A desk with short words for what tests ask of it; every call takes place at `now_ns`."""

    desk: Desk
    drafts: list[EventDraft] = field(default_factory=list)
    now_ns: int = START_NS
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def shard(self) -> Shard:
        return self.desk.shard

    @property
    def state(self) -> ShardState:
        return self.desk.shard.state

    def fresh_id(self) -> str:
        return f"id-{next(self.numbers)}"

    def account(self, account: str = "a") -> AccountState:
        return self.state.accounts[account]

    def row(self, name: str) -> int:
        return self.shard.row(name)

    def quote(self, prices: MarketUpdate | None = None) -> None:
        """Swap in new prices, received now."""
        market = self.shard.market
        market.view = market.planned_update(update() if prices is None else prices, self.now_ns)

    def open(
        self, account: str = "a", usd: str = "0", coins: str = "0", tier: str = "default"
    ) -> "SmallDesk":
        """An account with cash; this desk."""
        self.desk.accounts.create(account, tier, self.fresh_id(), "d", self.now_ns)
        for asset, amount in (("USD", usd), ("BTC", coins)):
            if Decimal(amount):
                self.deposit(amount, asset, account)
        return self

    def deposit(self, amount: str, asset: str = "USD", account: str = "a") -> int:
        """The balance after a deposit or withdrawal, in the asset's units."""
        return self.desk.accounts.adjust_collateral(
            account, asset, Decimal(amount), self.fresh_id(), "d", self.now_ns
        )[0]

    def hold(self, account: str = "a", **lots_by_name: int) -> None:
        """State positions entered at their marks, `_` for `-`; the others become flat."""
        stated = [
            StatedPosition(
                instrument=name.replace("_", "-"),
                quantity=self.quantity(name.replace("_", "-"), lots),
                price=None,
            )
            for name, lots in lots_by_name.items()
        ]
        self.desk.accounts.set_positions(account, stated, self.fresh_id(), "d", self.now_ns)

    def quantity(self, name: str, lots: Decimal | int) -> Decimal:
        return lots * Decimal(self.state.table.instruments[self.row(name)].lot_nano) / NANO

    def leg(self, name: str, lots: Decimal | int, price: str | None) -> RequestedLeg:
        """A leg of `lots` (signed, may be a fraction)."""
        return RequestedLeg(
            row=self.row(name),
            side=Side.BUY if lots > 0 else Side.SELL,
            quantity=self.quantity(name, abs(lots)),
            limit=None if price is None else Decimal(price),
        )

    def order(
        self,
        *legs: RequestedLeg,
        order_id: str | None = None,
        execution: Execution | None = None,
        is_reduce_only: bool = False,
    ) -> RequestedOrder:
        several = Execution.INDEPENDENT_LEGS if len(legs) > 1 else Execution.SINGLE
        return RequestedOrder(
            order_id=order_id or self.fresh_id(),
            legs=legs,
            execution=execution or several,
            is_reduce_only=is_reduce_only,
        )

    def check(
        self,
        *legs: RequestedLeg,
        order_id: str | None = None,
        request_id: str | None = None,
        digest: str = "d",
        account: str = "a",
        execution: Execution | None = None,
        is_reduce_only: bool = False,
        hold_ns: int = 0,
    ) -> CheckAnswer:
        """The answer to an order of these legs, sent now."""
        command = CheckCommand(
            account=account,
            request_id=request_id or self.fresh_id(),
            digest=digest,
            order=self.order(
                *legs, order_id=order_id, execution=execution, is_reduce_only=is_reduce_only
            ),
            sent_ns=self.now_ns,
            hold_ns=hold_ns,
        )
        return self.desk.checking.check(command, self.now_ns)

    def amend_leg(self, name: str, lots: Decimal | int, price: str | None) -> AmendLeg:
        """A leg as it is to become, of `lots` in total (signed, may be a fraction)."""
        return AmendLeg(
            instrument=name,
            side=Side.BUY if lots > 0 else Side.SELL,
            quantity=self.quantity(name, abs(lots)),
            limit=None if price is None else Decimal(price),
        )

    def amend(
        self,
        order_id: str,
        *legs: AmendLeg,
        request_id: str | None = None,
        digest: str = "d",
        sent_ns: int | None = None,
    ) -> CheckAnswer:
        """The answer to a change of an order of account a, sent now unless told otherwise."""
        command = AmendCommand(
            account="a",
            request_id=request_id or self.fresh_id(),
            digest=digest,
            order_id=order_id,
            legs=legs,
            sent_ns=self.now_ns if sent_ns is None else sent_ns,
        )
        return self.desk.amending.amend(command, self.now_ns)

    def confirm(self, order_id: str, request_id: str | None = None) -> VenueAnswer:
        return self.desk.amending.confirm(
            "a", order_id, request_id or self.fresh_id(), "d", self.now_ns
        )

    def withdraw(self, order_id: str, request_id: str | None = None) -> VenueAnswer:
        return self.desk.amending.withdraw(
            "a", order_id, request_id or self.fresh_id(), "d", self.now_ns
        )

    def release(self, order_id: str, request_id: str | None = None) -> ReleaseAnswer:
        return self.desk.orders.release(
            "a", order_id, request_id or self.fresh_id(), "d", self.now_ns
        )

    def fill(
        self,
        order_id: str,
        name: str,
        lots: Decimal | int,
        price: str,
        *,
        fee: str | None = None,
        fill_id: str | None = None,
        digest: str = "d",
    ) -> FillAnswer:
        """The answer to an execution of `lots` (signed) for account a."""
        command = FillCommand(
            account="a",
            fill_id=fill_id or self.fresh_id(),
            digest=digest,
            order_id=order_id,
            instrument=name,
            side=Side.BUY if lots > 0 else Side.SELL,
            quantity=self.quantity(name, abs(lots)),
            price=Decimal(price),
            fee=None if fee is None else Decimal(fee),
        )
        return self.desk.orders.fill(command, self.now_ns)

    def kept_risk(self, account: str = "a") -> AccountRisk:
        """The account's risk as the shard keeps it in step."""
        risk = self.shard.view_of(self.account(account)).risk
        assert risk is not None
        return risk

    def full_risk(self, account: str = "a") -> AccountRisk:
        """The account's risk worked out anew."""
        return AccountRisk.of(self.account(account).portfolio, self.shard.market.view.arrays)

    def events(self) -> list[EventDraft]:
        """Every event so far, in order."""
        self.drafts.extend(self.shard.take_pending().events)
        return self.drafts

    def kinds(self) -> list[str]:
        """Kinds of the events of now, without how the desk came about."""
        return [each.kind for each in self.events()]


def small_terms() -> Terms:
    """The small model alone, with fees and the policy that nobody changed."""
    return Terms(model=small_model(), tiers=FEE_TIERS, policy=PolicyNumbers(), others={})


def empty_desk() -> SmallDesk:
    """A desk before anything happened."""
    state, terms = ShardState(), small_terms()
    made: list[SmallDesk] = []

    def stored_body(seq: int) -> bytes:
        return made[0].events()[seq - 1].body

    shard = Shard(state, Market(terms.model, state.table), stored_body)
    made.append(SmallDesk(Desk(shard, AGE_LIMITS)))
    terms.bring_into_force(shard, START_NS)
    return made[0]


def small_desk() -> SmallDesk:
    """A desk with the small market listed and priced, at START_NS."""
    desk = empty_desk()
    market = desk.shard.market
    view = market.planned_listing(INSTRUMENTS)
    desk.shard.record(InstrumentsListed(instruments=INSTRUMENTS), desk.now_ns)
    market.view = view
    desk.quote()
    return desk


def folded_again(desk: SmallDesk) -> ShardState:
    """The state that a restart would make of the desk's events."""
    state = ShardState()
    for seq, draft in enumerate(desk.events(), 1):
        apply(state, decode_event(draft.body), seq, draft.recorded_ns)
    return state


def restarted(desk: SmallDesk) -> SmallDesk:
    """The desk that a server would open on the events of this one, priced as it was listed."""
    drafts, state = desk.events(), folded_again(desk)
    shard = Shard(state, Market(small_model(), state.table), lambda seq: drafts[seq - 1].body)
    again = SmallDesk(Desk(shard, AGE_LIMITS), drafts, desk.now_ns, desk.numbers)
    again.quote()
    return again
