"""European options on a spot price with a continuous yield: Black-76 on the forward, discounted.

Source: R. Merton, "Theory of rational option pricing", 1973.
"""

import numpy as np

from margingate_engine.core.arrays import FloatArray
from margingate_engine.pricing import black76
from margingate_engine.pricing.binomial import Carry, Options


def value(spot: FloatArray, options: Options, vol: FloatArray, *, carry: Carry) -> FloatArray:
    """Value in the currency of spot, >= 0, of the arguments' broadcast shape.

    spot > 0, vol per year >= 0. At vol * sqrt(tau) = 0 what the forward is worth beyond the strike,
    discounted.
    """
    strike, tau_years, is_call = options
    forward = spot * np.exp(carry.net * tau_years)
    undiscounted = black76.value(forward, strike, vol, tau_years, is_call)
    return np.asarray(np.exp(-carry.rate * tau_years) * undiscounted)
