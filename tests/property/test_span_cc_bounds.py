"""No deltas within reach are charged more than the bounds say. [SCC-16]"""

from fractions import Fraction
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.amounts import MICRO, NANO
from margingate_engine.models.span_cc.bounds import CalendarPrices, Range, spot_bound
from margingate_engine.models.span_cc.calendar import calendar_charge
from margingate_engine.models.span_cc.deltas import Deltas
from margingate_engine.models.span_cc.parameters import CombinedCommodity
from margingate_engine.models.span_cc.spot import spot_charge
from tests.property.effort import examples
from tests.property.span_cc_books import PERIODS, with_spreads, world

seeds = st.integers(0, 2**32)


def made(random: Random) -> tuple[tuple[CombinedCommodity, ...], dict[int, Range]]:
    """Three commodities, and what orders of whole lots may make of every period."""
    drawn = world(random)
    with_spreads(random, drawn.tables)
    ranges = {}
    for period in PERIODS:
        low, high = sorted(random.randint(-4, 4) for _ in range(2))
        ranges[period] = low * NANO, high * NANO
    return drawn.parameters.commodities, ranges


def within(random: Random, ranges: dict[int, Range]) -> dict[int, int]:
    """Deltas at an end of each range, or anywhere in it."""
    return {
        period: random.choice((low, high, random.randint(low, high)))
        for period, (low, high) in ranges.items()
    }


@examples(100)
@given(seeds)
def test_no_deltas_within_reach_are_charged_more(seed: int) -> None:
    """[SCC-16]"""
    random = Random(seed)
    commodities, ranges = made(random)
    for each in commodities:
        prices, dearest = CalendarPrices(each), MICRO * Fraction(each.price_scan_range)
        for _ in range(10):
            deltas = Deltas(within(random, ranges))
            assert calendar_charge(each, deltas, dearest) <= prices.bound(ranges)
            assert spot_charge(each, deltas) <= spot_bound(each, ranges)


@examples(60)
@given(seeds)
def test_the_bounds_grow_with_what_deltas_can_reach(seed: int) -> None:
    """[SCC-16] Spreads that come within reach only add to what a delta may be charged."""
    random = Random(seed)
    commodities, ranges = made(random)
    wider = {
        period: (low - random.randint(0, 10**10), high + random.randint(0, 10**10))
        for period, (low, high) in ranges.items()
    }
    for each in commodities:
        prices = CalendarPrices(each)
        assert prices.bound(ranges) <= prices.bound(wider)
        assert spot_bound(each, ranges) <= spot_bound(each, wider)
