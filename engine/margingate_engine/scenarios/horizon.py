"""From changes of one day to changes of several. [VAR-02]"""

from enum import Enum

import numpy as np

from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.errors import InvalidInput


class HorizonRule(Enum):
    """Sums of neighbouring days, which overlap and so depend on each other, or sqrt(days)."""

    OVERLAPPING = "overlapping"
    SQUARE_ROOT = "square_root"


def over_horizon(change_tf: FloatArray, days: int, rule: HorizonRule) -> FloatArray:
    """Log changes over `days` days, (S, F): S = T - days + 1 overlapping sums, or S = T scaled."""
    if rule is HorizonRule.SQUARE_ROOT:
        return np.asarray(change_tf * np.sqrt(days))
    if len(change_tf) < days:
        raise InvalidInput("returns", f"must be {days} days at least")
    windows_tfd = np.lib.stride_tricks.sliding_window_view(change_tf, days, axis=0)
    return np.asarray(windows_tfd.sum(axis=-1))
