"""The state that the log should lead to, folded a second time from the stored bytes. [I6]"""

from collections.abc import Iterable

from margingate_server.ledger.events import AnyEvent, decode_event
from margingate_server.ledger.fold import apply
from margingate_server.ledger.state import ShardState
from margingate_server.ledger.store import EventDraft, EventRecord
from tests.simulation.violation import hold

COMPARED_AT_REST = (
    "default_limits",
    "model",
    "parameters",
    "parameters_digest",
    "fee_tiers",
    "policy",
    "settlement_nano",
    "expiring",
)


class Shadow:
    """A state that follows what is decided, from the bytes of its events alone."""

    def __init__(self) -> None:
        self.state = ShardState()

    def follow(self, draft: EventDraft | EventRecord) -> AnyEvent:
        """The event of a draft, applied."""
        event = decode_event(draft.body)
        apply(self.state, event, self.state.last_seq + 1, draft.recorded_ns)
        return event

    def compare(self, live: ShardState, names: Iterable[str]) -> None:
        """Violation unless the live state agrees on the shard's counters and these accounts."""
        own = self.state
        for name in names:
            ours, theirs = own.accounts.get(name), live.accounts.get(name)
            hold(ours == theirs, "I6", "{} folds to {}, live is {}", name, ours, theirs)
        for field in ("last_seq", "admin_version", "open_order_count", "kill_switches"):
            ours, theirs = getattr(own, field), getattr(live, field)
            hold(ours == theirs, "I6", "{} folds to {}, live is {}", field, ours, theirs)

    def compare_whole(self, live: ShardState) -> None:
        """Violation unless the live state agrees on everything, request ids included."""
        hold(self.state.accounts.keys() == live.accounts.keys(), "I6", "accounts differ")
        self.compare(live, self.state.accounts)
        for field in COMPARED_AT_REST:
            ours, theirs = getattr(self.state, field), getattr(live, field)
            hold(ours == theirs, "I6", "{} folds to {}, live is {}", field, ours, theirs)
        hold(self.state.table.instruments == live.table.instruments, "I6", "tables differ")
        ours, theirs = self.state.requests, live.requests
        hold(
            (ours._requests, ours._fills) == (theirs._requests, theirs._fills),
            "I6",
            "remembered requests differ",
        )
