"""Every invariant, asked after every turn, every commit, every reply and every restart."""

from collections import defaultdict, deque
from collections.abc import Iterable
from random import Random
from typing import Any

from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_server.ledger.events import (
    AmendAccepted,
    AnyEvent,
    FillReported,
    OrderAccepted,
    OrdersExpired,
    cited_market,
    decode_event,
)
from margingate_server.ledger.fold import REQUEST_SPACE
from margingate_server.ledger.requests import FILL_SPACE
from margingate_server.ledger.store import EventDraft, EventRecord
from margingate_server.service.decisions import CheckAnswer
from margingate_server.service.desk import Desk
from margingate_server.service.market import MarketView
from tests.reference.account import Account
from tests.simulation.book_orders import held_by
from tests.simulation.books import Books, commands_of
from tests.simulation.disk import Disks
from tests.simulation.durable_log import DurableLog
from tests.simulation.exchange import Exchange
from tests.simulation.freshness_watch import judge_freshness
from tests.simulation.margin_watch import Accepted, judge_acceptance, judge_kept_risk
from tests.simulation.oracle import account_before, is_known_to_the_reference, judge_decision
from tests.simulation.reply_watch import ReplyWatch
from tests.simulation.requests import Amend, Check, Key, Request
from tests.simulation.retaking import retake
from tests.simulation.server import Turn
from tests.simulation.shadow import Shadow
from tests.simulation.simulated_clock import SimulatedClock
from tests.simulation.violation import hold

ORACLE_SHARES = {Check: 0.01, Amend: 0.04}
TOTALS_SHARE = 0.1
RETAKEN_COUNT = 2


