"""What decides besides the market: models with their parameters, fees and policy, as one.

With them go the limits that prices are held against. These are no part of what the ledger is told:
which prices were taken is an input of decisions, and stored with the market.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from margingate_engine.core.errors import InvalidInput
from margingate_engine.portfolio.fees import FeeTier
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_engine.quality.parameters import QualityParameters
from margingate_server.ledger.collateral import collateral_numbers
from margingate_server.ledger.events import ParametersLoaded
from margingate_server.ledger.fold import fee_tiers
from margingate_server.ledger.numbers import FeeNumbers, PolicyNumbers
from margingate_server.ledger.state import ShardState
from margingate_server.service.model_numbers import model_numbers
from margingate_server.service.qualifying import refuse_wrong_fallbacks
from margingate_server.service.shard import Shard


@dataclass(frozen=True, kw_only=True)
class Terms:
    """One set of them. model: of accounts that have no other; others: that they may have, by name.

    quality: limits of market data; without any, prices are taken as they come. InvalidInput when
    an account would fall back to a model that is not there.
    """

    model: MarginModel
    tiers: Mapping[str, FeeTier]
    policy: PolicyNumbers
    others: Mapping[str, MarginModel]
    quality: QualityParameters | None = None

    def __post_init__(self) -> None:
        """Refuse a policy that these models cannot follow."""
        refuse_wrong_fallbacks(self.policy, self.models)

    @cached_property
    def parameters(self) -> ParametersLoaded:
        """The event that loads them."""
        return ParametersLoaded(
            model=self.model.name,
            digest=self.model.parameters_digest,
            parameters=tuple(self.model.parameter_items()),
            fees=fee_numbers(self.tiers),
            policy=self.policy,
            others=tuple(model_numbers(self.others[name]) for name in sorted(self.others)),
            collateral=collateral_numbers(self.model.collateral),
        )

    @property
    def models(self) -> dict[str, MarginModel]:
        """Every model by name."""
        return {self.model.name: self.model, **self.others}

    def refuse_lacking(self, state: ShardState) -> None:
        """InvalidInput when there is no fee tier or model that an account has."""
        tiers, models = fee_tiers(self.parameters.fees), {"", *self.models}
        for account in state.accounts.values():
            if account.fee_tier not in tiers:
                raise InvalidInput("fees", f"lack the tier {account.fee_tier}, which accounts have")
            if account.model not in models:
                problem = f"lack the model {account.model}, which accounts have"
                raise InvalidInput("model_parameters", problem)

    def bring_into_force(self, shard: Shard, now_ns: int) -> int:
        """Number of the event that loads them; 0 if they are in force. As refuse_lacking."""
        state, new = shard.state, self.parameters
        self.refuse_lacking(state)
        models = (state.model, state.parameters, state.other_models, state.collateral)
        is_same = models == (new.model, new.parameters, new.others, new.collateral)
        if is_same and (state.fee_tiers, state.policy) == (fee_tiers(new.fees), new.policy):
            return 0
        seq = shard.record(new, now_ns)
        shard.forget_views()
        return seq


def fee_numbers(tiers: Mapping[str, FeeTier]) -> tuple[FeeNumbers, ...]:
    """A fee schedule as an event carries it, in order."""
    return tuple(
        FeeNumbers(tier, kind.value, rate.maker_ppm, rate.taker_ppm, rate.cap_ppm)
        for tier in sorted(tiers)
        for kind, rate in sorted(tiers[tier].items(), key=lambda item: item[0].value)
    )
