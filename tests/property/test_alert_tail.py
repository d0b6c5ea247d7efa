"""Whatever commits, fails and recovers: who follows alerts has each durable one, once, in order."""

from collections.abc import Sequence
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from margingate_server.ledger.events import AccountSuspended, AnyEvent
from margingate_server.ledger.regime_events import ExperienceSet
from margingate_server.rpc import alert_tail
from margingate_server.rpc.alert_codec import ALERT_KINDS
from margingate_server.rpc.alert_tail import AlertTail
from margingate_server.rpc.lane import LedgerDown
from margingate_server.service.desk import Desk
from tests.property.effort import examples
from tests.unit.rpc.gate import Gate
from tests.unit.rpc.memory_store import disk_full, fails_once

ALERT, OTHER = (
    AccountSuspended(account="a", reason=""),
    ExperienceSet(account="a", experience_tier=1),
)
STEPS = st.lists(
    st.sampled_from(
        [
            *("alert", "alert", "alert", "other", "void", "kept", "recover", "recover"),
            *("look", "look", "read", "read part", "restart"),
        ]
    ),
    min_size=10,
    max_size=60,
)


class World:
    """A ledger, its tail, and one reader that reads when it is told to."""

    def __init__(self) -> None:
        self.gate = Gate(is_listed=False).open("a")
        self.tail = self.new_tail()
        self.cursor = self.tail.last
        self.first = self.cursor
        self.seen: list[int] = []

    def new_tail(self) -> AlertTail:
        gate = self.gate
        return AlertTail(gate.lane, gate.store, gate.clock, gate.watch)

    def record(self, event: AnyEvent) -> None:
        def use(desk: Desk, now_ns: int) -> tuple[None, int]:
            return None, desk.shard.record(event, now_ns)

        try:
            self.gate.lane.decide(use)
        except LedgerDown:
            return

    def fail(self, *, is_kept: bool) -> None:
        """An alert whose commit fails; it may turn out to be in the log all the same."""
        if not self.gate.lane.is_down:
            self.gate.store.keeps_failed = is_kept
            self.gate.store.before_append = fails_once(disk_full())
            self.record(ALERT)

    def recover(self) -> None:
        if self.gate.lane.is_down:
            self.gate.recover()

    def read(self, parts: int) -> None:
        for _ in range(parts):
            alerts, through = self.tail.after(self.cursor)
            self.seen += [each.seq for each in alerts]
            if through == self.cursor:
                return
            self.cursor = through

    def take(self, step: str) -> None:
        match step:
            case "alert":
                self.record(ALERT)
            case "other":
                self.record(OTHER)
            case "void" | "kept":
                self.fail(is_kept=step == "kept")
            case "recover":
                self.recover()
            case "look":
                self.tail.look()
            case "read":
                self.read(100)
            case "read part":
                self.read(1)
            case "restart":
                self.recover()
                self.tail = self.new_tail()

    def durable_alerts(self) -> list[int]:
        """Of the log itself, as far as the reader has come."""
        return [
            each.seq
            for each in self.gate.store.records
            if self.first < each.seq <= self.cursor and each.kind in ALERT_KINDS
        ]


@given(steps=STEPS, part=st.integers(1, 4), recent=st.integers(1, 3))
@examples(150)
def test_a_reader_has_every_durable_alert_once_and_in_order(
    steps: Sequence[str], part: int, recent: int
) -> None:
    with (
        patch.object(alert_tail, "PART_EVENTS", part),
        patch.object(alert_tail, "RECENT_MAX", recent),
    ):
        world = World()
        for step in steps:
            world.take(step)
            assert world.cursor <= world.gate.lane.durable_seq
            assert world.seen == world.durable_alerts()
        for step in ("recover", "look", "read"):
            world.take(step)
        assert world.cursor == world.gate.store.head.seq
        assert world.seen == world.durable_alerts()
