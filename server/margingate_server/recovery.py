"""From the log to a desk: fold what happened, and go on from there."""

from collections.abc import Callable, Mapping

from margingate_engine.core.errors import InvalidInput
from margingate_engine.portfolio.fees import FeeTier
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_server.ledger.events import ParametersLoaded
from margingate_server.ledger.fold import fee_tiers
from margingate_server.ledger.folding import EventLog, folded
from margingate_server.ledger.numbers import FeeNumbers, PolicyNumbers
from margingate_server.ledger.snapshot_file import Snapshot
from margingate_server.service.desk import Desk
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.market import Market
from margingate_server.service.model_numbers import model_numbers
from margingate_server.service.shard import Shard


class DeskBuilder:
    """Makes a desk of a log, with one model, schedule and policy.

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
        """others: models besides `model` that accounts may be margined by, by name."""
        self.model, self.others = model, others or {}
        self._newest_snapshot = newest_snapshot
        self.age_limits = age_limits
        self.parameters = ParametersLoaded(
            model=model.name,
            digest=model.parameters_digest,
            parameters=tuple(model.parameter_items()),
            fees=fee_numbers(tiers),
            policy=policy,
            others=tuple(model_numbers(self.others[name]) for name in sorted(self.others)),
        )

    def open_desk(self, log: EventLog, market_version_min: int = 0) -> Desk:
        """The desk after every event of the log, deciding by what the log says is in force.

        market_version_min: the least version of its market, beyond every one that is stored; a
        crash may have left one that no event cites. CorruptLedger names the event that cannot be
        applied.
        """
        state, market_version = folded(log, self._newest_snapshot())
        after_cited = market_version + 1 if state.last_seq else 0
        version = max(after_cited, market_version_min)
        market = Market(self.model, state.table, version, self.others)

        def stored_body(seq: int) -> bytes:
            record = log.get(seq)
            assert record is not None, "a remembered event is not in the log"
            return record.body

        return Desk(Shard(state, market, stored_body), self.age_limits)

    def bring_into_force(self, desk: Desk, now_ns: int) -> int:
        """Number of the event that loads this model, schedule and policy; 0 if they are in force.

        InvalidInput when the schedule lacks a fee tier that accounts have.
        """
        state, new = desk.shard.state, self.parameters
        tiers = fee_tiers(new.fees)
        for account in state.accounts.values():
            if account.fee_tier not in tiers:
                raise InvalidInput("fees", f"lack the tier {account.fee_tier}, which accounts have")
        models = (state.model, state.parameters, state.other_models)
        is_same = models == (new.model, new.parameters, new.others)
        if is_same and (state.fee_tiers, state.policy) == (tiers, new.policy):
            return 0
        seq = desk.shard.record(new, now_ns)
        desk.shard.forget_views()
        return seq


def fee_numbers(tiers: Mapping[str, FeeTier]) -> tuple[FeeNumbers, ...]:
    """A fee schedule as an event carries it, in order."""
    return tuple(
        FeeNumbers(tier, kind.value, rate.maker_ppm, rate.taker_ppm, rate.cap_ppm)
        for tier in sorted(tiers)
        for kind, rate in sorted(tiers[tier].items(), key=lambda item: item[0].value)
    )
