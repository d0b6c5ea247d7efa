"""Upper requirements over open orders, by hand."""

from typing import Any

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.intervals import CommodityHolds
from margingate_engine.models.span_cc.parameters import SpanCcParameters
from margingate_engine.models.span_cc.requirement import (
    MINIMUM_BINDS,
    CommodityRisk,
    requirements,
)
from margingate_engine.models.span_cc.totals import CommodityTotals, ContractRisk
from margingate_engine.models.span_cc.upper import upper_requirements
from tests.unit.engine.models.span_cc.small_file import (
    JUN,
    MAR,
    MICRO,
    SEP,
    commodity,
    contract,
    delta_spread,
    future,
    inter_leg,
    leg,
    scanning_spread,
    spot_rate,
    spread,
)

Lots = list[tuple[ContractRisk, int]]
MARCH, JUNE, SEPTEMBER = (future(6_000, period) for period in (MAR, JUN, SEP))


def parameters(*commodities: Any, spreads: tuple[Any, ...] = ()) -> SpanCcParameters:
    return SpanCcParameters(commodities=commodities, inter_spreads=spreads)


def upper(
    given: SpanCcParameters, held: dict[str, Lots], orders: dict[str, Lots], entry: int = 0
) -> dict[str, CommodityRisk]:
    totals = {code: CommodityTotals.of(lots) for code, lots in held.items()}
    holds = {code: CommodityHolds() for code in orders}
    for code, several in orders.items():
        for each, lots in several:
            holds[code].add(each, lots, entry * MICRO)
    return upper_requirements(given, totals, holds)


def test_orders_of_both_sides_hold_the_worse_and_not_the_sum() -> None:
    """[SCC-16]"""
    found = upper(parameters(commodity()), {}, {"ES": [(MARCH, 2), (MARCH, -3)]})
    assert found["ES"].scan == 18_000 * MICRO


def test_an_order_that_closes_holds_nothing_but_its_entry_loss() -> None:
    """[SCC-16]"""
    found = upper(parameters(commodity()), {"ES": [(MARCH, 2)]}, {"ES": [(MARCH, -2)]}, -10)
    assert (found["ES"].scan, found["ES"].risk) == (12_000 * MICRO, 12_000 * MICRO)


def test_what_an_order_loses_at_entry_is_held_where_nothing_else_is_at_risk() -> None:
    """[SCC-16] The null row."""
    free = contract([0] * 16)
    found = upper(parameters(commodity()), {}, {"ES": [(free, 2)]}, -10)["ES"]
    assert (found.scan, found.scenario) == (20 * MICRO, 1)


def test_a_better_price_than_the_mark_is_refused() -> None:
    """[SCC-16]"""
    with pytest.raises(InvalidInput, match="entry"):
        CommodityHolds().add(MARCH, 1, 1)


def test_the_calendar_bound_is_the_charge_of_a_plain_spread() -> None:
    """[SCC-16] Two March held, three June on sale: two spreads at the most."""
    given = parameters(commodity(spreads=(spread(1, "120", leg(1, "A"), leg(2, "B")),)))
    found = upper(given, {"ES": [(MARCH, 2)]}, {"ES": [(JUNE, -3)]})
    assert found["ES"].calendar == 240 * MICRO


@pytest.mark.parametrize("rates", [("100", "1"), ("1", "100")])
def test_a_delta_is_bounded_by_the_dearest_spread_that_can_take_it(rates: tuple[str, str]) -> None:
    """[SCC-16] Whichever comes first."""
    spreads = tuple(spread(1, rate, leg(1, "A"), leg(2, "B")) for rate in rates)
    found = upper(
        parameters(commodity(spreads=spreads)), {"ES": [(MARCH, 1)]}, {"ES": [(JUNE, -1)]}
    )
    assert found["ES"].calendar == 100 * MICRO


@pytest.mark.parametrize(("september", "bound"), [(0, "1"), (-1, "100")])
def test_a_spread_with_a_leg_out_of_reach_has_no_price(september: int, bound: str) -> None:
    """[SCC-16] Nothing is short in September, but where it is on order."""
    cheap, dear = (
        spread(1, "1", leg(1, "A"), leg(2, "B")),
        spread(2, "100", leg(1, "A"), leg(3, "B")),
    )
    given = parameters(commodity(spreads=(cheap, dear)))
    on_order = [(JUNE, -1), *([(SEPTEMBER, september)] if september else [])]
    found = upper(given, {"ES": [(MARCH, 1)]}, {"ES": on_order})
    assert found["ES"].calendar == int(bound) * MICRO


def test_an_outright_on_order_has_no_calendar_charge() -> None:
    """[SCC-16]"""
    given = parameters(commodity(spreads=(spread(1, "120", leg(1, "A"), leg(2, "B")),)))
    assert upper(given, {"ES": [(MARCH, 2)]}, {"ES": [(JUNE, 3)]})["ES"].calendar == 0


