"""What goes with a replayed market: accounts at its start, settlements, orders at their times."""

from collections import Counter, deque
from collections.abc import Callable
from typing import Any, TypeVar

from margingate_engine.check.question import RequestedLeg, RequestedOrder
from margingate_engine.core.errors import MargingateError
from margingate_engine.core.reasons import RejectReason
from margingate_server.feeds.replay.accounts import StartAccount
from margingate_server.feeds.replay.feed import ReplayFeed
from margingate_server.feeds.replay.orders import FlowOrder, Outcome
from margingate_server.observe.logs import Log
from margingate_server.service.accounts import StatedPosition
from margingate_server.service.decisions import CheckAnswer, CheckCommand
from margingate_server.service.desk import Desk
from margingate_server.service.orders import FillCommand
from margingate_server.service.refusals import ServiceRefusal
from margingate_server.service.settlement import ExpiryPrice

ResultT = TypeVar("ResultT")
Use = Callable[[Desk, int], tuple[Any, int]]
DIGEST = "replay"
REFUSED = "not_carried_out"
"""Orders that could not be asked about: of an unknown account or instrument, for one."""


class ReplayAlongside:
    """Follows a replay, call by call; what could not be made durable is done by the next call."""

    def __init__(
        self,
        feed: ReplayFeed,
        decide: Callable[[Use], Any],
        log: Log,
        on_answer: Callable[[CheckAnswer], None],
    ) -> None:
        """decide: from a use of the desk to its result, once durable. on_answer: to each order."""
        self._feed = feed
        self._decide = decide
        self._log = log
        self._on_answer = on_answer
        self._accounts = deque(feed.replay.accounts)
        self._orders = deque(feed.replay.orders)
        self._has_told_end = not self._orders
        self.counts: Counter[str] = Counter()

    def follow(self, now_ns: int) -> None:
        """Settle what has expired, open the accounts, send the orders that are due by now."""
        due_ns = self._feed.due_until_ns(now_ns)
        if not due_ns:
            return
        self._decide(settle_expired)
        while self._accounts:
            self._open(self._accounts[0])
            self._accounts.popleft()
        while self._orders and self._orders[0].time_ns <= due_ns:
            self._send(self._orders[0])
            self._orders.popleft()
        if not (self._orders or self._has_told_end):
            self._has_told_end = True
            self._log.told("replayed_orders_ended", **self.counts)

    def _open(self, start: StartAccount) -> None:
        try:
            self._decide(lambda desk, now_ns: (None, open_account(desk, start, now_ns)))
        except (MargingateError, ServiceRefusal) as error:
            name = start.account
            self._log.warned("replayed_account_refused", account=name, problem=repr(error))

    def _send(self, order: FlowOrder) -> None:
        try:
            answer = self._decide(lambda desk, now_ns: send(desk, order, now_ns))
        except (MargingateError, ServiceRefusal) as error:
            self.counts[REFUSED] += 1
            name = order.order_id
            self._log.warned("replayed_order_refused", order_id=name, problem=repr(error))
            return
        self.counts[RejectReason(answer.decision.reason).name.lower()] += 1
        self._on_answer(answer)


def settle_expired(desk: Desk, now_ns: int) -> tuple[None, int]:
    """Settle what has expired by the market's time at the index of now; (None, last event or 0).

    Asked after each snapshot, that is the index of the first one after the expiry. An underlying
    without an index in the last snapshot waits for one that has it.
    """
    view = desk.shard.market.view
    table, snapshot = view.table, view.snapshot
    observed_ns_u = snapshot.observed_ns_u
    settled = desk.shard.state.settlement_nano
    expiries = {
        (int(table.underlying_i[row]), int(table.expiry_ns_i[row]))
        for row in snapshot.has_expired_i(table).nonzero()[0].tolist()
        if row not in settled
    }
    prices = [
        ExpiryPrice(
            underlying=table.underlyings[underlying],
            expiry_ns=expiry_ns,
            price_nano=int(snapshot.index_nano_u[underlying]),
        )
        for underlying, expiry_ns in sorted(expiries)
        if observed_ns_u[underlying] == observed_ns_u.max() >= 0
    ]
    return None, desk.settling.settle(prices, now_ns).seq if prices else 0


def open_account(desk: Desk, start: StartAccount, now_ns: int) -> int:
    """The last event of opening an account with what it starts with; 0 when it is there already."""
    name = start.account
    if name in desk.shard.state.accounts:
        return 0
    _, seq = desk.accounts.create(name, "default", f"{name}-open", DIGEST, now_ns)
    for asset, amount in start.collateral.items():
        request = f"{name}-{asset}"
        _, seq = desk.accounts.adjust_collateral(name, asset, amount, request, DIGEST, now_ns)
    if start.positions:
        stated = [
            StatedPosition(instrument=each.instrument, quantity=each.quantity, price=each.price)
            for each in start.positions
        ]
        _, seq = desk.accounts.set_positions(name, stated, f"{name}-start", DIGEST, now_ns)
    return seq


def send(desk: Desk, order: FlowOrder, now_ns: int) -> tuple[CheckAnswer, int]:
    """(answer, event to be durable) to an order; what was accepted is filled or released, if so."""
    leg = RequestedLeg(
        row=desk.shard.row(order.instrument),
        side=order.side,
        quantity=order.quantity,
        limit=order.limit,
    )
    command = CheckCommand(
        account=order.account,
        request_id=order.order_id,
        digest=DIGEST,
        order=RequestedOrder(order_id=order.order_id, legs=(leg,)),
        sent_ns=now_ns,
    )
    answer = desk.checking.check(command, now_ns)
    if answer.decision.reason or not answer.is_held:
        return answer, answer.seq
    return answer, _concluded(desk, order, answer.seq, now_ns)


def _concluded(desk: Desk, order: FlowOrder, seq: int, now_ns: int) -> int:
    """The last event after what the venue made of an accepted order."""
    if order.outcome is Outcome.RELEASE:
        request = f"{order.order_id}-release"
        return desk.orders.release(order.account, order.order_id, request, DIGEST, now_ns).seq
    if order.outcome is Outcome.FILL:
        assert order.limit is not None, "a filled order has a price"
        fill = FillCommand(
            account=order.account,
            fill_id=f"{order.order_id}-fill",
            digest=DIGEST,
            order_id=order.order_id,
            instrument=order.instrument,
            side=order.side,
            quantity=order.quantity,
            price=order.limit,
            fee=None,
        )
        return desk.orders.fill(fill, now_ns).seq
    return seq
