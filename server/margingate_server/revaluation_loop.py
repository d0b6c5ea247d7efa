"""The thread that margins all accounts after new prices and publishes their states."""

import os
import sys
from threading import Event, Thread, get_native_id
from typing import Protocol

from margingate_engine.monitoring.states import Bounds
from margingate_engine.revaluation.account_figures import AccountFigures
from margingate_server.clock import Clock
from margingate_server.ledger.monitoring_events import MarginStateChanged
from margingate_server.rpc.lane import Lane, LedgerDown, Ticket
from margingate_server.rpc.observers import tell
from margingate_server.rpc.turns import Turns
from margingate_server.service.desk import Desk
from margingate_server.service.margin_states import publishing_of
from margingate_server.service.revaluing import Change
from margingate_server.threads import has_ended

TAKEN_AT_ONCE = 50
"""Accounts whose holdings are copied in one turn of the lock: about half a millisecond."""

TOUCHED_MAX = 500
"""Up to so many accounts that changed are looked at by themselves, before all of them are."""

TURN_SECONDS = 0.2
"""Between two turns without new prices: a fill or a withdrawal is followed after it."""

HOLDINGS_SECONDS = 5.0
"""Between two figures of all accounts at the same prices: those that changed were looked at."""

NICENESS = 19
"""Of the thread: where it shares a processor with checks, these go first."""

LOOKS_AT_ONCE = 50
"""Turns of the lock in which states are changed before they are made durable together."""

LOOK_PAUSE_SECONDS = 0.002
"""Rest between these turns: whoever waits for the lock gets it first."""

PAUSE_SECONDS = 0.02
"""Rest between turns, so that prices that never stop coming leave others their turn."""


class FiguresObserver(Protocol):
    """Who is told about the figures of all accounts."""

    def figured(self, figures: AccountFigures, bounds: Bounds, duration_seconds: float) -> None:
        """All accounts were margined anew. bounds: where states begin."""
        ...

    def published(self, event: MarginStateChanged) -> None:
        """A margin state was published, durably."""
        ...

    def account_failed(self, account: str, error: Exception) -> None:
        """An account's margin or state could not be worked out as nobody foresaw."""
        ...


class RevaluationLoop:
    """Margins all accounts whenever prices or holdings changed, until stopped."""

    def __init__(self, lane: Lane, clock: Clock, observer: FiguresObserver) -> None:
        self._lane = lane
        self._clock = clock
        self._observer = observer
        self._waking, self._stopping = Event(), Event()
        self._due_seconds = 0.0
        self.turns = Turns("revaluation", clock)
        self._thread = Thread(target=self._run, name="revaluation", daemon=True)

    def start(self) -> None:
        """Follow prices and holdings from here on."""
        self._thread.start()

    def stop(self) -> bool:
        """End the thread; False where it goes on."""
        self._stopping.set()
        self._waking.set()
        return has_ended(self._thread)

    def wake(self) -> None:
        """There are new prices."""
        self._waking.set()

    def turn(self) -> None:
        """Take what changed, margin all accounts if that may change anything, publish states."""
        try:
            desk = self._lane.look(lambda desk, _now_ns: desk)
            try:
                self._follow(desk)
            finally:
                self._tell_failures(desk)
        except LedgerDown:
            return

    def _follow(self, desk: Desk) -> None:
        taken = self._take(desk)
        # Of a desk that is only looked at nothing is published, and figures go on.
        if taken <= TOUCHED_MAX and not self._lane.is_down:
            self._publish(desk)
        self._consider(desk)
        self._publish(desk)

    def _tell_failures(self, desk: Desk) -> None:
        for failures in (desk.revaluing.failures, desk.monitor.failures):
            for account, error in failures.taken():
                tell(self._observer.account_failed, account, error)

    def _take(self, desk: Desk) -> int:
        """How many accounts were taken."""
        revaluing, count = desk.revaluing, 0
        is_first = revaluing.latest is None
        while not self._stopping.is_set():
            taken = self._lane.look(lambda _desk, _now_ns: revaluing.take(TAKEN_AT_ONCE))
            revaluing.put(taken)
            count += len(taken)
            if not is_first and count <= TOUCHED_MAX:
                for each in taken:
                    desk.monitor.touch(each.account)
            if len(taken) < TAKEN_AT_ONCE:
                break
        return count

    def _consider(self, desk: Desk) -> None:
        view, now_ns = self._lane.look(lambda desk, now_ns: (desk.shard.market.view, now_ns))
        started = self._clock.seconds()
        figures, changed = desk.revaluing.latest, desk.revaluing.changed(view, now_ns)
        is_due = changed is Change.HOLDINGS and started >= self._due_seconds
        if figures is None or is_due or changed is Change.PRICES:
            figures = desk.revaluing.figures(view, now_ns)
            self._due_seconds = self._clock.seconds() + HOLDINGS_SECONDS
            bounds = publishing_of(desk.shard.state.policy.monitoring).entering
            tell(self._observer.figured, figures, bounds, self._clock.seconds() - started)
        desk.monitor.consider(figures, int(self._clock.seconds() * 1e9), now_ns)

    def _publish(self, desk: Desk) -> None:
        def look(current: Desk, now_ns: int) -> tuple[list[MarginStateChanged], int]:
            if current is not desk:
                raise LedgerDown
            return desk.monitor.look(now_ns)

        while not self._stopping.is_set():
            published: list[MarginStateChanged] = []
            tickets: list[Ticket] = []
            for _ in range(LOOKS_AT_ONCE):
                if not desk.monitor.is_behind:
                    break
                self._stopping.wait(LOOK_PAUSE_SECONDS)
                events, ticket = self._lane.begin(look)
                if events:
                    published += events
                    tickets.append(ticket)
            for ticket in tickets[-1:]:
                self._lane.finish(ticket)
            for event in published:
                tell(self._observer.published, event)
            if not desk.monitor.is_behind:
                return

    def _run(self) -> None:
        self.turns.take(_stand_back)
        while not self._stopping.is_set():
            self._waking.wait(TURN_SECONDS)
            self._waking.clear()
            if not self._stopping.is_set():
                self.turns.take(self.turn)
                self._stopping.wait(PAUSE_SECONDS)


def _stand_back() -> None:
    if sys.platform == "linux":  # elsewhere a process has one priority for all of its threads
        os.setpriority(os.PRIO_PROCESS, get_native_id(), NICENESS)
