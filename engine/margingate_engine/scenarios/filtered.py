"""Filtered history: past surprises at today's volatility. [VAR-04]"""

import numpy as np

from margingate_engine.core.arrays import FloatArray
from margingate_engine.statistics.ewma import WARM_UP_DAYS, forecast_vols


def filtered(
    change_tf: FloatArray, *, decay: float, ratio_floor: float, ratio_cap: float
) -> FloatArray:
    """Changes after the warm-up, each times tomorrow's volatility over the one forecast for it.

    (T - WARM_UP_DAYS, F), every factor by its own volatility. The ratio stays within floor and cap;
    it is 1 where a factor had no volatility.
    """
    vol_tf = forecast_vols(change_tf, decay)
    then_tf, tomorrow_f = vol_tf[:-1], vol_tf[-1]
    moved_tf = then_tf > 0
    ratio_tf = np.where(moved_tf, tomorrow_f[None, :] / np.where(moved_tf, then_tf, 1.0), 1.0)
    return np.asarray(change_tf[WARM_UP_DAYS:] * np.clip(ratio_tf, ratio_floor, ratio_cap))
