"""One decision at a time, many commits in one: the lock of a shard and its group commit.

A decision is taken under the lock in microseconds; the lock is never held during a commit. The
caller that finds no leader becomes it, commits what everybody decided meanwhile, and wakes the
others. If a commit fails, all that was decided since the last durable event is void and nobody is
told otherwise: the lane is down until `recover` has folded the log anew.

Meanwhile the state in memory holds what is void, and nobody may see it. What only looks goes on all
the same once `show_durable` has folded the durable events into a desk of their own: every answer of
that desk was true when the lane went down, and nothing has happened since. Only prices move on.
"""

from collections.abc import Callable
from threading import Condition, Lock
from typing import NamedTuple, Protocol, TypeVar

from margingate_server.clock import Clock
from margingate_server.ledger.durable_part import DurablePart
from margingate_server.ledger.folding import EventLog
from margingate_server.ledger.journal import Journal
from margingate_server.ledger.store import EventDraft, LedgerError, Store
from margingate_server.rpc.observers import tell
from margingate_server.service.desk import Desk

ResultT = TypeVar("ResultT")

CLOCK_STEP_NS_MIN = 10**7
"""Steps of the clock, or slews adding up, that are followed; below it ages are as good as right."""


class LedgerDown(Exception):  # noqa: N818 - a state, not an error
    """Nothing can be decided or made durable now; what was just decided is void."""


class LaneObserver(Protocol):
    """Who is told about commits."""

    def committed(self, events: list[EventDraft], byte_count: int, duration_seconds: float) -> None:
        """A batch became durable; may be called by two threads at once."""
        ...

    def checked(self, decide_seconds: float, commit_seconds: float) -> None:
        """An order was decided and made durable, waiting for lock and commit included."""
        ...

    def failed(self) -> None:
        """A commit failed; the lane is down."""
        ...

    def recovered(self) -> None:
        """The log was folded anew; the lane is up."""
        ...


class Ticket(NamedTuple):
    """What must be durable before an answer may leave: an event of one generation of the shard."""

    generation: int
    seq: int


