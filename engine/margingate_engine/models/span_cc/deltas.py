"""Deltas by period that spreads use up. [SCC-06]"""

from collections.abc import Mapping
from fractions import Fraction

from margingate_engine.core.amounts import NANO

Place = tuple[int, int]
"""First and last period of a tier, or one period twice."""


class Deltas:
    """Deltas of one combined commodity that are left, long positive, as exact fractions."""

    def __init__(self, delta_by_period: Mapping[int, int]) -> None:
        """Start with composite deltas in 1e-9 by period."""
        self.left = {
            period: Fraction(delta, NANO) for period, delta in sorted(delta_by_period.items())
        }
        self.used: dict[int, Fraction] = dict.fromkeys(self.left, Fraction(0))

    def available(self, place: Place, sign: int) -> Fraction:
        """Deltas of one sign (1 long, -1 short) in a place, as a positive number."""
        first, last = place
        return sum(
            (
                sign * delta
                for period, delta in self.left.items()
                if first <= period <= last and sign * delta > 0
            ),
            Fraction(0),
        )

    def consume(self, place: Place, sign: int, amount: Fraction) -> None:
        """Take up to what is available, from the earliest period on. [SCC-06]"""
        first, last = place
        for period, delta in self.left.items():
            if amount <= 0:
                return
            if first <= period <= last and sign * delta > 0:
                taken = min(amount, sign * delta)
                self.left[period] = delta - sign * taken
                self.used[period] += taken
                amount -= taken
        assert amount <= 0, "no more is consumed than is there"

    @property
    def net_left(self) -> Fraction:
        """Sum of what is left, signed."""
        return sum(self.left.values(), Fraction(0))
