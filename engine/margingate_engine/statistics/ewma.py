"""Exponentially weighted volatility and covariance of returns without drift. [VAR-04, VAR-05]"""

from itertools import accumulate

import numpy as np

from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.errors import InvalidInput

WARM_UP_DAYS = 30
"""Returns whose mean square starts the recursion; they have no volatility of their own."""


def forecast_vols(return_tf: FloatArray, decay: float) -> FloatArray:
    """Volatility forecasts of the days after the warm-up and of the day after the last, (T', F).

    Row n is the forecast of return WARM_UP_DAYS + n and knows only returns before it;
    T' = T - WARM_UP_DAYS + 1. InvalidInput when there is no return beyond the warm-up. [VAR-04]
    """
    if len(return_tf) <= WARM_UP_DAYS:
        raise InvalidInput("returns", f"must be more than {WARM_UP_DAYS}")
    square_tf = return_tf * return_tf
    first_f = square_tf[:WARM_UP_DAYS].mean(axis=0)
    columns = [
        list(
            accumulate(
                square_tf[WARM_UP_DAYS:, factor].tolist(),
                lambda variance, square: decay * variance + (1.0 - decay) * square,
                initial=float(first_f[factor]),
            )
        )
        for factor in range(return_tf.shape[1])
    ]
    return np.asarray(np.sqrt(np.array(columns).T))


def covariance(return_tf: FloatArray, decay: float) -> FloatArray:
    """Covariance of one day, (F, F), mean taken as zero; the newest return weighs most.

    Weights decay**age, scaled to sum to one; equal at decay 1. [VAR-05]
    """
    age_t = np.arange(len(return_tf) - 1, -1, -1, dtype=np.float64)
    weight_t = decay**age_t
    weighted_tf = return_tf * (weight_t / weight_t.sum())[:, None]
    return np.asarray(weighted_tf.T @ return_tf)
