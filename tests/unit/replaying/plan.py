"""A desk that uses every feature in random order, restarts with other terms, and keeps a log."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import count
from random import Random

from margingate_engine.check.question import RequestedLeg, RequestedOrder
from margingate_engine.core.amounts import NANO, whole
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.orders import Execution
from margingate_engine.models.registry import model
from margingate_engine.portfolio.fees import FeeTier
from margingate_server.ledger import events as e
from margingate_server.ledger.journal import Journal
from margingate_server.ledger.numbers import LimitNumbers, PolicyNumbers
from margingate_server.recovery import DeskBuilder
from margingate_server.service.amending import AmendCommand, AmendLeg
from margingate_server.service.decisions import CheckCommand
from margingate_server.service.refusals import AmendPending, NotNow
from margingate_server.service.settlement import ExpiryPrice
from margingate_server.service.terms import Terms
from tests.unit.engine.small_market import INSTRUMENTS, MARKS, NEAR_NS, NO_FEES, PARAMETERS
from tests.unit.rpc.memory_market_store import MemoryMarketStore
from tests.unit.rpc.memory_store import MemoryStore
from tests.unit.service.small_desk import AGE_LIMITS, SOME_FEES, SmallDesk, update

CHEAPER: FeeTier = {
    kind: type(rate)(maker_ppm=0, taker_ppm=250, cap_ppm=rate.cap_ppm)
    for kind, rate in SOME_FEES.items()
}
TERMS: tuple[tuple[Mapping[str, object], FeeTier, PolicyNumbers], ...] = (
    (PARAMETERS, SOME_FEES, PolicyNumbers()),
    ({**PARAMETERS, "price_scan_range": Decimal("0.2")}, CHEAPER, PolicyNumbers(allowance_ppm=0)),
    (
        {**PARAMETERS, "vol_shift_kind": "absolute", "collateral_haircut": Decimal("0.07")},
        SOME_FEES,
        PolicyNumbers(allowance_ppm=5_000, borrow_limits=(("USD", 10**9),), may_hedges_grow=True),
    ),
)
"""Parameters, fees and policy of one start after the other."""

NAMES = tuple(name for name in MARKS if not name.startswith("SOL"))
ACCOUNTS = ("a", "b")


class Plan:
    """Draws one action after the other; all that they record is in `store` and `markets`."""

    def __init__(self, seed: int) -> None:
        self.store, self.markets = MemoryStore(), MemoryMarketStore()
        self.random = Random(seed)
        self.starts = 0
        self.ids = count(1)
        self.index = 100_000.0
        self.start()
        for account, usd, coins in (("a", "300000", "2"), ("b", "40000", "0")):
            self.small.open(account, usd=usd, coins=coins, tier="charged")
        self.keep()

    def start(self) -> None:
        """A server starts over the log, with the next terms."""
        parameters, fees, policy = TERMS[self.starts % len(TERMS)]
        tiers = {"default": NO_FEES, "charged": fees}
        margin_model = model("span", {"BTC": parameters})
        terms = Terms(model=margin_model, tiers=tiers, policy=policy, others={})
        builder = DeskBuilder(terms, AGE_LIMITS)
        journal = Journal(self.store, self.markets)
        desk = builder.open_desk(self.store, journal.market_version_min)
        self.journal, self.small = journal, SmallDesk(desk, numbers=self.ids)
        builder.bring_into_force(desk, self.small.now_ns)
        if not self.starts:
            view = desk.shard.market.planned_listing(INSTRUMENTS)
            desk.shard.record(e.InstrumentsListed(instruments=INSTRUMENTS), self.small.now_ns)
            desk.shard.market.view = view
        self.starts += 1
        self.tick()
        self.keep()

    def keep(self) -> None:
        """Make durable what was decided."""
        pending = self.small.shard.take_pending()
        self.journal.append(pending.events, pending.markets)

    def run(self, steps: int) -> "Plan":
        """So many actions, with restarts in between, and at the end the near expiry settles."""
        for step in range(steps):
            if step % (steps // 4) == steps // 8:
                self.start()
            if step % 3 == 0:
                self.tick()
            kinds = list(ACTIONS)
            (act,) = self.random.choices(kinds, [ACTIONS[each] for each in kinds])
            act(self)
            if self.random.random() < 0.5:
                self.keep()
        self.settle()
        for _ in range(10):
            self.check()
        self.keep()
        return self

    def tick(self, market_time_ns: int | None = None) -> None:
        """Prices move a little."""
        self.index *= 1 + self.random.uniform(-0.004, 0.004)
        marks = {
            name: mark * (1 + self.random.uniform(-0.003, 0.003)) for name, mark in MARKS.items()
        }
        times = {} if market_time_ns is None else {"market_time_ns": market_time_ns}
        self.small.quote(update(marks, index=round(self.index, 2), **times))

    def leg(self, *, is_market: bool = False) -> RequestedLeg:
        """A leg near the mark, on tick."""
        name = self.random.choice((*NAMES, "BTC"))
        row = self.small.row(name)
        instrument = self.small.state.table.instruments[row]
        snapshot = self.small.shard.market.view.snapshot
        mark_nano = int(snapshot.mark_nano_i[row])
        if instrument.kind is InstrumentKind.SPOT:
            mark_nano = int(snapshot.index_nano_u[0])
        price_nano = round(mark_nano * self.random.uniform(0.98, 1.02))
        tick_nano = instrument.tick_nano_at(price_nano)
        price_nano = max(tick_nano, price_nano // tick_nano * tick_nano)
        lots = self.random.choice((1, 2, 3, 10, 40)) * self.random.choice((1, -1))
        limit = None if is_market else str(whole(price_nano, NANO))
        return self.small.leg(name, lots * (100 if "COIN-P" in name else 1), limit)

    def check(self) -> None:
        """An order of any shape."""
        execution = self.random.choice((Execution.SINGLE, *Execution))
        legs = tuple(
            self.leg(is_market=self.random.random() < 0.15)
            for _ in range(1 if execution is Execution.SINGLE else self.random.randint(2, 4))
        )
        name = f"o-{next(self.ids)}"
        order = RequestedOrder(
            order_id=name,
            legs=legs,
            execution=execution,
            is_reduce_only=self.random.random() < 0.2,
        )
        now_ns = self.small.now_ns
        command = CheckCommand(
            account=self.random.choice(ACCOUNTS),
            request_id=name,
            digest="d",
            order=order,
            sent_ns=now_ns,
            hold_ns=self.random.choice((0, 0, NANO)),
        )
        self.small.desk.checking.check(command, now_ns)

    def open_order(self) -> tuple[str, str] | None:
        """(account, order id) of one that is open."""
        found = [(a, o) for a in ACCOUNTS for o in self.small.account(a).orders]
        return self.random.choice(found) if found else None

    def amend(self) -> None:
        """A change of an open order: more or less, at another price."""
        if (found := self.open_order()) is None:
            return
        account, order_id = found
        memo = self.small.account(account).orders[order_id]
        table, legs = self.small.state.table, []
        held = {leg.number: leg for leg in self.small.account(account).portfolio.legs[order_id]}
        scale = self.random.choice((1, 2, 3))
        for number, (name, side) in enumerate(memo.sides):
            instrument = table.instruments[table.row_by_name[name]]
            price_nano = held[number].price_nano if number in held else instrument.tick_nano
            moved = price_nano + self.random.randint(-2, 2) * instrument.tick_nano_at(price_nano)
            tick_nano = instrument.tick_nano_at(max(1, moved))
            price = max(tick_nano, moved // tick_nano * tick_nano)
            lots = memo.totals[number] * scale // self.random.choice((1, 1, 2)) or 1
            if memo.execution == "atomic_combo":
                lots = memo.totals[number] * scale
            quantity = whole(lots * instrument.lot_nano, NANO)
            limit = whole(price, NANO)
            legs.append(
                AmendLeg(
                    instrument=name,
                    side=type(self.leg().side)(side),
                    quantity=quantity,
                    limit=limit,
                )
            )
        command = AmendCommand(
            account=account,
            request_id=f"m-{next(self.ids)}",
            digest="d",
            order_id=order_id,
            legs=tuple(legs),
            sent_ns=self.small.now_ns,
        )
        try:
            self.small.desk.amending.amend(command, self.small.now_ns)
        except AmendPending:
            self.answer(account, order_id)

    def answer(self, account: str, order_id: str) -> None:
        """The venue answers a pending change."""
        amending = self.small.desk.amending
        reply = self.random.choice((amending.confirm, amending.confirm, amending.withdraw))
        reply(account, order_id, f"v-{next(self.ids)}", "d", self.small.now_ns)

    def fill(self) -> None:
        """Something of an open order of account a fills."""
        orders = self.small.account("a").portfolio.legs
        if not orders:
            return
        order_id = self.random.choice(list(orders))
        if not orders[order_id]:
            return
        leg = self.random.choice(orders[order_id])
        instrument = self.small.state.table.instruments[leg.row]
        lots = int(leg.side) * self.random.randint(1, leg.lots)
        price = str(whole(leg.price_nano or instrument.tick_nano, NANO))
        fee = self.random.choice((None, "0.0001"))
        self.small.fill(order_id, instrument.name, lots, price, fee=fee)

    def end(self) -> None:
        """An order is released."""
        if (found := self.open_order()) is not None:
            request_id = f"e-{next(self.ids)}"
            self.small.desk.orders.release(*found, request_id, "d", self.small.now_ns)

    def move_cash(self) -> None:
        """A deposit, or a withdrawal if it may be."""
        asset = self.random.choice(("USD", "BTC"))
        amount = self.random.choice(("5000", "-9000", "-100000") if asset == "USD" else ("1", "-1"))
        try:
            self.small.deposit(amount, asset, self.random.choice(ACCOUNTS))
        except NotNow:
            return

    def state_positions(self) -> None:
        """The back office states what account b holds."""
        lots = {name.replace("-", "_"): self.random.randint(-5, 5) for name in NAMES[:4]}
        self.small.hold("b", **lots)

    def control(self) -> None:
        """A kill switch, a suspension or limits; nothing of it for long."""
        admin, now_ns = self.small.desk.admin, self.small.now_ns
        request = f"k-{next(self.ids)}"
        scope, subject = self.random.choice((("all", ""), ("account", "a"), ("underlying", "BTC")))
        match self.random.randint(0, 5):
            case 0:
                mode = self.random.choice(("block_all", "reduce_only", "reduce_only"))
                admin.engage_kill_switch(
                    e.KillSwitchEngaged(
                        request_id=request, scope=scope, subject=subject, mode=mode, reason=""
                    ),
                    now_ns,
                )
            case 1 | 2:
                for key in list(self.small.state.kill_switches):
                    released = e.KillSwitchReleased(
                        request_id=f"{request}-{key[0]}", scope=key[0], subject=key[1]
                    )
                    admin.release_kill_switch(released, now_ns)
                admin.resume("b", request, "d", now_ns)
            case 3:
                admin.suspend("b", "", request, "d", now_ns)
            case _:
                limits = LimitNumbers(
                    collar_ppm=self.random.choice((30_000, 100_000)),
                    notional_micro_max=self.random.choice((None, 2 * 10**12)),
                )
                admin.set_limits(self.random.choice(("", "a")), limits, request, "d", now_ns)

    def settle(self) -> None:
        """The near expiry passes, and everything of it becomes cash."""
        self.small.hold("a", CALL=-2, PUT=3, NEAR=4, PERPETUAL=-1)
        self.tick(market_time_ns=NEAR_NS)
        price = ExpiryPrice(underlying="BTC", expiry_ns=NEAR_NS, price_nano=113_000 * NANO)
        self.small.desk.settling.settle([price], self.small.now_ns)
        self.small.fill("late", "NEAR", 2, "101000")


Action = Callable[[Plan], None]
ACTIONS: Mapping[Action, int] = {
    Plan.check: 40,
    Plan.amend: 14,
    Plan.fill: 14,
    Plan.end: 3,
    Plan.move_cash: 6,
    Plan.state_positions: 2,
    Plan.control: 5,
}


def written(seed: int, steps: int = 240) -> Plan:
    """A log of a plan; retried draws that the service refuses are part of it."""
    plan = Plan(seed)
    try:
        return plan.run(steps)
    except InvalidInput as refusal:
        raise AssertionError(f"seed {seed}: {refusal.field} {refusal.problem}") from refusal
