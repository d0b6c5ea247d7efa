"""Many products of integers, each divided and rounded down exactly."""

from math import gcd

import numpy as np

from margingate_engine.core.arrays import IntArray

FLOAT_WHOLE_MAX = 2.0**50
"""Quotients below it are floats first, which are then less than 2 off."""

FLOAT_ERROR = 1e-15
"""Relative, of three roundings."""

DIVISOR_MAX = 2**61
"""Up to it four divisors fit an int64: a remainder that wraps around is still known."""

WHOLE_MAX = 2**62
"""Largest quotient, either way; what is beyond becomes it."""


def floor_products(value_n: IntArray, factor: int, divisor: int) -> IntArray:
    """Values x factor / divisor, rounded down, within +-WHOLE_MAX. divisor > 0."""
    common = gcd(factor, divisor)
    factor, divisor = factor // common, divisor // common
    near_n = value_n * (factor / divisor)
    floor_n = np.floor(near_n)
    in_doubt_n = np.abs(near_n - np.rint(near_n)) <= FLOAT_ERROR * np.abs(near_n)
    is_large_n = np.abs(near_n) >= FLOAT_WHOLE_MAX
    floor_n[is_large_n] = 0.0
    whole_n = floor_n.astype(np.int64)
    doubted = np.flatnonzero(in_doubt_n & ~is_large_n & (near_n != 0))
    if len(doubted) and divisor <= DIVISOR_MAX:
        rest_n = value_n[doubted] * _wrapped(factor) - whole_n[doubted] * divisor
        whole_n[doubted] += rest_n // divisor
        doubted = doubted[:0]
    for place in (*doubted.tolist(), *np.flatnonzero(is_large_n).tolist()):
        exact = int(value_n[place]) * factor // divisor
        whole_n[place] = min(max(exact, -WHOLE_MAX), WHOLE_MAX)
    return np.asarray(whole_n)


def _wrapped(factor: int) -> IntArray:
    """The factor, alone in an array, as products that wrap around take it."""
    return np.array([factor % 2**64], dtype=np.uint64).view(np.int64)
