"""Ends holds whose duration is over, as an event. Counted by a clock that never goes back.

The duration runs from when the order was durably accepted, or from the start of the process if that
was later: a restart knows no monotonic time of before. The wall clock has no part in it.
"""

from collections import deque
from heapq import heappop, heappush

from margingate_engine.core.amounts import NANO, PPM
from margingate_server.ledger.events import OrdersExpired
from margingate_server.service.following import orders_changing
from margingate_server.service.shard import Shard

LAG_NS = 5 * NANO
"""How much longer a hold lasts than asked: for the answer's way to the router, and the order's."""

LAG_PPM = 1_000
"""And this part of the duration more, 1e-6: clocks that are being corrected run fast or slow."""

EXPIRED_MAX = 100
"""Most holds that one call ends: nobody else decides meanwhile. What is left ends later."""

STARTED_MAX = 1_000
"""Most durations that one call starts. After a restart all of them start anew."""

GONE_MAX = 10_000
"""How many orders that were closed before their deadline may be kept, besides as many as open."""

OrderKey = tuple[str, str]
"""Account and order id; order ids are never used twice. [DEC-07]"""


class Expiries:
    """The deadlines of a shard's holds. Whoever makes a new shard of the log makes these anew."""

    def __init__(self, shard: Shard) -> None:
        """All durations are yet to start; what the shard knows now must be durable."""
        self._shard = shard
        self._unstarted = deque(shard.state.expiring)
        self._known = set(self._unstarted)
        self._queue: list[tuple[int, OrderKey]] = []
        self._swept: list[tuple[int, OrderKey]] = []
        self.is_behind = False
        """Whether the last call left something for another one to do at once."""

    def expire_due(self, monotonic_ns: int, now_ns: int) -> int:
        """End the holds that are over; the event that must be durable before the next call, or 0.

        monotonic_ns: of one clock that never goes back. The duration of an order starts with the
        call after the one that saw it first: its acceptance is durable by then.
        """
        self._start_durations(monotonic_ns)
        self._forget_gone()
        is_new = self._notice_new()
        due = self._take_due(monotonic_ns)
        order_ids_by_account: dict[str, list[str]] = {}
        for account, order_id in due:
            order_ids_by_account.setdefault(account, []).append(order_id)
        for account, order_ids in order_ids_by_account.items():
            self._expire(account, order_ids, now_ns)
        return self._shard.state.last_seq if due or is_new else 0

    def _start_durations(self, monotonic_ns: int) -> None:
        expiring = self._shard.state.expiring
        self.is_behind = len(self._unstarted) > STARTED_MAX
        for _ in range(min(len(self._unstarted), STARTED_MAX)):
            key = self._unstarted.popleft()
            hold_ns = expiring.get(key)
            if hold_ns is None:
                self._known.discard(key)
            else:
                heappush(self._queue, (monotonic_ns + with_lag(hold_ns), key))

    def _notice_new(self) -> bool:
        """Whether orders came since the last call. They are in the order of acceptance."""
        new: list[OrderKey] = []
        for key in reversed(self._shard.state.expiring):
            if key in self._known:
                break
            new.append(key)
        self._known.update(new)
        self._unstarted.extend(new)
        return bool(new)

    def _forget_gone(self) -> None:
        """Move a part of one heap to the other, without what was closed meanwhile.

        A heap without its last entry is still a heap.
        """
        expiring = self._shard.state.expiring
        if not self._swept and len(self._known) > 2 * len(expiring) + GONE_MAX:
            self._queue, self._swept = self._swept, self._queue
        for _ in range(min(len(self._swept), 2 * STARTED_MAX)):
            deadline, key = self._swept.pop()
            if key in expiring:
                heappush(self._queue, (deadline, key))
            else:
                self._known.discard(key)

    def _take_due(self, monotonic_ns: int) -> list[OrderKey]:
        expiring = self._shard.state.expiring
        due: list[OrderKey] = []
        for queue in (self._queue, self._swept):
            while queue and queue[0][0] <= monotonic_ns:
                if len(due) == EXPIRED_MAX:
                    self.is_behind = True
                    break
                _, key = heappop(queue)
                self._known.discard(key)
                if key in expiring:
                    due.append(key)
        return due

    def _expire(self, account_id: str, order_ids: list[str], now_ns: int) -> None:
        shard = self._shard
        event = OrdersExpired(account=account_id, order_ids=tuple(order_ids))
        with orders_changing(shard, shard.account(account_id), order_ids):
            shard.record(event, now_ns)


def with_lag(hold_ns: int) -> int:
    """How long a hold of a duration lasts at least, in nanoseconds."""
    return hold_ns + LAG_NS + hold_ns * LAG_PPM // PPM
