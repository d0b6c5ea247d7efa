"""What a watcher sees of an account: taken between two decisions, worked out beside them."""

from dataclasses import dataclass

from margingate_engine.check.decide import Worst, worst_of
from margingate_engine.core.errors import MissingData, ModelFailure
from margingate_engine.core.risk import Risk
from margingate_engine.models.strain import largest_strain_ppm
from margingate_engine.monitoring.states import MarginState, margin_ratio
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import Portfolio
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_server.ledger.numbers import MonitoringNumbers
from margingate_server.ledger.state import AccountState
from margingate_server.service.freshness import AgeLimits, Oldest, oldest_of_portfolio
from margingate_server.service.holdings_range import BEYOND_RANGE
from margingate_server.service.margin_states import instant_of_risk
from margingate_server.service.market import MarketView
from margingate_server.service.shard import Shard


@dataclass(frozen=True, slots=True, eq=False)
class Standpoint:
    """What a margin depends on. version: of the account's last event.

    arrays: of the model that accounts open under; those of other models change with them.
    """

    version: int
    arrays: RiskArrays

    def is_same(self, other: "Standpoint | None") -> bool:
        """True when the margin cannot differ; compares no numbers."""
        return other is not None and self.version == other.version and self.arrays is other.arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """An account as it is at one instant, to be worked out beside the decisions.

    account: goes on to change. portfolio, risk: copies; without a risk at hand it is worked out.
    published: the margin state. numbers: where margin states begin. missing: the model that is not
    there, or "".
    """

    account: AccountState
    standpoint: Standpoint
    view: MarketView
    oldest: Oldest
    published: MarginState
    numbers: MonitoringNumbers
    portfolio: Portfolio
    risk: AccountRisk | None
    missing: str

    def is_stale(self, now_ns: int, age_limits: AgeLimits) -> bool:
        """True when prices are too old to decide by."""
        return self.oldest.stale_subject(now_ns, age_limits) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The margin of an account, or what is missing for it; amounts as of Risk.

    risk: open orders at their worst fills. positions: of the positions alone, and strain_ppm the
    largest of one, 0 where they have no wallets.
    """

    risk: Risk | None = None
    positions: Risk | None = None
    strain_ppm: int = 0
    worst: tuple[Worst, ...] = ()
    is_exact: bool = True
    missing: str = ""

    @property
    def ratio(self) -> float | None:
        """Margin ratio of the positions; None while it is not known. [MON-03]"""
        return None if self.positions is None else margin_ratio(self.positions, self.strain_ppm)


def standpoint(shard: Shard, account: AccountState) -> Standpoint:
    """What the account's margin depends on now."""
    return Standpoint(account.version, shard.market.view.arrays)


def glance(shard: Shard, account: AccountState) -> Glance:
    """The account as it is now. Costs what copying its holdings costs."""
    view, missing = shard.market.view, ""
    risk: AccountRisk | None = None
    try:
        view = view.under(account.model)
    except MissingData as unknown:
        missing = unknown.subject
    if not missing and shard.has_view(account.account):
        cached = shard.view_of(account).risk
        risk = None if cached is None else cached.copied()
    return Glance(
        account=account,
        standpoint=standpoint(shard, account),
        view=view,
        oldest=oldest_of_portfolio(view, account.portfolio),
        published=account.margin_state,
        numbers=shard.state.policy.monitoring,
        portfolio=account.portfolio.copied(),
        risk=risk,
        missing=missing,
    )


def figures(seen: Glance) -> Figures:
    """The margin of what was seen."""
    if seen.missing:
        return Figures(missing=seen.missing)
    try:
        risk = seen.risk or AccountRisk.of(seen.portfolio, seen.view.arrays)
        requirements = risk.requirements()
        return Figures(
            risk=risk.risk,
            positions=risk.positions_risk,
            strain_ppm=largest_strain_ppm(risk),
            worst=tuple(worst_of(requirements)),
            is_exact=all(each.is_exact for each in requirements),
        )
    except MissingData as missing:
        return Figures(missing=missing.subject)
    except ModelFailure:
        return Figures(missing=BEYOND_RANGE)


def state_now(seen: Glance, figures: Figures, now_ns: int, age_limits: AgeLimits) -> MarginState:
    """State of the account by its positions' figures; unknown without fit prices. [MON-05]"""
    positions, strain_ppm = figures.positions, figures.strain_ppm
    if positions is None or seen.oldest.unfit(now_ns, age_limits) is not None:
        return MarginState.UNKNOWN
    return instant_of_risk(seen.account, positions, strain_ppm, seen.numbers, now_ns).state
