"""Black-76 without discounting: value and forward delta of European options on a forward.

Source: F. Black, "The pricing of commodity contracts", 1976; methodology SPAN-03 and SPAN-10.
"""

import numpy as np
from scipy.special import ndtr

from margingate_engine.core.arrays import BoolArray, FloatArray


def value(
    forward: FloatArray,
    strike: FloatArray,
    vol: FloatArray,
    tau_years: FloatArray,
    is_call: BoolArray,
) -> FloatArray:
    """Undiscounted value in the currency of the forward, >= 0, of the arguments' broadcast shape.

    forward, strike > 0; vol per year >= 0; tau in years >= 0. At vol * sqrt(tau) = 0 the intrinsic
    value. The out-of-the-money option is valued and parity gives the other, so that deep wings keep
    their digits.
    """
    deviation = vol * np.sqrt(tau_years)
    intrinsic = np.maximum(np.where(is_call, forward - strike, strike - forward), 0.0)
    lives = deviation > 0
    safe_deviation = np.where(lives, deviation, 1.0)
    distance = np.log(forward / strike) / safe_deviation
    upper, lower = distance + 0.5 * safe_deviation, distance - 0.5 * safe_deviation
    wing_is_call = forward <= strike
    wing_call = forward * ndtr(upper) - strike * ndtr(lower)
    wing_put = strike * ndtr(-lower) - forward * ndtr(-upper)
    time_value = np.maximum(np.where(wing_is_call, wing_call, wing_put), 0.0)
    return np.asarray(intrinsic + np.where(lives, time_value, 0.0))


def forward_delta(
    forward: FloatArray,
    strike: FloatArray,
    vol: FloatArray,
    tau_years: FloatArray,
    is_call: BoolArray,
) -> FloatArray:
    """Derivative of `value` by the forward: N(d1) for calls, N(d1) - 1 for puts.

    At vol * sqrt(tau) = 0 a step: 1 or -1 in the money, 0 elsewhere.
    """
    deviation = vol * np.sqrt(tau_years)
    lives = deviation > 0
    safe_deviation = np.where(lives, deviation, 1.0)
    upper = np.log(forward / strike) / safe_deviation + 0.5 * safe_deviation
    smooth = np.where(is_call, ndtr(upper), -ndtr(-upper))
    step = np.where(is_call, forward > strike, -1.0 * (forward < strike))
    return np.asarray(np.where(lives, smooth, step))
