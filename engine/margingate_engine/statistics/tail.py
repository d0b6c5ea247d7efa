"""Tails of integer P&L: value at risk and expected shortfall, exactly. [VAR-08, VAR-09]

Confidences are Decimal and ranks are worked out in fractions: in floats `floor(100 * (1 - 0.9))`
is 9.
"""

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

import numpy as np

from margingate_engine.core.arrays import IntArray
from margingate_engine.core.errors import InvalidInput


def tail_size(count: int, confidence: Decimal) -> Fraction:
    """Number of scenarios beyond the confidence, N (1 - a); InvalidInput unless 0 < a < 1."""
    if not 0 < confidence < 1:
        raise InvalidInput("confidence", "must lie between 0 and 1")
    return count * (1 - Fraction(confidence))


def value_at_risk(pnl_s: IntArray, confidence: Decimal) -> int:
    """The k-th largest loss, k = floor(N (1 - a)) + 1, in the unit of the P&L; a gain is negative.

    [VAR-08]
    """
    rank = floor(tail_size(len(pnl_s), confidence)) + 1
    return _largest_losses(pnl_s, rank)[-1]


def interpolated_value_at_risk(pnl_s: IntArray, confidence: Decimal) -> Fraction:
    """Loss at the place (N - 1)(1 - a) from the largest, between its two neighbours. [VAR-08]"""
    place = tail_size(len(pnl_s) - 1, confidence)
    losses = _largest_losses(pnl_s, ceil(place) + 1)
    share = place - floor(place)
    return losses[floor(place)] * (1 - share) + losses[-1] * share


def expected_shortfall(pnl_s: IntArray, confidence: Decimal) -> Fraction:
    """Mean of the N (1 - a) largest losses, the last one in part. Subadditive. [VAR-09]"""
    tail = tail_size(len(pnl_s), confidence)
    losses = _largest_losses(pnl_s, ceil(tail))
    whole = floor(tail)
    return (sum(losses[:whole]) + (tail - whole) * losses[-1]) / tail


def binding_scenario(pnl_s: IntArray, confidence: Decimal) -> int:
    """Row of the scenario whose loss is `value_at_risk`: the first that attains it. [VAR-08]"""
    return int(np.flatnonzero(pnl_s == -value_at_risk(pnl_s, confidence))[0])


def _largest_losses(pnl_s: IntArray, count: int) -> list[int]:
    """The `count` largest losses as Python integers, largest first."""
    if not len(pnl_s):
        raise InvalidInput("scenarios", "are none")
    smallest_s = np.sort(np.partition(pnl_s, count - 1)[:count])
    return [-pnl for pnl in smallest_s.tolist()]
