"""Spreads that scan several combined commodities as one. [SCC-12]"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from margingate_engine.core.arrays import IntArray
from margingate_engine.models.span_cc.inter_parameters import InterLeg, InterSpread
from margingate_engine.models.span_cc.kinds import InterMethod
from margingate_engine.scenarios.span_points import POINT_COUNT


class Exposure(NamedTuple):
    """What a commodity brings to spreads with others.

    pnl_s: (16,) gain positive, 1e-6 of the margin currency. net, left: net composite delta before
    and after its calendar spreads, long positive.
    """

    pnl_s: IntArray
    net: Fraction
    left: Fraction


def combine_scans(
    spreads: Iterable[InterSpread], exposures: Mapping[str, Exposure]
) -> dict[str, Exposure]:
    """Exposures of the commodities held after every scanning spread that forms. [SCC-12]

    The target of a spread takes up what all its legs lose and the credited part of what they gain,
    rounded down, and their deltas in its own size; nothing is left to the others, and what is given
    to one target is not given again.
    """
    found, given = dict(exposures), set[str]()
    for spread in sorted(spreads, key=lambda each: each.priority):
        if spread.method is not InterMethod.SCANNING:
            continue
        present = [
            leg for leg in spread.legs if leg.commodity in exposures and leg.commodity not in given
        ]
        if not _forms(spread, present):
            continue
        assert spread.target is not None
        combined = _combined(spread, present, found)
        for leg in present:
            found[leg.commodity] = _NOTHING
            given.add(leg.commodity)
        found[spread.target] = combined
        given.discard(spread.target)
    return found


def _forms(spread: InterSpread, present: list[InterLeg]) -> bool:
    required = {leg.commodity for leg in spread.legs if leg.is_required}
    return len(present) >= spread.legs_min and required <= {leg.commodity for leg in present}


def _combined(
    spread: InterSpread, present: list[InterLeg], exposures: Mapping[str, Exposure]
) -> Exposure:
    assert spread.target_ratio is not None
    pnl_s, net, left = _NOTHING
    for leg in present:
        each = exposures[leg.commodity]
        size = Fraction(spread.target_ratio) / Fraction(leg.ratio)
        pnl_s = pnl_s + _credited(leg, each.pnl_s)
        net, left = net + size * each.net, left + size * each.left
    return Exposure(pnl_s, net, left)


def _credited(leg: InterLeg, pnl_s: IntArray) -> IntArray:
    """What counts of a leg: its losses in full, its gains by the credit rate, rounded down."""
    rate = Fraction(leg.credit_rate)
    counted = [
        pnl if pnl <= 0 else pnl * rate.numerator // rate.denominator for pnl in map(int, pnl_s)
    ]
    return np.array(counted, dtype=np.int64)


_NOTHING = Exposure(np.zeros(POINT_COUNT, dtype=np.int64), Fraction(0), Fraction(0))
