"""Rounding of the contract: down, up, and both after allowing for the noise of float64."""

import math
from fractions import Fraction

MICRO, NANO, PICO = 10**6, 10**9, 10**12
NOISE = Fraction(1, 10_000)


def down(value: Fraction) -> int:
    """Largest integer not above `value`."""
    return math.floor(value)


def up(value: Fraction) -> int:
    """Smallest integer not below `value`."""
    return math.ceil(value)


def down_star(value: Fraction) -> int:
    """`down` after adding 1e-4 of a unit."""
    return math.floor(value + NOISE)


def up_star(value: Fraction) -> int:
    """`up` after taking off 1e-4 of a unit."""
    return math.ceil(value - NOISE)


def rint(value: Fraction) -> int:
    """Nearest integer, halves to even."""
    return round(value)


def nano(value: float) -> Fraction:
    """The multiple of 1e-9 nearest to a double."""
    return Fraction(round(Fraction(value) * NANO), NANO)
