"""The door from float64 to the integers of risk features. [SPAN-04]"""

import numpy as np

from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray, read_only
from margingate_engine.core.errors import ModelFailure

NOISE_UNITS = 1e-4
"""Float64 noise of a feature, in units; an amount this close to a unit counts as that unit."""

_UNITS_MAX = 2.0**62


def fits(amount: FloatArray) -> BoolArray:
    """Bool per amount in units: it is finite and has an integer of the range."""
    return np.asarray(np.abs(amount) < _UNITS_MAX)  # also false for NaN


def units_down(amount: FloatArray) -> IntArray:
    """Amounts in units, rounded down; ModelFailure when one is not finite or too large."""
    return _integers(np.floor(amount + NOISE_UNITS))


def units_up(amount: FloatArray) -> IntArray:
    """Amounts in units, rounded up; ModelFailure when one is not finite or too large."""
    return _integers(np.ceil(amount - NOISE_UNITS))


def units_nearest(amount: FloatArray) -> IntArray:
    """Amounts in units, to the nearest, ties to even; ModelFailure as above."""
    return _integers(np.rint(amount))


def _integers(amount: FloatArray) -> IntArray:
    if not fits(amount).all():
        raise ModelFailure("a risk feature is out of range")
    return read_only(np.ascontiguousarray(amount, dtype=np.int64))
