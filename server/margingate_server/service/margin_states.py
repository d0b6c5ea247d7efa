"""An account's margin state at this instant, and by which policy states are published."""

from dataclasses import dataclass
from functools import lru_cache

from margingate_engine.core.risk import Risk
from margingate_engine.models.strain import largest_strain_ppm
from margingate_engine.monitoring.publishing import Publishing, Standing
from margingate_engine.monitoring.states import Bounds, MarginState, state_of
from margingate_server.ledger.numbers import MonitoringNumbers
from margingate_server.ledger.state import AccountState
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.holdings_range import known_risk
from margingate_server.service.shard import AccountView


@lru_cache(maxsize=8)
def publishing_of(numbers: MonitoringNumbers) -> Publishing:
    """The policy that the engine applies; InvalidInput names what contradicts itself."""
    return Publishing(
        entering=Bounds(ratio_ppm=numbers.ratio_ppm, headroom_ppm=numbers.headroom_ppm),
        leaving=Bounds(
            ratio_ppm=numbers.ratio_to_leave_ppm,
            headroom_ppm=numbers.headroom_to_leave_ppm,
            gap_ppm=numbers.gap_ppm,
        ),
        warning_ns=numbers.warning_ns,
        leaving_ns=numbers.leaving_ns,
        unknown_ns=numbers.unknown_ns,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """How an account stands now. risk: of its positions, None where it is not known.

    strain_ppm: the largest of a position, 0 where they have no wallets. [MON-15]
    """

    risk: Risk | None
    standing: Standing
    strain_ppm: int = 0

    @property
    def state(self) -> MarginState:
        """The state by the figures of this instant: what orders and answers go by."""
        return self.standing.entering


NOT_KNOWN = Instant(risk=None, standing=Standing(MarginState.UNKNOWN, MarginState.UNKNOWN))


def instant_of(
    account: AccountState,
    view: AccountView,
    numbers: MonitoringNumbers,
    age_limits: AgeLimits,
    now_ns: int,
) -> Instant:
    """How an account stands under a view of it; unknown without prices fit for all it has. [MON-05]

    By this alone what orders and answers say of it, whatever was published before.
    """
    if view.oldest.unfit(now_ns, age_limits) is not None or known_risk(view) is None:
        return NOT_KNOWN
    assert view.risk is not None, "an account without prices has a margin"
    strain = largest_strain_ppm(view.risk)
    return instant_of_risk(account, view.risk.positions_risk, strain, numbers, now_ns)


def instant_of_risk(
    account: AccountState,
    risk: Risk,
    strain_ppm: int,
    numbers: MonitoringNumbers,
    now_ns: int,
) -> Instant:
    """How an account stands with this margin of its positions. [MON-01, MON-06, MON-15]"""
    publishing = publishing_of(numbers)
    both = (publishing.entering, publishing.leaving)
    standing = Standing(*(state_of(risk, bounds, strain_ppm) for bounds in both))
    if account.liquidation_not_before_ns > now_ns:
        standing = Standing(*(min(each, MarginState.MARGIN_CALL) for each in standing))
    return Instant(risk=risk, standing=standing, strain_ppm=strain_ppm)