class Judge:
    """Knows what was asked, what was decided and what is durable, each on its own account."""

    def __init__(
        self, random: Random, disks: Disks, exchange: Exchange, clock: SimulatedClock
    ) -> None:
        self._random = random
        self._disks = disks
        self._disk = disks.log
        self._exchange = exchange
        self._clock = clock
        self._sent: defaultdict[Key, dict[str, Request]] = defaultdict(dict)
        self._queue: deque[EventDraft] = deque()
        self._digests: dict[Key, str] = {}
        self._before: Account | None = None
        self._sampled: Check | Amend | None = None
        self.log = DurableLog()
        self.replies = ReplyWatch(self.log)
        self.shadow = Shadow()
        self.books = Books(self._sent, self._exchange.settles_at)
        self._accepted_at: dict[tuple[str, str], float] = {}
        self._started_at = 0.0
        self.accepted_count = self.judged_count = 0

    def sending(self, request: Request, desk: Desk) -> None:
        """A request is about to be decided; now and then the oracle is asked as well."""
        for each in commands_of(request):
            self._sent[each.key][each.digest] = each
        self._sampled = None
        share = ORACLE_SHARES.get(type(request), 0.0)
        if isinstance(request, Check | Amend) and self._random.random() < share:
            self._sample(request, desk)

    def booked(self, account: str) -> Account | None:
        """What an account should hold; None before it is open."""
        booked = self.books.accounts.get(account)
        return None if booked is None else booked.holdings

    def restarted(self) -> None:
        """A new process: durations of holds run again from here."""
        self._started_at = self._clock.seconds()

    def watched(self, turn: Turn) -> None:
        """A desk was used: follow what it queued, and compare."""
        touched = {turn.request.account} & self.shadow.state.accounts.keys()
        sampled, self._sampled = self._sampled, None
        is_answered = turn.request is sampled and turn.answer is not None
        if sampled is not None and is_answered and not turn.answer.is_replayed:
            self._second_opinion(turn, sampled, turn.answer)
        full: AccountRisk | None = None
        for draft in turn.drafts:
            self._queue.append(draft)
            event = self._follow(draft)
            touched |= {event.account} & self.shadow.state.accounts.keys()
            if isinstance(event, OrderAccepted | AmendAccepted):
                full = self._judge_accepted(turn, event)
            if isinstance(event, OrderAccepted):
                self._accepted_at[event.account, event.order.order_id] = self._clock.seconds()
            elif isinstance(event, OrdersExpired):
                self._judge_expiry(event)
        self.shadow.compare(turn.desk.shard.state, touched)
        for account in touched:
            self._compare_books(account)
            if full is not None or self._random.random() < TOTALS_SHARE:
                judge_kept_risk(turn.desk, account, full)

    def kept(self, records: Iterable[EventRecord]) -> None:
        """Events became durable: those that were decided, in the order they were decided in."""
        for record in records:
            hold(self._queue, "I6", "nobody decided what became durable: {}", record)
            draft = self._queue.popleft()
            is_same = (record.account, record.version, record.kind, record.body) == (
                draft.account,
                draft.version,
                draft.kind,
                draft.body,
            )
            hold(is_same, "I6", "{} was decided next, {} became durable", draft, record)
            self.log.grow(record)
            self._judge_cited(record)

    def _judge_cited(self, record: EventRecord) -> None:
        """What an event rests on is durable before the event is. [I2]"""
        digest = cited_market(decode_event(record.body))
        if digest:
            stored = self._disks.markets.digest(record.market_version)
            hold(stored == digest, "I2", "its market is {} in the store: {}", stored, record)

    def replied(self, request: Request, answer: Any) -> None:
        """An answer leaves the server."""
        self.replies.judge(request, answer)

    def conflicted(self, request: Request) -> None:
        """A request was refused because its id was used with another body."""
        known = [(self._digests.get(each.key), each.digest) for each in commands_of(request)]
        is_conflict = any(first is not None and first != own for first, own in known)
        hold(is_conflict, "I3", "{} conflicts with nothing", request)

    def priced(self, view: MarketView) -> None:
        """Prices were swapped in: what is decided on is what the exchange said, to the unit."""
        table, snapshot = view.table, view.snapshot
        for name, nano in self._exchange.taken.items():
            if name.startswith("index "):
                number = table.underlyings.index(name.removeprefix("index "))
                hold(snapshot.index_nano_u[number] == nano, "I8", "{} should be {}", name, nano)
            else:
                row = table.row_by_name[name]
                hold(snapshot.mark_nano_i[row] == nano, "I8", "{} should be {}", name, nano)

    def refolded(self, desk: Desk) -> None:
        """A desk was folded from the log: what was decided and not kept never happened."""
        self._queue.clear()
        self._digests.clear()
        self.shadow, self.books = Shadow(), Books(self._sent, self._exchange.settles_at)
        hold(self._disk.records == self.log.records, "I6", "the log changed behind our back")
        for record in self._disk.read():
            self._follow(record)
        self.shadow.compare_whole(desk.shard.state)
        for account in self.shadow.state.accounts:
            self._compare_books(account)

    def quiet(self, desk: Desk) -> None:
        """Nothing is under way: a fresh fold of the log is the live state, all of it. [I6, I7]"""
        hold(not self._queue, "I6", "{} events were decided and never durable", len(self._queue))
        live = desk.shard.state
        self.shadow.compare_whole(live)
        self.refolded(desk)
        hold(self._disk.head.seq == live.last_seq, "I6", "the live state is not at the log's head")
        for account in live.accounts:
            judge_kept_risk(desk, account, None)
        accepted = [r for r in self.log.records if r.kind in ("order_accepted", "amend_accepted")]
        for record in self._random.sample(accepted, min(RETAKEN_COUNT, len(accepted))):
            retake(record, self._disks)

    def _follow(self, draft: EventDraft | EventRecord) -> AnyEvent:
        event = self.shadow.follow(draft)
        self.books.follow(event)
        if event.request_id:
            space = FILL_SPACE if isinstance(event, FillReported) else REQUEST_SPACE
            self._digests[space, event.account, event.request_id] = event.request_digest
        return event

    def _judge_accepted(self, turn: Turn, event: Accepted) -> AccountRisk:
        self.accepted_count += 1
        after = self.shadow.state.accounts[event.account].portfolio
        judge_freshness(turn, event, after, self._exchange.received, self._clock.instant())
        return judge_acceptance(turn, event, after)

    def _judge_expiry(self, event: OrdersExpired) -> None:
        """A hold lasts as long as was asked at least, by true time, from the last start on."""
        for order_id in event.order_ids:
            check = self.books.asked[event.account, order_id]
            since = max(self._started_at, self._accepted_at[event.account, order_id])
            lasted_ns = (self._clock.seconds() - since) * 1e9
            is_over = check.hold_ns and lasted_ns >= check.hold_ns
            hold(is_over, "I7", "{} was held for {} ns alone: {}", check, lasted_ns, event)

    def _sample(self, check: Check | Amend, desk: Desk) -> None:
        arrays, state = desk.shard.market.view.arrays, self.shadow.state
        if check.account in state.accounts and all(
            leg.instrument in arrays.table.row_by_name for leg in check.legs
        ):
            if not is_known_to_the_reference(state, check):
                return
            self._before = account_before(state, check.account, arrays)
            self._sampled = check

    def _second_opinion(self, turn: Turn, check: Check | Amend, answer: CheckAnswer) -> None:
        assert self._before is not None
        self.judged_count += 1
        judge_decision(turn, check, answer.decision, self.shadow.state, self._before)

    def _compare_books(self, account: str) -> None:
        """Cash, positions and open orders: what the requests add up to. [I7]"""
        live, own = self.shadow.state.accounts[account], self.books.accounts[account]
        portfolio, table = live.portfolio, self.shadow.state.table
        cash = {asset: units for asset, units in own.holdings.cash.items() if units}
        hold(portfolio.cash == cash, "I7", "{} has {}, not {}", account, portfolio.cash, cash)
        names = table.instruments
        positions = {names[row].name: (p.lots, p.entry) for row, p in portfolio.positions.items()}
        booked = {name: (p.lots, p.entry) for name, p in own.holdings.positions.items()}
        hold(positions == booked, "I7", "{} holds {}, not {}", account, positions, booked)
        open_ids, own_ids = live.orders.keys(), own.orders.keys()
        hold(open_ids == own_ids, "I7", "{} has open {}, not {}", account, open_ids, own_ids)
        for legs_by_order, is_amended in ((portfolio.legs, False), (portfolio.amendments, True)):
            held = {
                (order_id, names[leg.row].name, int(leg.side), leg.lots, leg.price_nano)
                for order_id, legs in legs_by_order.items()
                for leg in legs
            }
            reserved = held_by(own.orders, is_amended=is_amended)
            hold(held == reserved, "I7", "{} has on hold {}, not {}", account, held, reserved)
