"""From the log to a desk: fold what happened, and go on from there."""

from collections.abc import Callable

from margingate_server.ledger.folding import EventLog, folded
from margingate_server.ledger.snapshot_file import Snapshot
from margingate_server.service.desk import Desk
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.market import Market
from margingate_server.service.shard import Shard
from margingate_server.service.terms import Terms


class DeskBuilder:
    """Makes a desk of a log, with the terms of now."""

    def __init__(
        self,
        terms: Terms,
        age_limits: AgeLimits,
        newest_snapshot: Callable[[], Snapshot | None] = lambda: None,
    ) -> None:
        """newest_snapshot: of the log, None without one; asked each time a desk is made."""
        self.terms = terms
        self.age_limits = age_limits
        self._newest_snapshot = newest_snapshot

    def adopt(self, terms: Terms) -> None:
        """Make desks with other terms from here on."""
        self.terms = terms

    def open_desk(self, log: EventLog, market_version_min: int = 0) -> Desk:
        """The desk after every event of the log, deciding by what the log says is in force.

        market_version_min: the least version of its market, beyond every one that is stored; a
        crash may have left one that no event cites. CorruptLedger names the event that cannot be
        applied.
        """
        state, market_version = folded(log, self._newest_snapshot())
        after_cited = market_version + 1 if state.last_seq else 0
        version = max(after_cited, market_version_min)
        terms = self.terms
        market = Market(terms.model, state.table, version, terms.others, terms.quality)

        def stored_body(seq: int) -> bytes:
            record = log.get(seq)
            assert record is not None, "a remembered event is not in the log"
            return record.body

        return Desk(Shard(state, market, stored_body), self.age_limits)

    def bring_into_force(self, desk: Desk, now_ns: int) -> int:
        """Number of the event that loads these terms; 0 if they are in force. As Terms."""
        return self.terms.bring_into_force(desk.shard, now_ns)
