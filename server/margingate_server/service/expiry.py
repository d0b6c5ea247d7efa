"""Ends holds whose duration is over, as an event. Counted by a clock that never goes back.

The duration runs from when the order was durably accepted, or from the start of the process if that
was later: a restart knows no monotonic time of before. The wall clock has no part in it.
"""

from heapq import heapify, heappop, heappush

from margingate_server.ledger.events import OrdersExpired
from margingate_server.service.following import orders_changing
from margingate_server.service.shard import Shard

LAG_NS = 5 * 10**9
"""How much longer a hold lasts than asked: for the answer's way to the router, and the order's."""

LAG_PPM = 1_000
"""And this part of the duration more, 1e-6: clocks that are being corrected run fast or slow."""

EXPIRED_MAX = 1_000
"""Most orders of one call; the rest ends later. After a restart many may be due at once."""

GONE_MAX = 10_000
"""How many closed orders are kept in the queue before it is made anew."""

OrderKey = tuple[str, str]
"""Account and order id; order ids are never used twice. [DEC-07]"""


class Expiries:
    """The deadlines of a shard's holds. Whoever makes a new shard of the log makes these anew."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard
        self._queue: list[tuple[int, OrderKey]] = []
        self._unstarted: list[OrderKey] = []
        self._known: set[OrderKey] = set()

    def expire_due(self, monotonic_ns: int, now_ns: int) -> int:
        """End the holds that are over; the event that must be durable before the next call, or 0.

        monotonic_ns: of one clock that never goes back. The duration of an order starts with the
        call after the one that saw it first: its acceptance is durable by then.
        """
        self._start_durations(monotonic_ns)
        self._forget_gone()
        order_ids_by_account: dict[str, list[str]] = {}
        for account, order_id in self._due(monotonic_ns):
            order_ids_by_account.setdefault(account, []).append(order_id)
        for account, order_ids in order_ids_by_account.items():
            self._expire(account, order_ids, now_ns)
        if self._unstarted or order_ids_by_account:
            return self._shard.state.last_seq
        return 0

    def _start_durations(self, monotonic_ns: int) -> None:
        expiring = self._shard.state.expiring
        for key in self._unstarted:
            hold_ns = expiring.get(key)
            if hold_ns is not None:
                heappush(self._queue, (monotonic_ns + with_lag(hold_ns), key))
        self._unstarted = []
        for key in reversed(expiring):  # in the order of acceptance: before a known one all are
            if key in self._known:
                break
            self._unstarted.append(key)
        self._known.update(self._unstarted)

    def _forget_gone(self) -> None:
        """Make the queue anew when most of it is of orders that are closed."""
        expiring = self._shard.state.expiring
        if len(self._known) > 2 * len(expiring) + GONE_MAX:
            self._queue = [each for each in self._queue if each[1] in expiring]
            heapify(self._queue)
            self._known.intersection_update(expiring)

    def _due(self, monotonic_ns: int) -> list[OrderKey]:
        due: list[OrderKey] = []
        while self._queue and self._queue[0][0] <= monotonic_ns and len(due) < EXPIRED_MAX:
            _, key = heappop(self._queue)
            self._known.discard(key)
            if key in self._shard.state.expiring:
                due.append(key)
        return due

    def _expire(self, account_id: str, order_ids: list[str], now_ns: int) -> None:
        shard = self._shard
        event = OrdersExpired(account=account_id, order_ids=tuple(order_ids))
        with orders_changing(shard, shard.account(account_id), order_ids):
            shard.record(event, now_ns)


def with_lag(hold_ns: int) -> int:
    """How long a hold of a duration lasts at least, in nanoseconds."""
    return hold_ns + LAG_NS + hold_ns * LAG_PPM // 10**6