class Lane:
    """The way in to one shard."""

    def __init__(self, desk: Desk, journal: Journal, clock: Clock, observer: LaneObserver) -> None:
        self._desk = desk
        self._journal = journal
        self._store = journal.store
        self._clock = clock
        self._observer = observer
        self._deciding = Lock()
        self._turn = Condition(Lock())
        self._generation = 0
        self._durable_seq = self._store.head.seq
        self._is_leading = False
        self._is_down = False
        self._shown: Desk | None = None
        self._offset_ns = clock.now_ns() - int(clock.seconds() * 10**9)

    @property
    def is_down(self) -> bool:
        """True from a failed commit until the log was folded anew."""
        return self._is_down

    @property
    def durable_seq(self) -> int:
        """Number of the last event that is known to be durable; what follows it may become void."""
        return self._durable_seq

    def decide(self, use: Callable[[Desk, int], tuple[ResultT, int]]) -> ResultT:
        """The result of `use(desk, now_ns)`, once the event whose number it returns is durable.

        Number 0 asks for nothing. LedgerDown when it cannot be made durable. What `use` raises is
        raised when the events that it recorded before are durable.
        """
        result, ticket = self._take_turn(use)
        self._commit_through(ticket)
        return result

    def begin(self, use: Callable[[Desk, int], tuple[ResultT, int]]) -> tuple[ResultT, Ticket]:
        """As `decide`, without waiting: nobody may be told before `finish` returns."""
        return self._take_turn(use)

    def finish(self, ticket: Ticket) -> None:
        """Return once what was begun is durable; LedgerDown when it cannot be made so."""
        self._commit_through(ticket)

    def check(self, use: Callable[[Desk, int], tuple[ResultT, int]]) -> ResultT:
        """As `decide`, for orders: the observer is told how long it took."""
        started = self._clock.seconds()
        result, ticket = self._take_turn(use)
        decided = self._clock.seconds()
        self._commit_through(ticket)
        tell(self._observer.checked, decided - started, self._clock.seconds() - decided)
        return result

    def read(self, use: Callable[[Desk, int], ResultT]) -> ResultT:
        """The result of `use(desk, now_ns)`, once everything it could see is durable.

        While the lane is down, of the desk that is shown; LedgerDown while there is none.
        """

        def with_last_seq(desk: Desk, now_ns: int) -> tuple[ResultT, int]:
            return use(desk, now_ns), desk.shard.state.last_seq

        shown = self._seen_of_shown(use)
        return self.decide(with_last_seq) if shown is None else shown[0]

    def look(self, use: Callable[[Desk, int], ResultT]) -> ResultT:
        """The result of `use(desk, now_ns)` at once: for answers that bind nothing.

        `use` records nothing. While the lane is down as for `read`.
        """
        shown = self._seen_of_shown(use)
        if shown is not None:
            return shown[0]
        return self._take_turn(lambda desk, now_ns: (use(desk, now_ns), 0))[0]

    def mark_down(self) -> None:
        """Stop deciding, because the store failed outside of a commit."""
        if not self._is_down:
            with self._deciding, self._turn:
                self._void()
            tell(self._observer.failed)

    def show_durable(self, open_desk: Callable[[EventLog], Desk]) -> None:
        """While the lane is down: fold what is durable into a desk that `read` and `look` see.

        Once for each time that the lane goes down; not while it recovers. Raises what reading the
        log raises; then nothing is shown.
        """
        if not self._is_down or self._shown is not None:
            return
        desk = open_desk(DurablePart(self._store, self._durable_seq))
        desk.shard.market.take_over(self._desk.shard.market)
        with self._deciding:
            self._shown = desk

    def recover(self, open_desk: Callable[[Store], Desk]) -> None:
        """After a failure: reopen the stores, fold the log into a new desk, and go on with it.

        Waits for a commit under way: what it adds to the log must be folded. Raises what the stores
        raise; the lane then stays down. Only for a lane that is down: nobody decides or commits
        meanwhile, so that the log is folded without the lock, and who would is refused at once.
        """
        assert self._is_down
        with self._turn:
            while self._is_leading:
                self._turn.wait()
        self._journal.reopen()
        desk = open_desk(self._store)
        with self._deciding, self._turn:
            desk.shard.market.take_over((self._shown or self._desk).shard.market)
            self._desk, self._shown = desk, None
            self._durable_seq = self._store.head.seq
            self._is_down = False
        tell(self._observer.recovered)

    def _seen_of_shown(self, use: Callable[[Desk, int], ResultT]) -> tuple[ResultT] | None:
        """What `use` makes of the desk that is shown while the lane is down; None without one."""
        if self._shown is None:
            return None
        with self._deciding:
            return None if self._shown is None else (use(self._shown, self._now_ns(self._shown)),)

    def _take_turn(self, use: Callable[[Desk, int], tuple[ResultT, int]]) -> tuple[ResultT, Ticket]:
        if self._is_down:  # tested before, too: nobody waits to be told so
            raise LedgerDown
        with self._deciding:
            if self._is_down:
                raise LedgerDown
            desk, generation = self._desk, self._generation
            last_seq = desk.shard.state.last_seq
            try:
                result, seq = use(desk, self._now_ns(desk))
                return result, Ticket(generation, seq)
            except Exception as unforeseen:
                ticket = Ticket(generation, desk.shard.state.last_seq)
                if ticket.seq == last_seq:
                    raise
                error = unforeseen
        self._commit_through(ticket)  # others see its events already
        raise error

    def _now_ns(self, desk: Desk) -> int:
        """UTC now. When the clock was set back, prices are as old as before by the other clock.

        They would look fresh again otherwise. Set forward, they are left to look older. The other
        clock is read before and after, so that a pause in between is no step.
        """
        before_ns = int(self._clock.seconds() * 10**9)
        now_ns = self._clock.now_ns()
        after_ns = int(self._clock.seconds() * 10**9)
        is_back = now_ns - before_ns < self._offset_ns - CLOCK_STEP_NS_MIN
        if is_back:
            desk.shard.market.follow_clock(now_ns - after_ns - self._offset_ns)
        if is_back or now_ns - after_ns > self._offset_ns + CLOCK_STEP_NS_MIN:
            self._offset_ns = now_ns - after_ns
        return now_ns

    def _commit_through(self, ticket: Ticket) -> None:
        while self._must_lead(ticket):
            self._lead()

    def _must_lead(self, ticket: Ticket) -> bool:
        """False once the ticket is durable; True when it is this caller's turn to commit."""
        with self._turn:
            while True:
                if ticket.generation != self._generation:
                    raise LedgerDown
                if ticket.seq <= self._durable_seq:
                    return False
                if not self._is_leading:
                    self._is_leading = True
                    return True
                self._turn.wait()

    def _lead(self) -> None:
        started = self._clock.seconds()
        with self._deciding:
            pending = self._desk.shard.take_pending()
        is_durable = False
        bytes_before = self._store.bytes_written
        try:
            self._journal.append(pending.events, pending.markets)
            byte_count = self._store.bytes_written - bytes_before
            is_durable = True
        except (LedgerError, ValueError):
            raise LedgerDown from None
        finally:
            self._end_lead(is_durable=is_durable)
        tell(self._observer.committed, pending.events, byte_count, self._clock.seconds() - started)

    def _end_lead(self, *, is_durable: bool) -> None:
        """Let the next one lead; whatever the store raised, nobody may wait for ever."""
        if is_durable:
            with self._turn:
                self._durable_seq = self._store.head.seq
                self._is_leading = False
                self._turn.notify_all()
            return
        with self._deciding, self._turn:
            self._void()
            self._is_leading = False
        tell(self._observer.failed)

    def _void(self) -> None:
        """Void what was decided and not committed, and let nobody decide on it."""
        self._is_down = True
        self._generation += 1
        self._turn.notify_all()


class Numbered(Protocol):
    """Answers that name the event they rest on, 0 for none."""

    @property
    def seq(self) -> int:
        """The event's number."""
        ...


NumberedT = TypeVar("NumberedT", bound=Numbered)


def with_seq(answer: NumberedT) -> tuple[NumberedT, int]:
    """An answer with its event, as `Lane.decide` wants it."""
    return answer, answer.seq
