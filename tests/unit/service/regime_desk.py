"""A small desk whose accounts may be in cross, with a policy."""

from decimal import Decimal

from margingate_engine.core.amounts import MICRO, NANO
from margingate_engine.models.registry import MarginModel, model
from margingate_server.ledger.events import InstrumentsListed
from margingate_server.ledger.numbers import PolicyNumbers, QualificationNumbers
from margingate_server.ledger.state import ShardState
from margingate_server.service.desk import Desk
from margingate_server.service.market import Market
from margingate_server.service.regimes import RegimeAnswer, RegimeCommand
from margingate_server.service.shard import Shard
from margingate_server.service.terms import Terms
from tests.unit.engine.small_market import INSTRUMENTS
from tests.unit.service.small_desk import AGE_LIMITS, FEE_TIERS, SmallDesk, small_model

GRACE_NS = 3_600 * NANO
LIQUIDATION_GRACE_NS = 60 * NANO
CROSS = {
    "short_initial": Decimal("0.15"),
    "short_initial_minimum": Decimal("0.10"),
    "short_maintenance": Decimal("0.075"),
    "put_maintenance_of_mark": Decimal("0.075"),
    "future_initial": Decimal("0.02"),
    "future_initial_slope": Decimal(0),
    "future_maintenance": Decimal("0.01"),
    "future_maintenance_slope": Decimal(0),
    "collateral_haircut": Decimal(0),
}
SPAN_ASKS = QualificationNumbers(
    model="span",
    equity_to_enter=100_000 * MICRO,
    equity_to_remain=75_000 * MICRO,
    experience_tier_min=1,
    grace_ns=GRACE_NS,
    fallback="cross",
    liquidation_grace_ns=LIQUIDATION_GRACE_NS,
)
FUTURES_ONLY = QualificationNumbers(
    model="cross", kinds=("future", "perpetual"), underlyings=("BTC",)
)


def cross_model(**changes: Decimal) -> MarginModel:
    return model("cross", {"BTC": {**CROSS, **changes}})


def cross_model_of(underlying: str) -> MarginModel:
    return model("cross", {underlying: CROSS})


def terms(*asked: QualificationNumbers, cross: MarginModel | None = None) -> Terms:
    return Terms(
        model=small_model(),
        tiers=FEE_TIERS,
        policy=PolicyNumbers(qualifications=asked),
        others={"cross": cross or cross_model()},
    )


def regime_desk(*asked: QualificationNumbers) -> SmallDesk:
    """The small market listed and priced, under span and cross."""
    state, of_now = ShardState(), terms(*asked)
    made: list[SmallDesk] = []
    shard = Shard(
        state,
        Market(of_now.model, state.table, others=of_now.others),
        lambda seq: made[0].events()[seq - 1].body,
    )
    desk = SmallDesk(Desk(shard, AGE_LIMITS))
    made.append(desk)
    of_now.bring_into_force(shard, desk.now_ns)
    view = shard.market.planned_listing(INSTRUMENTS)
    shard.record(InstrumentsListed(instruments=INSTRUMENTS), desk.now_ns)
    shard.market.view = view
    desk.quote()
    return desk


def change(
    desk: SmallDesk,
    model_name: str,
    *,
    is_forced: bool = False,
    request_id: str = "",
    digest: str = "d",
) -> RegimeAnswer:
    """Margin account a by a model."""
    command = RegimeCommand(
        account="a",
        model=model_name,
        request_id=request_id or desk.fresh_id(),
        digest=digest,
        is_forced=is_forced,
        reason="why" if is_forced else "",
    )
    return desk.desk.regimes.set_regime(command, desk.now_ns)[0]


def experienced(desk: SmallDesk, tier: int = 1) -> None:
    desk.desk.regimes.set_experience("a", tier, desk.fresh_id(), "d", desk.now_ns)
