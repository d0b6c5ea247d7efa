"""What calendar spreads and delivery can charge, whatever open orders fill. [SCC-16]"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from margingate_engine.core.amounts import MICRO, NANO
from margingate_engine.models.span_cc.calendar import charge_per_spread, leg_ratios, sign_of
from margingate_engine.models.span_cc.deltas import Place
from margingate_engine.models.span_cc.kinds import Side
from margingate_engine.models.span_cc.parameters import CombinedCommodity

Range = tuple[int, int]
"""Lowest and highest delta of a period, in 1e-9."""

_Most = tuple[int, int, int]
"""A period, a side (1 long, -1 short), and the most deltas it can have there, in 1e-9."""


class _Price(NamedTuple):
    """The most that a delta of a leg is charged by a spread that the leg is in.

    spread: number of the spread, each of its directions one. sign: 1 a long leg, -1 a short one.
    """

    spread: int
    place: Place
    sign: int
    price: int


class CalendarPrices:
    """What a delta of each place and side can be charged at most; for any ranges. [SCC-16]

    More of one delta can lower the charge, since it lets a cheap spread of high priority use up
    what a dear one would have used; so it does not do to charge the highest deltas. Instead every
    delta of one side bears the most that any spread could charge it, where each spread's charge is
    spread over its long legs alone, over its short legs alone, or over all: three bounds, by the
    weak duality of linear programming. The smallest counts. A spread of which a leg has no deltas
    in any fill is never formed and has no price.
    """

    def __init__(self, commodity: CombinedCommodity) -> None:
        price_risk = MICRO * Fraction(commodity.price_scan_range)
        prices: list[list[tuple[int, Place, int, Fraction]]] = [[], [], []]
        self._legs: list[list[tuple[Place, int]]] = []
        for spread in commodity.spreads:
            charge, ratios = charge_per_spread(spread, price_risk), leg_ratios(commodity, spread)
            for long_side in (Side.A, Side.B):
                legs = {
                    (place, sign_of(side, long_side)): ratio
                    for (place, side), ratio in ratios.items()
                }
                for found, signs in zip(prices, ((1,), (-1,), (1, -1)), strict=True):
                    bearing = {leg: ratio for leg, ratio in legs.items() if leg[1] in signs}
                    price = charge / sum(bearing.values(), Fraction(0))
                    found += [(len(self._legs), place, sign, price) for place, sign in bearing]
                self._legs.append(list(legs))
        self._parts = lcm(*(price.denominator for each in prices for *_, price in each))
        self._prices = [
            [
                _Price(spread, place, sign, int(price * self._parts))
                for spread, place, sign, price in each
            ]
            for each in prices
        ]

    def bound(self, ranges: Mapping[int, Range]) -> Fraction:
        """No less than the charge of any deltas in the ranges, 1e-6."""
        highest = [
            (period, sign, most)
            for period, (low, high) in ranges.items()
            for sign, most in ((1, high), (-1, -low))
            if most > 0
        ]
        formed = {
            spread
            for spread, legs in enumerate(self._legs)
            if all(_is_within_reach(leg, highest) for leg in legs)
        }
        least = min(
            _priced([each for each in prices if each.spread in formed], highest)
            for prices in self._prices
        )
        return Fraction(least, self._parts * NANO)


def _is_within_reach(leg: tuple[Place, int], highest: Iterable[_Most]) -> bool:
    (first, last), side = leg
    return any(sign == side and first <= period <= last for period, sign, _ in highest)


def _priced(prices: Sequence[_Price], highest: Iterable[_Most]) -> int:
    """Every period's highest delta of either sign times the dearest place that it is in."""
    total = 0
    for period, sign, most in highest:
        dearest = 0
        for _, (first, last), side, price in prices:
            if side == sign and first <= period <= last and price > dearest:
                dearest = price
        total += dearest * most
    return total


def spot_bound(commodity: CombinedCommodity, ranges: Mapping[int, Range]) -> Fraction:
    """No less than the delivery charge of any deltas in the ranges, 1e-6. [SCC-16]"""
    total = Fraction(0)
    for each in commodity.spot_rates:
        low, high = ranges.get(each.period, (0, 0))
        dearer = max(Fraction(each.spread_rate), Fraction(each.outright_rate))
        total += MICRO * dearer * Fraction(max(0, -low, high), NANO)
    return total
