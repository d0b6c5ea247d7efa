"""From the log to a desk: fold what happened, and go on from there."""

from collections.abc import Callable, Mapping

from margingate_engine.portfolio.fees import FeeTier
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_server.ledger.folding import EventLog, folded
from margingate_server.ledger.numbers import PolicyNumbers
from margingate_server.ledger.snapshot_file import Snapshot
from margingate_server.service.desk import Desk
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.market import Market
from margingate_server.service.shard import Shard
from margingate_server.service.terms import Terms


class DeskBuilder:
    """Makes a desk of a log, with the terms of now.

    newest_snapshot: of the log, None when there is none; asked each time a desk is made.
    """

    def __init__(
        self,
        model: MarginModel,
        tiers: Mapping[str, FeeTier],
        policy: PolicyNumbers,
        age_limits: AgeLimits,
        newest_snapshot: Callable[[], Snapshot | None] = lambda: None,
        others: Mapping[str, MarginModel] | None = None,
    ) -> None:
        """Terms of these; see there."""
        self.terms = Terms(model=model, tiers=tiers, policy=policy, others=others or {})
        self._newest_snapshot = newest_snapshot
        self.age_limits = age_limits

    @classmethod
    def of(
        cls, terms: Terms, age_limits: AgeLimits, newest_snapshot: Callable[[], Snapshot | None]
    ) -> "DeskBuilder":
        """A builder with these terms."""
        builder = cls(
            *(terms.model, terms.tiers, terms.policy, age_limits, newest_snapshot),
            others=terms.others,
        )
        builder.adopt(terms)
        return builder

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
