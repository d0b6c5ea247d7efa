"""Which prices of a market may be relied on now, all of them at once."""

import numpy as np

from margingate_engine.core.arrays import BoolArray, IntArray
from margingate_engine.revaluation.revalue import UsablePrices
from margingate_server.service.clock_steps import CLOCK_BACK_NS_MAX
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.market import MarketView


def usable_prices(view: MarketView, now_ns: int, limits: AgeLimits) -> UsablePrices:
    """Those that are not too old and not in doubt: what freshness.Oldest says of each by itself.

    Spot has no price but the index, and what has expired keeps its last one as old as it was then.
    """
    table, snapshot = view.table, view.snapshot
    has_expired_i, observed_ns_i = snapshot.has_expired_i(table), snapshot.observed_ns_i
    is_recent_i = _is_recent(observed_ns_i, now_ns, limits.instrument_ns_max)
    was_recent_i = table.expiry_ns_i - observed_ns_i <= limits.instrument_ns_max
    was_recent_i |= observed_ns_i < 0
    is_recent_u = _is_recent(snapshot.observed_ns_u, now_ns, limits.underlying_ns_max)
    return UsablePrices(
        is_usable_i=np.where(has_expired_i, was_recent_i, is_recent_i | table.is_spot_i)
        & (snapshot.doubt_i == 0),
        is_usable_u=is_recent_u & (snapshot.doubt_u == 0),
    )


def _is_recent(observed_ns: IntArray, now_ns: int, limit_ns: int) -> BoolArray:
    age_ns = now_ns - observed_ns
    return np.asarray((observed_ns >= 0) & (age_ns >= -CLOCK_BACK_NS_MAX) & (age_ns <= limit_ns))
