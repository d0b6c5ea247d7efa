"""Charges for opposite deltas in different periods of one combined commodity. [SCC-07]"""

from collections.abc import Mapping
from fractions import Fraction

from margingate_engine.core.amounts import MICRO
from margingate_engine.models.span_cc.calendar_parameters import CalendarSpread
from margingate_engine.models.span_cc.deltas import Deltas, Place
from margingate_engine.models.span_cc.kinds import ChargeMethod, Side
from margingate_engine.models.span_cc.parameters import CombinedCommodity

LegRatios = Mapping[tuple[Place, Side], Fraction]
"""Deltas per spread by place and side; legs that share both are added up."""


def calendar_charge(commodity: CombinedCommodity, deltas: Deltas, price_risk: Fraction) -> Fraction:
    """Charge in 1e-6 of the margin currency; `deltas` loses what the spreads use. [SCC-07]

    price_risk: weighted futures price risk per delta in 1e-6, for spreads that charge a part of it.
    """
    total = Fraction(0)
    for spread in by_priority(commodity):
        ratios = leg_ratios(commodity, spread)
        for long_side in (Side.A, Side.B):
            count = _count(deltas, ratios, long_side)
            if count > 0:
                for (place, side), ratio in ratios.items():
                    deltas.consume(place, sign_of(side, long_side), count * ratio)
                total += count * charge_per_spread(spread, price_risk)
    return total


def _count(deltas: Deltas, ratios: LegRatios, long_side: Side) -> Fraction:
    """How many of a spread there are; no leg is looked at after one that has nothing."""
    counts = []
    for (place, side), ratio in ratios.items():
        available = deltas.available(place, sign_of(side, long_side))
        if not available:
            return available
        counts.append(available / ratio)
    return min(counts)


def by_priority(commodity: CombinedCommodity) -> list[CalendarSpread]:
    """Spreads in the order of their priorities; at the same number as the file lists them."""
    return sorted(commodity.spreads, key=lambda spread: spread.priority)


def leg_ratios(commodity: CombinedCommodity, spread: CalendarSpread) -> LegRatios:
    """Deltas that one spread takes from every place and side."""
    ratios: dict[tuple[Place, Side], Fraction] = {}
    for leg in spread.legs:
        key = (commodity.place("legs", leg), leg.side)
        ratios[key] = ratios.get(key, Fraction(0)) + Fraction(leg.ratio)
    return ratios


def charge_per_spread(spread: CalendarSpread, price_risk: Fraction) -> Fraction:
    """Charge of one spread in 1e-6 of the margin currency. [SCC-07]"""
    rate = Fraction(spread.rate)
    if spread.method is ChargeMethod.FLAT:
        return rate * MICRO
    if spread.method is ChargeMethod.PER_MONTH:
        return rate * MICRO * months_apart(spread)
    ratios = sum((Fraction(leg.ratio) for leg in spread.legs), Fraction(0))
    return rate * ratios * max(price_risk, Fraction(0))


def months_apart(spread: CalendarSpread) -> int:
    """Calendar months between the earliest and the latest leg of a spread of single periods."""
    months = [
        period // 10_000 * 12 + period // 100 % 100
        for leg in spread.legs
        if (period := leg.period) is not None
    ]
    return max(months) - min(months)


def sign_of(side: Side, long_side: Side) -> int:
    """1 where a side is the long one, -1 where it is the short one."""
    return 1 if side is long_side else -1
