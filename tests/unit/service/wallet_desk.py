"""A small desk whose accounts have wallets for their positions, or are in cross."""

from decimal import Decimal

from margingate_engine.core.amounts import MICRO
from margingate_engine.models.registry import model
from margingate_server.ledger.events import InstrumentsListed
from margingate_server.ledger.numbers import PolicyNumbers, QualificationNumbers
from margingate_server.ledger.state import ShardState
from margingate_server.service.desk import Desk
from margingate_server.service.market import Market
from margingate_server.service.shard import Shard
from margingate_server.service.terms import Terms
from tests.unit.engine.models.cross.standard_market import STANDARD
from tests.unit.engine.small_market import INSTRUMENTS
from tests.unit.service.regime_desk import GRACE_NS
from tests.unit.service.small_desk import AGE_LIMITS, FEE_TIERS, SmallDesk

CROSS_ASKS = QualificationNumbers(
    model="cross",
    equity_to_enter=10**17,
    equity_to_remain=10**17,
    grace_ns=GRACE_NS,
    fallback="isolated",
)
"""More than anybody has: who is made to be in cross falls back from it."""


def wallet_terms(*asked: QualificationNumbers) -> Terms:
    """Accounts open under isolated, without slopes, and may be in cross."""
    flat = {**STANDARD, "future_initial_slope": Decimal(0), "future_maintenance_slope": Decimal(0)}
    return Terms(
        model=model("isolated", {"BTC": flat}),
        tiers=FEE_TIERS,
        policy=PolicyNumbers(qualifications=asked),
        others={"cross": model("cross", {"BTC": flat})},
    )


def wallet_desk(*asked: QualificationNumbers) -> SmallDesk:
    """The small market listed and priced."""
    of_now, state = wallet_terms(*asked), ShardState()
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


def move(
    desk: SmallDesk, name: str, amount: str, *, request_id: str = "", digest: str = "d"
) -> Decimal | int:
    """The wallet of a position of account a, in USD, after a move."""
    wallet, _ = desk.desk.wallets.move(
        "a", name, Decimal(amount), request_id or desk.fresh_id(), digest, desk.now_ns
    )
    return Decimal(wallet) / MICRO


def wallet(desk: SmallDesk, name: str) -> Decimal | int:
    """The wallet of a position of account a, in USD."""
    return Decimal(desk.account().portfolio.wallets.get(desk.row(name), 0)) / MICRO
