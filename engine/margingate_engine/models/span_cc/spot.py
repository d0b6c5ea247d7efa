"""Charge for deltas in periods that are being delivered. [SCC-08]"""

from fractions import Fraction

from margingate_engine.core.amounts import MICRO
from margingate_engine.models.span_cc.deltas import Deltas
from margingate_engine.models.span_cc.parameters import CombinedCommodity


def spot_charge(commodity: CombinedCommodity, deltas: Deltas) -> Fraction:
    """Charge in 1e-6 of the margin currency, after the calendar spreads took theirs. [SCC-08]"""
    total = Fraction(0)
    for each in commodity.spot_rates:
        used = deltas.used.get(each.period, Fraction(0))
        left = abs(deltas.left.get(each.period, Fraction(0)))
        total += Fraction(each.spread_rate) * used + Fraction(each.outright_rate) * left
    return MICRO * total
