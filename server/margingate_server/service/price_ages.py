"""How old the prices of a market are, underlying by underlying, and whether any order may pass."""

from typing import NamedTuple

import numpy as np

from margingate_engine.core.amounts import NANO
from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray
from margingate_server.service.clock_steps import CLOCK_BACK_NS_MAX
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.market import MarketView


class MarkAges(NamedTuple):
    """Ages of instruments' own prices, seconds; infinite for what never had one.

    median: of an even number the younger of the two, so that above a limit more than half are.
    """

    median: float
    oldest: float


def index_ages(view: MarketView, now_ns: int) -> dict[str, float]:
    """Seconds since the index of each margined underlying was received; infinite before that."""
    names, is_margined_u = view.table.underlyings, _is_margined_u(view)
    age_u = _age_seconds(view.snapshot.observed_ns_u, now_ns)
    return {
        name: age
        for name, age, is_margined in zip(
            names, age_u.tolist(), is_margined_u.tolist(), strict=True
        )
        if is_margined
    }


def mark_ages(view: MarketView, now_ns: int) -> dict[str, MarkAges]:
    """Ages of what is listed, not expired and has a price of its own, by margined underlying."""
    table = view.table
    age_i = _age_seconds(view.snapshot.observed_ns_i, now_ns)
    has_mark_i = _has_mark_i(view)
    found = {}
    for number, name in enumerate(table.underlyings):
        age_m = np.sort(age_i[has_mark_i & (table.underlying_i == number)])
        if len(age_m):
            found[name] = MarkAges(float(age_m[(len(age_m) - 1) // 2]), float(age_m[-1]))
    return found


def is_decidable(view: MarketView, now_ns: int, limits: AgeLimits) -> bool:
    """Whether prices are recent enough for some order, spot apart where there is anything else."""
    table, snapshot = view.table, view.snapshot
    age_u = _age_seconds(snapshot.observed_ns_u, now_ns)
    is_recent_u = _is_margined_u(view) & (age_u <= limits.underlying_ns_max / NANO)
    has_mark_i = _has_mark_i(view)
    if not has_mark_i.any():
        return bool(is_recent_u.any())
    is_recent_i = _age_seconds(snapshot.observed_ns_i, now_ns) <= limits.instrument_ns_max / NANO
    return bool((has_mark_i & is_recent_i & is_recent_u[table.underlying_i]).any())


def _has_mark_i(view: MarketView) -> BoolArray:
    """Bool over rows: is margined, no spot, and not expired."""
    table = view.table
    is_margined_i = _is_margined_u(view)[table.underlying_i]
    has_expired_i = view.snapshot.has_expired_i(table)
    return np.asarray(is_margined_i & ~table.is_spot_i & ~has_expired_i)


def _is_margined_u(view: MarketView) -> BoolArray:
    unmodelled = view.arrays.unmodelled
    return np.array([name not in unmodelled for name in view.table.underlyings], dtype=np.bool_)


def _age_seconds(observed_ns: IntArray, now_ns: int) -> FloatArray:
    """Element by element what `freshness.age_seconds` says."""
    age_ns = now_ns - observed_ns
    is_unknown = (observed_ns < 0) | (age_ns < -CLOCK_BACK_NS_MAX)
    return np.where(is_unknown, np.inf, np.maximum(age_ns, 0) / NANO)
