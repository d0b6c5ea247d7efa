"""What a run of cycles came to."""

from collections import Counter
from dataclasses import dataclass, field

from tests.crash.audit import Audit


@dataclass(slots=True)
class Tally:
    """Counts over all ledgers. findings: what is wrong, in words."""

    cycles: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    ledgers: int = 0
    requests: int = 0
    events: int = 0
    accepted: int = 0
    acknowledged: int = 0
    lost: int = 0
    answered_twice: int = 0
    margins_compared: int = 0
    accounts_compared: int = 0
    replays: int = 0
    from_snapshot: int = 0
    recovery_seconds: list[float] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    def add(self, audit: Audit) -> None:
        """Count what was known of a ledger that is finished."""
        self.ledgers += 1
        self.events += audit.mark.seq
        self.accepted += audit.books.counts["order_accepted"]
        self.kinds += audit.books.counts
        self.acknowledged += audit.acknowledged_count
        self.lost += audit.lost_count
        self.answered_twice += audit.answered_twice_count

    def table(self) -> str:
        """For people."""
        times = sorted(self.recovery_seconds) or [0.0]
        rows = {
            "cycles": self.cycles,
            "ledgers": self.ledgers,
            **{f"  {name}": count for name, count in sorted(self.endings.items())},
            "requests sent": self.requests,
            "events in the logs": self.events,
            **{f"  {name}": count for name, count in sorted(self.kinds.items())},
            "answers acknowledged": self.acknowledged,
            "answers lost": self.lost,
            "ids answered two ways": self.answered_twice,
            "accounts compared after a restart": self.accounts_compared,
            "margins compared after a restart": self.margins_compared,
            "ledgers verified and replayed": self.replays,
            "recovered with a snapshot there": self.from_snapshot,
            "recovery, median seconds": f"{times[len(times) // 2]:.2f}",
            "recovery, longest seconds": f"{times[-1]:.2f}",
            "findings": len(self.findings),
        }
        return "\n".join(f"{name:<36}{value:>12}" for name, value in rows.items())
