from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from margingate_engine.models.span_cc.calendar import calendar_charge
from margingate_engine.models.span_cc.calendar_parameters import MinimumRate
from margingate_engine.models.span_cc.deltas import Deltas
from margingate_engine.models.span_cc.kinds import MinimumMethod, PriceRiskMethod
from margingate_engine.models.span_cc.minimum import short_option_minimum
from margingate_engine.models.span_cc.spot import spot_charge
from margingate_engine.models.span_cc.totals import Right
from tests.unit.engine.models.span_cc.small_file import (
    FAR,
    JUN,
    MAR,
    MICRO,
    NANO,
    SEP,
    commodity,
    leg,
    spot_rate,
    spread,
)

DEC = 20261200


def charged(
    delta_by_period: Mapping[int, float], *spreads: Any, price_risk: int = 0, **changes: Any
) -> tuple[Fraction, Deltas]:
    """Charge in whole units of money, and what is left of the deltas."""
    deltas = Deltas({period: int(delta * NANO) for period, delta in delta_by_period.items()})
    changed = commodity(spreads=spreads, **changes)
    return calendar_charge(changed, deltas, Fraction(price_risk * MICRO)) / MICRO, deltas


@pytest.mark.parametrize("sign", [1, -1])
def test_a_spread_forms_whichever_side_is_long(sign: int) -> None:
    """[SCC-07]"""
    one = spread(1, "100", leg(1, "A"), leg(2, "B"))
    charge, deltas = charged({MAR: sign * 3, JUN: -sign * 2}, one)
    assert charge == 200
    assert deltas.left == {MAR: sign, JUN: 0}


def test_both_ways_form_in_tiers_that_are_long_and_short() -> None:
    """[SCC-07] The second half is long September and short December."""
    one = spread(1, "100", leg(2, "A"), leg(3, "B"))
    assert charged({20260600: 1, 20260630: -2, SEP: 4, DEC: -5}, one)[0] == 300


def test_ratios_decide_how_many_form_and_what_they_take() -> None:
    """[SCC-07] A butterfly of 1:2:1 from 3, 4 and 5 deltas."""
    butterfly = spread(1, "30", leg(1, "A"), leg(2, "B", "2"), leg(3, "A"))
    charge, deltas = charged({MAR: 3, JUN: -4, SEP: 5}, butterfly)
    assert charge == 60
    assert deltas.left == {MAR: 1, JUN: 0, SEP: 3}


def test_fractions_of_a_spread_are_exact() -> None:
    """[SCC-07]"""
    one = spread(1, "9", leg(1, "A", "3"), leg(2, "B", "7"))
    charge, deltas = charged({MAR: 1, JUN: -9}, one)
    assert charge == 3
    assert deltas.left[JUN] == Fraction(-20, 3)


def test_smaller_priorities_take_deltas_first() -> None:
    """[SCC-07]"""
    dear, cheap = (
        spread(2, "100", leg(1, "A"), leg(3, "B")),
        spread(1, "1", leg(2, "A"), leg(3, "B")),
    )
    assert charged({MAR: 1, JUN: 1, SEP: -1}, dear, cheap)[0] == 1


def test_at_equal_priorities_the_order_of_the_file_counts() -> None:
    """[SCC-07]"""
    dear, cheap = (
        spread(1, "100", leg(1, "A"), leg(3, "B")),
        spread(1, "1", leg(2, "A"), leg(3, "B")),
    )
    assert charged({MAR: 1, JUN: 1, SEP: -1}, dear, cheap)[0] == 100


def test_a_tier_gives_its_earliest_deltas_first() -> None:
    """[SCC-06]"""
    one = spread(1, "1", leg(1, "A"), leg(3, "B"))
    _, deltas = charged({MAR: -3, DEC: 2, SEP: 2}, one)
    assert deltas.left == {MAR: 0, SEP: 0, DEC: 1}
    assert deltas.used == {MAR: 3, SEP: 2, DEC: 1}


def test_deltas_outside_every_tier_form_no_spread() -> None:
    """[SCC-06]"""
    one = spread(1, "1", leg(1, "A"), leg(3, "B"))
    assert charged({MAR: -3, 20270100: 2}, one)[0] == 0


def test_series_spreads_take_the_deltas_of_one_period() -> None:
    """[SCC-07]"""
    one = spread(1, "7", leg(SEP, "A"), leg(DEC, "B"))
    charge, deltas = charged({SEP: 2, DEC: -3, 20261100: -9}, one)
    assert charge == 14
    assert deltas.left == {SEP: 0, DEC: -1, 20261100: -9}


def test_legs_of_one_place_and_side_share_its_deltas() -> None:
    """[SCC-07]"""
    one = spread(1, "7", leg(1, "A"), leg(1, "A", "2"), leg(2, "B"))
    charge, deltas = charged({MAR: 6, JUN: -9}, one)
    assert charge == 14
    assert deltas.left == {MAR: 0, JUN: -7}


def test_a_charge_per_month_counts_the_months_between_its_ends() -> None:
    """[SCC-07] March to December."""
    one = spread(1, "7", leg(MAR, "A"), leg(SEP, "B"), leg(DEC, "B"), method="per_month")
    assert charged({MAR: 1, SEP: -1, DEC: -1}, one)[0] == 63


@pytest.mark.parametrize(("risk", "expected"), [(1_000, 600), (-1_000, 0)])
def test_a_weighted_charge_is_a_part_of_the_price_risk_of_every_leg(
    risk: int, expected: int
) -> None:
    """[SCC-07]"""
    one = spread(1, "0.1", leg(1, "A"), leg(2, "B", "2"), method="weighted")
    charge, _ = charged(
        {MAR: 2, JUN: -4}, one, price_risk=risk, price_risk_method=PriceRiskMethod.CAP
    )
    assert charge == expected


def test_delivery_charges_what_spreads_took_and_what_is_left_at_their_own_rates() -> None:
    """[SCC-08]"""
    rates = (spot_rate(MAR, "10", "100"), spot_rate(SEP, "1000", "1000"))
    one = spread(1, "1", leg(1, "A"), leg(2, "B"))
    changed = commodity(spreads=(one,), spot_rates=rates)
    deltas = Deltas({MAR: -3 * NANO, JUN: 2 * NANO})
    calendar_charge(changed, deltas, Fraction(0))
    assert spot_charge(changed, deltas) == (2 * 10 + 1 * 100) * MICRO


@pytest.mark.parametrize(("method", "expected"), [("gross", 250), ("max", 150)])
def test_short_options_count_together_or_by_the_larger_side(method: str, expected: int) -> None:
    """[SCC-09]"""
    shorts = {(JUN, Right.CALL): 1, (SEP, Right.CALL): 2, (SEP, Right.PUT): 2}
    changed = commodity(minimum_method=MinimumMethod(method))
    assert short_option_minimum(changed, shorts) == expected * MICRO


def test_every_range_of_periods_has_its_own_minimum() -> None:
    """[SCC-09]"""
    rates = (
        MinimumRate(first=0, last=JUN, rate=Decimal(1)),
        MinimumRate(first=JUN + 1, last=FAR, rate=Decimal(10)),
    )
    shorts = {(JUN, Right.CALL): 1, (SEP, Right.PUT): 2}
    assert short_option_minimum(commodity(minimum_rates=rates), shorts) == 21 * MICRO
