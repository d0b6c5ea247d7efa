"""The thread that looks after a ledger: once a second, and when it goes down."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Thread

from margingate_server.clock import Clock
from margingate_server.ledger.events import kind_of
from margingate_server.ledger.folding import EventLog
from margingate_server.ledger.sqlite_store import SqliteStore
from margingate_server.ledger.store import LedgerError
from margingate_server.market_retention import MarketRetention
from margingate_server.observe.logs import Log
from margingate_server.rpc.lane import Lane, LedgerDown
from margingate_server.rpc.turns import Turns
from margingate_server.service.desk import Desk
from margingate_server.service.qualification_watch import RegimeEvent
from margingate_server.snapshot_keeper import SnapshotKeeper
from margingate_server.threads import has_ended

EXPIRY_TURNS_MAX = 20
OF_REQUESTS = {"request_id", "request_digest"}


@dataclass(slots=True, kw_only=True)
class Upkeep:
    """Ends holds, watches regimes, keeps the ledger, has snapshots made and markets removed.

    open_desk: from a log to a desk. report: told at the end of each turn. period_seconds: between
    two turns.
    """

    lane: Lane
    store: SqliteStore
    open_desk: Callable[[EventLog], Desk]
    snapshots: SnapshotKeeper
    retention: MarketRetention
    report: Callable[[], None]
    clock: Clock
    log: Log
    period_seconds: float
    turns: Turns = field(init=False)
    _is_stopping: bool = False
    _waking: Event = field(default_factory=Event)
    _thread: Thread = field(init=False)

    def __post_init__(self) -> None:
        """Make the thread."""
        self.turns = Turns("upkeep", self.clock)
        self._thread = Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Look after the ledger from here on."""
        self._thread.start()

    def stop(self) -> bool:
        """End the thread, and the process that makes a snapshot; False where the thread goes on."""
        self._is_stopping = True
        self._waking.set()
        is_over = has_ended(self._thread)
        self.snapshots.stop()
        return is_over

    def wake(self) -> None:
        """The ledger went down: have what is durable shown, before the next turn."""
        self._waking.set()

    def turn(self) -> None:
        """What is done once a second."""
        self.turns.take(
            self.expire_holds,
            self.watch_qualifications,
            self._keep_ledger,
            lambda: self.snapshots.keep(self.store.head.seq),
            self.report,
        )

    def expire_holds(self) -> None:
        """End holds that ran out, in short turns."""

        def expire(desk: Desk, now_ns: int) -> tuple[bool, int]:
            seq = desk.expiries.expire_due(int(self.clock.seconds() * 1e9), now_ns)
            return desk.expiries.is_behind, seq

        try:
            for _ in range(EXPIRY_TURNS_MAX):
                if not self.lane.decide(expire):
                    return
        except LedgerDown:
            return

    def watch_qualifications(self) -> None:
        """Begin and end grace periods, in short turns, and log them for who acts on them."""

        def look(desk: Desk, now_ns: int) -> tuple[tuple[list[RegimeEvent], bool], int]:
            happened, seq = desk.qualifications.look(int(self.clock.seconds() * 1e9), now_ns)
            return (happened, desk.qualifications.is_behind), seq

        try:
            for _ in range(EXPIRY_TURNS_MAX):
                happened, is_behind = self.lane.decide(look)
                for event in happened:
                    names = sorted({*event.__struct_fields__} - OF_REQUESTS)
                    fields = {name: getattr(event, name) for name in names}
                    self.log.warned(kind_of(event), **fields)
                if not is_behind:
                    return
        except LedgerDown:
            return

    def _run(self) -> None:
        while True:
            is_woken = self._waking.wait(self.period_seconds)
            self._waking.clear()
            if self._is_stopping:
                return
            if is_woken:
                self.turns.take(self._show_durable)
            else:
                self.turn()

    def _keep_ledger(self) -> None:
        try:
            if self.lane.is_down:
                self.lane.recover(self.open_desk)
            self.store.sync_head()
            self.store.checkpoint()
            self.retention.keep()
        except LedgerError as error:
            self.lane.mark_down()
            self.log.warned("ledger_failed", problem=repr(error))
            self._show_durable()

    def _show_durable(self) -> None:
        """Once for each failure; while the log cannot be read either, nothing is shown."""
        try:
            self.lane.show_durable(self.open_desk)
        except LedgerError as error:
            self.log.warned("ledger_not_shown", problem=repr(error))
