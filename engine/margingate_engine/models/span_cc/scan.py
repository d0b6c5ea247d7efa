"""Scan risk, and the price risk that a delta carries. [SCC-03, SCC-05]"""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from margingate_engine.models.span_cc.kinds import PriceRiskMethod
from margingate_engine.scenarios.span_points import POINT_COUNT, paired_point


class Scan(NamedTuple):
    """Losses of a portfolio over the sixteen points, 1e-6 of the margin currency.

    risk: the largest loss, at least 0. point: number from 1 of the first point that attains the
    largest loss, which may be a gain. twice_price_risk: twice the price risk, so that it is whole.
    """

    risk: int
    point: int
    twice_time_risk: int
    twice_price_risk: int


def scan(pnl_s: Sequence[int]) -> Scan:
    """The scan of 16 gains and losses (gain positive). [SCC-03]"""
    loss_s = [-int(pnl) for pnl in pnl_s]
    assert len(loss_s) == POINT_COUNT, "arrays have sixteen values"
    active = loss_s.index(max(loss_s))
    twice_time_risk = loss_s[0] + loss_s[1]
    twice_vol_adjusted = loss_s[active] + loss_s[paired_point(active)]
    return Scan(
        risk=max(0, loss_s[active]),
        point=active + 1,
        twice_time_risk=twice_time_risk,
        twice_price_risk=twice_vol_adjusted - twice_time_risk,
    )


def weighted_price_risk(
    scanned: Scan, net_delta: Fraction, method: PriceRiskMethod, scan_range: Fraction
) -> Fraction:
    """Price risk per delta in 1e-6 of the margin currency; 0 without a net delta. [SCC-05]

    net_delta: net composite delta. scan_range: price scan range per delta in 1e-6.
    Negative where the price risk is.
    """
    if net_delta == 0:
        return Fraction(0)
    if method is PriceRiskMethod.SCANRANGE:
        return scan_range
    per_delta = Fraction(scanned.twice_price_risk, 2) / abs(net_delta)
    return min(per_delta, scan_range) if method is PriceRiskMethod.CAP else per_delta
