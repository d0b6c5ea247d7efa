"""Time in which variance accrues: weekends count less, every whole week counts seven days."""

from typing import Final

import numpy as np

from margingate_engine.core.arrays import FloatArray, IntArray
from margingate_engine.core.times import DAY_NS

_MONDAY_SHIFT_DAYS: Final = 3
"""The first of January 1970 was a Thursday: three days after a Monday."""


def variance_days(from_ns: int, until_ns_e: IntArray, weekend_weight: float) -> FloatArray:
    """Days of variance (E,) from one instant to others; negative where they lie before it.

    weekend_weight: what an hour of Saturday or Sunday (UTC) counts of a weekday's hour, in (0, 1].
    """
    return _since_monday(until_ns_e, weekend_weight) - _since_monday(
        np.array([from_ns], dtype=np.int64), weekend_weight
    )


def _since_monday(instant_ns_e: IntArray, weekend_weight: float) -> FloatArray:
    """Days of variance (E,) since the Monday before 1970."""
    days_e = instant_ns_e / DAY_NS + _MONDAY_SHIFT_DAYS
    weeks_e = np.floor(days_e / 7)
    into_week_e = days_e - 7 * weeks_e
    weekday_rate = 7 / (5 + 2 * weekend_weight)
    weekdays_e = np.minimum(into_week_e, 5.0)
    weighted_e = weekdays_e + weekend_weight * (into_week_e - weekdays_e)
    return np.asarray(7 * weeks_e + weekday_rate * weighted_e)
