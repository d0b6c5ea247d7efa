"""When prices were received, after the server's clock was set back."""

from dataclasses import replace

import numpy as np

from margingate_engine.core.amounts import NANO
from margingate_engine.core.arrays import IntArray, read_only
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable

CLOCK_BACK_NS_MAX = NANO
"""A price received later than now by more than this was received before the clock stepped back."""


def stepped(table: InstrumentTable, snapshot: MarketSnapshot, step_ns: int) -> MarketSnapshot:
    """The snapshot with every price as old by the clock as it is set now as it was before.

    What has expired was received by the clock of then: how old it was when it expired stays.
    """
    has_expired_i = snapshot.has_expired_i(table)
    stepped_i = _stepped(snapshot.observed_ns_i, step_ns)
    return replace(
        snapshot,
        observed_ns_i=read_only(np.where(has_expired_i, snapshot.observed_ns_i, stepped_i)),
        observed_ns_u=read_only(_stepped(snapshot.observed_ns_u, step_ns)),
    )


def aged(table: InstrumentTable, snapshot: MarketSnapshot, now_ns: int) -> MarketSnapshot:
    """The snapshot; what was received before the clock stepped back is as old as can be.

    Left as it is, it would be fresh again when the clock comes to where it was. What has expired
    does not age any more.
    """
    latest_ns = now_ns + CLOCK_BACK_NS_MAX
    observed_i, observed_u = snapshot.observed_ns_i, snapshot.observed_ns_u
    is_later_i = (observed_i > latest_ns) & ~snapshot.has_expired_i(table)
    if not (is_later_i.any() or (observed_u > latest_ns).any()):
        return snapshot
    return replace(
        snapshot,
        observed_ns_i=read_only(np.where(is_later_i, 0, observed_i)),
        observed_ns_u=read_only(np.where(observed_u > latest_ns, 0, observed_u)),
    )


def _stepped(observed_ns: IntArray, step_ns: int) -> IntArray:
    """Times by the clock as it is set now; never stays never."""
    return np.where(observed_ns >= 0, np.maximum(0, observed_ns + step_ns), observed_ns)
