"""Accounts that are watched: one thread looks at them and hands each watcher what is newest.

A watcher has room for one sight. Who takes it late finds a newer one in its place; so nobody waits
for anybody, and however many watch, the thread works half of the time at most and everybody is
told less often.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, KeysView, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Protocol

from margingate_server.clock import Clock
from margingate_server.rpc.lane import Lane, LedgerDown
from margingate_server.rpc.observers import tell
from margingate_server.rpc.turns import Turns
from margingate_server.service.desk import Desk
from margingate_server.service.freshness import AgeLimits, Oldest
from margingate_server.service.sighting import (
    Figures,
    Glance,
    Standpoint,
    figures,
    glance,
    standpoint,
)

LOOK_SECONDS = 0.05
IDLE_SECONDS = 1.0
HEARTBEAT_SECONDS = 5.0


class WatchObserver(Protocol):
    """Who is told about watchers."""

    def worked_out(self, duration_seconds: float) -> None:
        """The margin of a watched account was worked out anew."""
        ...

    def conflated(self) -> None:
        """A sight gave way to a newer one before its watcher took it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A watched account. is_repeated: only ages differ from what its watcher took before."""

    seen: Glance
    figures: Figures
    is_repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Instant:
    """Where accounts stand now, and what is old."""

    standpoints: Mapping[str, Standpoint]
    age_limits: AgeLimits
    now_ns: int

    def is_stale(self, ages: Oldest) -> bool:
        return ages.stale_subject(self.now_ns, self.age_limits) is not None


class Watcher:
    """Somebody who watches an account."""

    def __init__(self, account: str, interval_seconds: float, ring: Callable[[], None]) -> None:
        self.account = account
        self.interval_seconds = interval_seconds
        self.ring = ring
        self.due_at = 0.0
        self.silent_since = 0.0
        self.offered: Standpoint | None = None
        self.ages = Oldest()
        self.is_told_stale = False
        self._taken: Standpoint | None = None
        self._changing = Lock()
        self._newest: Sight | Exception | None = None

    def offer(self, newest: Sight | Exception) -> bool:
        """Put something in the place of what was not taken yet; whether there was such a thing."""
        with self._changing:
            was_full, self._newest = self._newest is not None, newest
        self.ring()
        return was_full

    def take(self) -> Sight | None:
        """What is newest, once; None when nothing is. Raises what went wrong with the account."""
        with self._changing:
            newest, self._newest = self._newest, None
        if isinstance(newest, Exception):
            raise newest
        if newest is None:
            return None
        at = newest.seen.standpoint
        is_repeated, self._taken = at.is_same(self._taken), at
        return Sight(seen=newest.seen, figures=newest.figures, is_repeated=is_repeated)


class Watching:
    """The watchers of one server."""

    def __init__(self, lane: Lane, clock: Clock, observer: WatchObserver) -> None:
        self._lane = lane
        self._clock = clock
        self._observer = observer
        self._changing = Lock()
        self._watchers: set[Watcher] = set()
        self._known: dict[str, tuple[Standpoint, Figures]] = {}
        self._bell = Event()
        self._stopping = Event()
        self.turns = Turns("watching", clock)
        self._thread = Thread(target=self._run, name="watching", daemon=True)

    def start(self) -> None:
        """Look at what is watched from here on."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._bell.set()
        if self._thread.is_alive():
            self._thread.join()

    @contextmanager
    def watching(
        self, account: str, interval_seconds: float, ring: Callable[[], None]
    ) -> Iterator[Watcher]:
        """Someone who is rung when there is something to take, at once for the first time."""
        watcher = Watcher(account, interval_seconds, ring)
        with self._changing:
            self._watchers.add(watcher)
        self._bell.set()
        try:
            yield watcher
        finally:
            with self._changing:
                self._watchers.discard(watcher)

    def look(self) -> None:
        """Offer what is new to who is due.

        Nothing while nobody may see the ledger: not even a heartbeat, which would speak for it.
        """
        started = self._clock.seconds()
        due: dict[str, list[Watcher]] = defaultdict(list)
        with self._changing:
            watched = {each.account for each in self._watchers}
            for each in self._watchers:
                if each.due_at <= started:
                    due[each.account].append(each)
        self._known = {name: self._known[name] for name in self._known.keys() & watched}
        try:
            now = self._lane.look(lambda desk, now_ns: _instant(desk, due.keys(), now_ns))
            for account, watchers in due.items():
                self._look_at(account, watchers, now)
        except LedgerDown:
            return

    def _look_at(self, account: str, watchers: list[Watcher], instant: _Instant) -> None:
        now, at = self._clock.seconds(), instant.standpoints.get(account)
        due = [
            each
            for each in watchers
            if at is None
            or not at.is_same(each.offered)
            or now - each.silent_since >= HEARTBEAT_SECONDS
        ]
        aged = [
            each
            for each in watchers
            if each not in due and not each.is_told_stale and instant.is_stale(each.ages)
        ]
        if not due and not aged:
            return
        newest = self._seen(account)
        if isinstance(newest, Sight):
            is_stale = instant.is_stale(newest.seen.oldest)
            for each in (*due, *aged):
                each.ages, each.is_told_stale = newest.seen.oldest, is_stale
            if not is_stale:  # younger prices of the same market have come meanwhile
                aged = []
        for each in (*due, *aged):
            if isinstance(newest, Sight):
                each.offered = newest.seen.standpoint
            each.silent_since, each.due_at = now, now + each.interval_seconds
            if each.offer(newest):
                tell(self._observer.conflated)
        # As long as the work took, whoever decides an order has the interpreter.
        self._stopping.wait(self._clock.seconds() - now)

    def _seen(self, account: str) -> Sight | Exception:
        try:
            seen = self._lane.read(
                lambda desk, _now_ns: glance(desk.shard, desk.shard.account(account))
            )
            known = self._known.get(account)
            if known is not None and seen.standpoint.is_same(known[0]):
                return Sight(seen=seen, figures=known[1])
            started = self._clock.seconds()
            found = figures(seen)
            tell(self._observer.worked_out, self._clock.seconds() - started)
        except LedgerDown:
            raise
        except Exception as error:  # noqa: BLE001 - who watches it is told, others go on
            return error
        self._known[account] = (seen.standpoint, found)
        return Sight(seen=seen, figures=found)

    def _run(self) -> None:
        while True:
            self._bell.wait(LOOK_SECONDS if self._watchers else IDLE_SECONDS)
            self._bell.clear()
            if self._stopping.is_set():
                return
            self.turns.take(self.look)


def _instant(desk: Desk, accounts: KeysView[str], now_ns: int) -> _Instant:
    standpoints = _standpoints(desk, accounts)
    return _Instant(standpoints=standpoints, age_limits=desk.age_limits, now_ns=now_ns)


def _standpoints(desk: Desk, accounts: KeysView[str]) -> dict[str, Standpoint]:
    """Of each of the accounts that there are; without one of which it cannot be said."""
    found, known = {}, desk.shard.state.accounts
    for name in accounts & known.keys():
        with suppress(Exception):  # whoever watches it is told why when it is looked at
            found[name] = standpoint(desk.shard, known[name])
    return found
