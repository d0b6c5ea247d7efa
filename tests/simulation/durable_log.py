"""What the log says, watched as it grows: numbers without gaps, one decision per id. [I1, I3]"""

from collections import defaultdict

from margingate_server.ledger.chain import EMPTY, verify
from margingate_server.ledger.events import (
    AnyEvent,
    FillReported,
    OrderAccepted,
    decode_event,
)
from margingate_server.ledger.store import EventRecord
from tests.simulation.requests import Key
from tests.simulation.violation import hold


class DurableLog:
    """An index of the durable events, kept beside the product's own."""

    def __init__(self) -> None:
        self.records: list[EventRecord] = []
        self.event_by_key: dict[Key, AnyEvent] = {}
        self.seq_by_key: dict[Key, int] = {}
        self.accepted: set[tuple[str, str]] = set()
        self._versions: defaultdict[str, int] = defaultdict(int)
        self._head = EMPTY

    def grow(self, record: EventRecord) -> None:
        """One more durable event."""
        self._head = verify(self._head, record, "the simulation's own log")
        self._versions[record.account] += 1
        hold(
            record.version == self._versions[record.account],
            "I1",
            "{} should be at {}: {}",
            record.account or "the shard",
            self._versions[record.account],
            record,
        )
        event = decode_event(record.body)
        self.records.append(record)
        if event.request_id:
            space = "fill" if isinstance(event, FillReported) else "request"
            key = (space, event.account, event.request_id)
            hold(key not in self.event_by_key, "I3", "{} was answered before: {}", key, event)
            self.event_by_key[key] = event
            self.seq_by_key[key] = record.seq
        if isinstance(event, OrderAccepted):
            name = (event.account, event.order.order_id)
            hold(name not in self.accepted, "I3", "{} was accepted before: {}", name, event)
            self.accepted.add(name)
