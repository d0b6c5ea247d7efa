"""Many products of integers, each divided and rounded down exactly."""

import numpy as np
from numpy.typing import NDArray

FLOAT_WHOLE_MAX = 2.0**50
"""Quotients below it are floats first; where these are near no whole number, they round right."""

FLOAT_ERROR = 1e-15
"""Relative, of three roundings."""

WHOLE_MAX = 2**62
"""Largest quotient, either way; what is beyond becomes it."""


def floor_products(value_n: NDArray[np.int64], factor: int, divisor: int) -> NDArray[np.int64]:
    """Value x factor / divisor, rounded down, within +-WHOLE_MAX. divisor > 0."""
    near_n = value_n * (factor / divisor)
    in_doubt_n = np.abs(near_n - np.rint(near_n)) <= FLOAT_ERROR * np.abs(near_n)
    in_doubt_n |= np.abs(near_n) >= FLOAT_WHOLE_MAX
    in_doubt_n &= near_n != 0
    floor_n = np.floor(np.where(in_doubt_n, 0.0, near_n)).astype(np.int64)
    for place in np.flatnonzero(in_doubt_n).tolist():
        exact = int(value_n[place]) * factor // divisor
        floor_n[place] = min(max(exact, -WHOLE_MAX), WHOLE_MAX)
    return floor_n
