"""From the log to a desk: fold what happened, and go on from there."""

from collections.abc import Mapping

import msgspec

from margingate_engine.check.question import Policy
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.registry import MarginModel
from margingate_engine.portfolio.fees import FeeTier
from margingate_server.files.fees import fees_text
from margingate_server.ledger.events import ParametersLoaded, decode_event
from margingate_server.ledger.fold import apply
from margingate_server.ledger.state import ShardState
from margingate_server.ledger.store import CorruptLedger, Store
from margingate_server.service.desk import Desk
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.market import Market
from margingate_server.service.shard import Shard


class DeskBuilder:
    """Makes a desk of a store's log, with one model, schedule and policy."""

    def __init__(
        self,
        model: MarginModel,
        fee_tiers: Mapping[str, FeeTier],
        policy: Policy,
        age_limits: AgeLimits,
    ) -> None:
        self.model = model
        self.age_limits = age_limits
        self._fee_tiers = fee_tiers
        self._policy = policy

    def open_desk(self, store: Store) -> Desk:
        """The desk after every event of the log.

        CorruptLedger names the event that cannot be applied; InvalidInput a fee tier that accounts
        have and the schedule lacks.
        """
        state, market_version = folded(store, self._fee_tiers)
        market = Market(self.model, state.table, market_version + 1 if state.last_seq else 0)

        def stored_body(seq: int) -> bytes:
            record = store.get(seq)
            assert record is not None, "a remembered event is not in the log"
            return record.body

        shard = Shard(state, market, self._fee_tiers, stored_body)
        return Desk(shard, self._policy, self.age_limits)

    def parameters_event(self) -> ParametersLoaded:
        """What is in force, as an event."""
        return ParametersLoaded(
            model=self.model.name,
            digest=self.model.parameters_digest,
            parameters=tuple(self.model.parameter_items()),
            fees=fees_text(self._fee_tiers),
        )


def folded(store: Store, fee_tiers: Mapping[str, FeeTier]) -> tuple[ShardState, int]:
    """(state after every event of the log, greatest market version that any of them cites)."""
    state, market_version = ShardState(), 0
    for record in store.read():
        market_version = max(market_version, record.market_version)
        try:
            event = decode_event(record.body)
            apply(state, event, record.seq, record.recorded_ns, fee_tiers)
        except (msgspec.ValidationError, msgspec.DecodeError, KeyError, InvalidInput) as error:
            tier = getattr(event, "fee_tier", None) if isinstance(error, KeyError) else None
            if tier is not None and tier not in fee_tiers:
                raise InvalidInput("fees", f"lack the tier {tier}, which accounts have") from None
            raise CorruptLedger(record.seq, "event", f"cannot be applied: {error!r}") from error
    return state, market_version
