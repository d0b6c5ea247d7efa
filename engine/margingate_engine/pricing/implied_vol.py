"""The vol that a price implies: European on a forward to the last digits, American by its tree."""

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.special import erfcx, erfinv

from margingate_engine.core.errors import InvalidInput
from margingate_engine.pricing import binomial
from margingate_engine.pricing.binomial import Carry, Options, Tree

VOL_MAX = 10.0
"""No price is looked for at a higher vol than 1000 % per year."""

_ROOT_TWO = math.sqrt(2.0)
_DIGITS = 4.0 * float(np.finfo(np.float64).eps)
_DEVIATION_MAX = 100.0
"""Of the log price; the value there is the upper bound to the last digit."""


def black76_vol(
    price: float, forward: float, strike: float, tau_years: float, *, is_call: bool
) -> float:
    """Vol per year at which the undiscounted Black-76 value is `price`; 0 at the intrinsic value.

    forward, strike, tau > 0. InvalidInput("price") below the intrinsic value, and at or above the
    forward (calls) or the strike (puts), which no vol reaches.
    """
    intrinsic = max(forward - strike if is_call else strike - forward, 0.0)
    if not price >= intrinsic:
        raise InvalidInput("price", "is below the intrinsic value")
    if price >= (forward if is_call else strike):
        raise InvalidInput("price", "is above what any vol gives")
    time_value = (price - intrinsic) / math.sqrt(forward * strike)
    return deviation_of(time_value, math.log(forward / strike)) / math.sqrt(tau_years)


def deviation_of(time_value: float, moneyness: float) -> float:
    """Standard deviation of the log price that gives an out-of-the-money option its value.

    time_value: over sqrt(forward x strike), in [0, exp(-|moneyness| / 2)). moneyness: log(forward /
    strike), either side. Solved in logarithms, so that 1e-300 has as many digits as 0.1.
    """
    distance = abs(moneyness)
    if time_value == 0.0:
        return 0.0
    if distance == 0.0:
        return 2.0 * _ROOT_TWO * float(erfinv(time_value))
    target = math.log(time_value)

    def excess(deviation: float) -> float:
        return _log_value(distance, deviation) - target

    low = high = math.sqrt(2.0 * distance)
    while excess(low) > 0.0:
        low /= 2.0
    while excess(high) < 0.0:
        high *= 2.0
        if high > _DEVIATION_MAX:
            raise InvalidInput("price", "is above what any vol gives")
    return _root(excess, low, high)


def _log_value(distance: float, deviation: float) -> float:
    """Logarithm of the normalised value of the option out of the money by `distance`.

    P. Jaeckel, "Let's be rational", 2015: a scaled complementary error function takes the factor
    out that would underflow.
    """
    steps, half = distance / deviation, deviation / 2.0
    scaled = erfcx((steps - half) / _ROOT_TWO) - erfcx((steps + half) / _ROOT_TWO)
    if not scaled > 0.0:
        return -math.inf
    return -(steps * steps + half * half) / 2.0 + math.log(float(scaled) / 2.0)


def tree_vol(price: float, spot: float, option: Options, *, carry: Carry, tree: Tree) -> float:
    """Vol per year at which the tree's value of one option is `price`; tau > 0.

    The smallest where several do, as where early exercise is certain. InvalidInput("price") below
    what the option is worth without any movement and above what the largest vol makes of it.
    """

    def excess(vol: float) -> float:
        value = binomial.value(np.array(spot), option, np.array(vol), carry=carry, tree=tree)
        return float(value) - price

    tau_years = float(option.tau_years)
    largest = min(VOL_MAX, tree.vol_max(tau_years))
    smallest = max(tree.vol_min(tau_years, carry.net) * (1.0 + 1e-9), 1e-6)
    if smallest >= largest:
        raise InvalidInput("price", "has no vol that the tree can take")
    if abs(excess(smallest)) <= _DIGITS * spot:
        return smallest
    if not excess(smallest) < 0.0:
        raise InvalidInput("price", "is below the value without movement")
    if excess(largest) < 0.0:
        raise InvalidInput("price", "is above what any vol gives")
    return _root(excess, smallest, largest)


def _root(excess: Callable[[float], float], low: float, high: float) -> float:
    return float(brentq(excess, low, high, xtol=1e-300, rtol=_DIGITS, maxiter=500))
