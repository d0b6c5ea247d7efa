"""The log as streams of alerts read it: from a cursor to what is durable, then on as it grows.

Alerts are looked for in the log and nowhere else, so that what was void is never shown and nothing
is missed. One thread looks through what became durable, as soon as it has an alert, and keeps the
newest in memory; who is further behind reads the store, a part of the log at a time.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import Protocol

from margingate_server.clock import Clock
from margingate_server.ledger.store import EventRecord, LedgerError, Store
from margingate_server.rpc.alert_codec import ALERT_KINDS, Told, alert_of, unread
from margingate_server.rpc.lane import Lane, LedgerDown
from margingate_server.rpc.observers import tell
from margingate_server.rpc.turns import Turns

RECENT_MAX = 2_000
"""Newest alerts kept in memory, about 1 KB each."""

PART_EVENTS = 20_000
"""Events that one read looks through: some 10 ms."""

LOOK_SECONDS = 1.0
"""At the latest after so long the log is looked through, whoever was not told."""


WAIT_SECONDS_MAX = 2.0
"""Who waits for another's look for so long may take the log for one that cannot be read."""


class AlertObserver(Protocol):
    """Who is told about alerts."""

    def found(self, delay_seconds: float) -> None:
        """An alert can be sent, so long after its event was recorded."""
        ...

    def unreadable(self, error: Exception) -> None:
        """The log could not be read; it will be tried again."""
        ...

    def alert_failed(self, error: Exception, seq: int) -> str:
        """Id under which it is logged that an alert could not be made of an event."""
        ...


class AlertTail:
    """Alerts of one ledger."""

    def __init__(self, lane: Lane, store: Store, clock: Clock, observer: AlertObserver) -> None:
        self._lane = lane
        self._store = store
        self._clock = clock
        self._observer = observer
        self._recent: deque[Told] = deque()
        self._first = self._last = lane.durable_seq
        self._updating, self._looking = Lock(), Lock()
        self._is_failing = False
        self._rings: set[Callable[[], None]] = set()
        self._bell = Event()
        self._is_stopping = False
        self.turns = Turns("alerts", clock)
        self._thread = Thread(target=self._run, name="alerts", daemon=True)

    @property
    def last(self) -> int:
        """Number of the event that the log was looked through to."""
        return self._last

    @property
    def is_failing(self) -> bool:
        """True from a look that failed until one that went well: alerts may wait behind `last`."""
        return self._is_failing

    def start(self) -> None:
        """Follow the log from here on."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._is_stopping = True
        self._bell.set()
        if self._thread.is_alive():
            self._thread.join()

    def committed(self, kinds: Iterable[str]) -> None:
        """Events of these kinds became durable."""
        if not ALERT_KINDS.isdisjoint(kinds):
            self._bell.set()

    @contextmanager
    def ringing(self, ring: Callable[[], None]) -> Iterator[None]:
        """Within the block `ring` is called whenever alerts were found or a look failed."""
        with self._updating:
            self._rings.add(ring)
        try:
            yield
        finally:
            with self._updating:
                self._rings.discard(ring)

    def after(self, cursor: int) -> tuple[list[Told], int]:
        """(alerts after an event in order, the event to which these are all).

        The second is `cursor` itself when nothing is new. LedgerDown when the log cannot be read.
        """
        with self._updating:
            if cursor >= self._first:
                return [each for each in self._recent if each.seq > cursor], max(cursor, self._last)
            through = min(cursor + PART_EVENTS, self._last)
        return self._read(cursor, through), through

    def look(self) -> None:
        """Look through what is durable now; LedgerDown when that cannot be read, or not soon."""
        durable = self._lane.durable_seq
        if self._last >= durable:
            return
        if not self._looking.acquire(timeout=WAIT_SECONDS_MAX):
            raise LedgerDown
        try:
            while self._last < durable:
                through = min(self._last + PART_EVENTS, durable)
                self._keep(self._read(self._last, through), through)
            self._is_failing = False
        except Exception:
            self._is_failing = True
            self._ring()
            raise
        finally:
            self._looking.release()

    def _keep(self, found: list[Told], through: int) -> None:
        now_ns = self._clock.now_ns()
        for each in found:
            delay_ns = now_ns - each.message.time.ToNanoseconds()
            tell(self._observer.found, max(0, delay_ns) / 1e9)
        with self._updating:
            self._recent.extend(found)
            while len(self._recent) > RECENT_MAX:
                self._first = self._recent.popleft().seq
            self._last = through
        if found:
            self._ring()

    def _ring(self) -> None:
        with self._updating:
            rings = tuple(self._rings)
        for ring in rings:
            ring()

    def _read(self, after_seq: int, through_seq: int) -> list[Told]:
        try:
            records = self._store.read_kinds(ALERT_KINDS, after_seq, through_seq)
        except LedgerError as error:
            tell(self._observer.unreadable, error)
            raise LedgerDown from error
        return [told for record in records if (told := self._told(record)) is not None]

    def _told(self, record: EventRecord) -> Told | None:
        try:
            return alert_of(record)
        except Exception as error:  # noqa: BLE001 - one that fails must not keep back the others
            return unread(record, self._observer.alert_failed(error, record.seq))

    def _run(self) -> None:
        while True:
            self._bell.wait(LOOK_SECONDS)
            self._bell.clear()
            if self._is_stopping:
                return
            self.turns.take(self.look)
