from fractions import Fraction

import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.kinds import PriceRiskMethod
from margingate_engine.models.span_cc.scan import scan, weighted_price_risk
from margingate_engine.models.span_cc.totals import CommodityTotals, Right
from margingate_engine.scenarios.span_points import paired_point
from tests.unit.engine.models.span_cc.small_file import JUN, MAR, MICRO, contract, future

LONG_CALL = [
    *(460, -610, 2640, 1730, -1270, -2340, 5210, 4540),
    *(-2540, -3430, 8060, 7640, -3380, -3990, 3130, -1500),
]
"""Gains of a long call: McMillan, Options as a Strategic Investment, ch. 34."""


def test_the_requirement_of_the_published_call_is_its_loss_in_scenario_14() -> None:
    """[SCC-03]"""
    found = scan([gain * MICRO for gain in LONG_CALL])
    assert (found.risk, found.point) == (3990 * MICRO, 14)


def test_price_risk_is_what_the_pair_of_the_active_point_loses_beyond_time() -> None:
    """[SCC-03, SCC-05] Time -75... the pair of 14 is 13."""
    found = scan([gain * MICRO for gain in LONG_CALL])
    assert found.twice_time_risk == (-460 + 610) * MICRO
    assert found.twice_price_risk == (3990 + 3380 - 150) * MICRO


def test_the_first_of_equal_losses_is_active() -> None:
    """[SCC-03]"""
    assert scan([0, 0, -5, -5, *[0] * 12]).point == 3


def test_a_portfolio_that_gains_everywhere_has_no_scan_risk_but_an_active_point() -> None:
    """[SCC-03]"""
    found = scan([9, 8, *[7] * 13, 3])
    assert (found.risk, found.point) == (0, 16)
    assert found.twice_price_risk == -6 + 17


def test_points_pair_by_price_and_extremes_with_themselves() -> None:
    """[SCC-03]"""
    pairs = [paired_point(point) + 1 for point in range(16)]
    assert pairs == [2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 15, 16]


@pytest.mark.parametrize(
    ("method", "expected"), [("normal", 3_000), ("cap", 2_000), ("scanrange", 2_000)]
)
def test_weighted_price_risk_by_method(method: str, expected: int) -> None:
    """[SCC-05] 6,000 of price risk over two deltas; the scan range is 2,000."""
    found = scan([0] * 12 + [-6_000, -6_000, 0, 0])
    risk = weighted_price_risk(found, Fraction(-2), PriceRiskMethod(method), Fraction(2_000))
    assert risk == expected


@pytest.mark.parametrize("method", list(PriceRiskMethod))
def test_without_a_net_delta_there_is_no_weighted_price_risk(method: PriceRiskMethod) -> None:
    """[SCC-05]"""
    found = scan([0] * 12 + [-6_000, -6_000, 0, 0])
    assert weighted_price_risk(found, Fraction(0), method, Fraction(2_000)) == 0


def test_a_cap_raises_no_smaller_price_risk() -> None:
    """[SCC-05]"""
    found = scan([0] * 12 + [-6_000, -6_000, 0, 0])
    assert weighted_price_risk(found, Fraction(6), PriceRiskMethod.CAP, Fraction(2_000)) == 1_000


def test_totals_add_up_and_an_option_sold_counts_as_short() -> None:
    """[SCC-01]"""
    call = contract([7] * 16, period=JUN, delta="0.25", right="C", value=10)
    totals = CommodityTotals.of([(future(6_000), 2), (call, -3)])
    assert list(totals.pnl_s) == list(-2 * future(6_000).loss_s + 21)
    assert totals.delta_by_period == {MAR: 2 * 10**9, JUN: -750_000_000}
    assert totals.shorts == {(JUN, Right.CALL): 3}
    assert totals.option_value == -30 * MICRO
    assert totals.net_delta_nano == 1_250_000_000


def test_periods_that_net_to_nothing_are_forgotten() -> None:
    """[SCC-01]"""
    totals = CommodityTotals.of([(future(6_000), 2), (future(4_000), -2)])
    assert totals.delta_by_period == {}


def test_totals_beyond_the_range_are_refused() -> None:
    """[SCC-01]"""
    with pytest.raises(InvalidInput, match="lots"):
        CommodityTotals.of([(future(6_000), 2**30), (future(6_000), -(2**30))])


def test_an_array_of_another_length_is_refused() -> None:
    """[SCC-01]"""
    short = future(6_000)._replace(loss_s=np.zeros(15, dtype=np.int64))
    with pytest.raises(InvalidInput, match="loss_s"):
        CommodityTotals.of([(short, 1)])
