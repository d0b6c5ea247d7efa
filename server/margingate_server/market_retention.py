"""Forgets the markets of decisions that are too old to be taken again."""

from margingate_server.clock import Clock
from margingate_server.ledger.journal import Journal
from margingate_server.ledger.store import CorruptLedger
from margingate_server.observe.logs import Log

PAUSE_SECONDS = 60.0
"""Between two looks at what has grown old; while there is more, the next step comes at once."""


class MarketRetention:
    """Prunes a step at a time, for one thread that calls `keep` now and then."""

    def __init__(self, journal: Journal, retention_ns: int, clock: Clock, log: Log) -> None:
        """retention_ns: how long the market of a decision is kept."""
        self._journal = journal
        self._retention_ns = retention_ns
        self._clock = clock
        self._log = log
        self._not_before = 0.0

    def keep(self) -> None:
        """Remove some of what is too old; raises StoreFailure, and then writes are refused.

        A damaged market is logged and kept, and so is what is newer: no decision rests on it any
        more, and whoever takes decisions again is to be told of it.
        """
        if self._clock.seconds() < self._not_before:
            return
        try:
            removed = self._journal.prune_markets(self._clock.now_ns() - self._retention_ns)
        except CorruptLedger as damage:
            self._log.warned("markets_not_pruned", problem=repr(damage))
            removed = 0
        if not removed:
            self._not_before = self._clock.seconds() + PAUSE_SECONDS