def test_a_fill_that_would_lower_the_calendar_charge_does_not_lower_the_bound() -> None:
    """[SCC-16] A long March would take the short June in a cheap spread from the dear one."""
    cheap, dear = (
        spread(1, "1", leg(1, "A"), leg(2, "B")),
        spread(2, "100", leg(2, "A"), leg(3, "B")),
    )
    given = parameters(commodity(spreads=(cheap, dear)))
    held = {"ES": [(JUNE, -1), (SEPTEMBER, 1)]}
    now = requirements(given, {"ES": CommodityTotals.of(held["ES"])})["ES"]
    filled = requirements(given, {"ES": CommodityTotals.of([*held["ES"], (MARCH, 1)])})["ES"]
    assert (now.calendar, filled.calendar) == (100 * MICRO, 1 * MICRO)
    assert upper(given, held, {"ES": [(MARCH, 1)]})["ES"].calendar == 100 * MICRO


def test_delivery_is_bounded_by_the_dearer_rate_on_the_larger_side() -> None:
    """[SCC-16]"""
    given = parameters(commodity(spot_rates=(spot_rate(MAR, "10", "7"),)))
    found = upper(given, {"ES": [(MARCH, 1)]}, {"ES": [(MARCH, -4), (MARCH, 1)]})
    assert found["ES"].spot == 30 * MICRO


def test_every_option_on_sale_counts_for_the_minimum() -> None:
    """[SCC-16]"""
    wing = contract([-1] * 16, right="C", delta="0")
    found = upper(parameters(commodity()), {"ES": [(wing, 2)]}, {"ES": [(wing, -3)]}, -1)["ES"]
    assert (found.minimum, found.scenario) == (3 * 50 * MICRO + 3 * MICRO, MINIMUM_BINDS)


def test_the_value_of_options_on_order_can_be_lost_to_a_cap() -> None:
    """[SCC-14, SCC-16]"""
    rich = contract([100 * MICRO] * 16, right="C", delta="0", value=250)
    found = upper(parameters(commodity(caps_option_value=True)), {}, {"ES": [(rich, 2)]})["ES"]
    assert (found.scan, found.lost_option_value) == (200 * MICRO, 300 * MICRO)


def test_credits_end_for_all_that_is_linked_with_an_order() -> None:
    """[SCC-17] C, S and W are linked; X and Y are not."""
    codes = ("C", "S", "W", "X", "Y")
    pairs = (("C", "S"), ("S", "W"), ("X", "Y"))
    spreads = tuple(
        delta_spread(number, inter_leg(first, "A"), inter_leg(second, "B"))
        for number, (first, second) in enumerate(pairs)
    )
    given = parameters(*(commodity(code) for code in codes), spreads=spreads)
    signs = zip(codes, (1, -1, 1, 1, -1), strict=True)
    held: dict[str, Lots] = {code: [(MARCH, sign)] for code, sign in signs}
    credited = {
        code for code, each in upper(given, held, {"C": [(MARCH, 1)]}).items() if each.credit
    }
    assert credited == {"X", "Y"}


def test_dropping_the_spreads_of_the_order_alone_would_be_no_bound() -> None:
    """[SCC-17] S is used up by C at 10 % today; without C it would earn 90 % against W."""
    spreads = (
        delta_spread(1, inter_leg("C", "A", rate="0.1"), inter_leg("S", "B", rate="0.1")),
        delta_spread(2, inter_leg("W", "A", rate="0.9"), inter_leg("S", "B", rate="0.9")),
    )
    given = parameters(*(commodity(code) for code in "CSW"), spreads=spreads)
    held: dict[str, Lots] = {"C": [(MARCH, 1)], "S": [(MARCH, -1)], "W": [(MARCH, 1)]}
    totals = {code: CommodityTotals.of(lots) for code, lots in held.items()}
    now = sum(each.risk for each in requirements(given, totals).values())
    naive = requirements(given, totals, credited=frozenset("SW"))
    assert sum(each.risk for each in naive.values()) < now
    held_for = upper(given, held, {"C": [(JUNE, 1)]})
    assert sum(each.risk for each in held_for.values()) >= now


def test_a_scanning_spread_that_an_order_may_form_can_charge_a_minimum_beside_the_scan() -> None:
    """[SCC-17] The short calls of C scan to 90 and have a minimum of 100."""
    legs = (inter_leg("C", "A", rate="0"), inter_leg("W", "B", rate="0"))
    given = parameters(commodity("C"), commodity("W"), spreads=(scanning_spread(1, "W", *legs),))
    call, other = contract([-45 * MICRO] * 16, right="C", delta="0"), contract([0] * 16)
    filled = requirements(
        given, {"C": CommodityTotals.of([(call, -2)]), "W": CommodityTotals.of([(other, 1)])}
    )
    assert sum(each.risk for each in filled.values()) == 190 * MICRO
    found = upper(given, {"C": [(call, -2)]}, {"W": [(other, 1)]})
    assert sum(each.risk for each in found.values()) == 190 * MICRO


def test_holds_beyond_the_range_are_refused() -> None:
    """[SCC-16]"""
    holds = CommodityHolds()
    with pytest.raises(InvalidInput, match="lots"):
        holds.add(MARCH, 2**31, 0)
