"""Bounds of charges over what orders may make of deltas, by hand. [SCC-16]"""

import pytest

from margingate_engine.core.amounts import NANO
from margingate_engine.models.span_cc.bounds import CalendarPrices, spot_bound
from margingate_engine.models.span_cc.calendar_parameters import CalendarSpread
from tests.unit.engine.models.span_cc.small_file import (
    JUN,
    MAR,
    MICRO,
    SEP,
    commodity,
    leg,
    spot_rate,
    spread,
)

Reach = tuple[int, int]
FLAT: Reach = (0, 0)


def bound(
    *spreads: CalendarSpread, march: Reach = FLAT, june: Reach = FLAT, september: Reach = FLAT
) -> float:
    """Of lowest and highest lots of a delta each."""
    reached = {MAR: march, JUN: june, SEP: september}
    ranges = {period: (low * NANO, high * NANO) for period, (low, high) in reached.items()}
    return float(CalendarPrices(commodity(spreads=spreads)).bound(ranges) / MICRO)


def test_it_is_the_charge_of_a_plain_spread() -> None:
    """[SCC-16] Two March held, three June on sale: two spreads at the most."""
    assert bound(spread(1, "120", leg(1, "A"), leg(2, "B")), march=(2, 2), june=(-3, 0)) == 240


@pytest.mark.parametrize("rates", [("100", "1"), ("1", "100")])
def test_a_delta_is_bounded_by_the_dearest_spread_that_can_take_it(rates: tuple[str, str]) -> None:
    """[SCC-16] Whichever comes first."""
    spreads = (spread(1, rate, leg(1, "A"), leg(2, "B")) for rate in rates)
    assert bound(*spreads, march=(1, 1), june=(-1, 0)) == 100


@pytest.mark.parametrize(("september", "wanted"), [(0, 1), (-1, 100)])
def test_a_spread_with_a_leg_out_of_reach_has_no_price(september: int, wanted: int) -> None:
    """[SCC-16] Nothing is short in September, but where it is on order."""
    cheap = spread(1, "1", leg(1, "A"), leg(2, "B"))
    dear = spread(2, "100", leg(1, "A"), leg(3, "B"))
    reach = {"march": (1, 1), "june": (-1, 0), "september": (september, 0)}
    assert bound(cheap, dear, **reach) == wanted


def test_an_outright_on_order_has_no_calendar_charge() -> None:
    """[SCC-16]"""
    assert bound(spread(1, "120", leg(1, "A"), leg(2, "B")), march=(2, 2), june=(0, 3)) == 0


def test_a_fill_that_would_lower_the_charge_does_not_lower_the_bound() -> None:
    """[SCC-16] A long March would take the short June in a cheap spread from the dear one."""
    cheap = spread(1, "1", leg(1, "A"), leg(2, "B"))
    dear = spread(2, "100", leg(2, "A"), leg(3, "B"))
    reach = {"march": (0, 1), "june": (-1, -1), "september": (1, 1)}
    assert bound(cheap, dear, **reach) == 100


def test_delivery_is_bounded_by_the_dearer_rate_on_the_larger_side() -> None:
    """[SCC-16]"""
    delivered = commodity(spot_rates=(spot_rate(MAR, "10", "7"),))
    assert spot_bound(delivered, {MAR: (-3 * NANO, 2 * NANO)}) == 30 * MICRO
    assert spot_bound(delivered, {JUN: (-3 * NANO, 2 * NANO)}) == 0
