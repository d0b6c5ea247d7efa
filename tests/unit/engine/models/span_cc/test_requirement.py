from decimal import Decimal
from typing import Any

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.calendar_parameters import AccountRatio
from margingate_engine.models.span_cc.kinds import PriceRiskMethod
from margingate_engine.models.span_cc.parameters import SpanCcParameters
from margingate_engine.models.span_cc.requirement import (
    MINIMUM_BINDS,
    CommodityRisk,
    initial_and_maintenance,
    requirements,
)
from margingate_engine.models.span_cc.totals import CommodityTotals
from tests.unit.engine.models.span_cc.small_file import (
    JUN,
    MAR,
    MICRO,
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

CORN, BEANS = future(1_750), future(2_500)


def parameters(*commodities: Any, spreads: tuple[Any, ...] = ()) -> SpanCcParameters:
    return SpanCcParameters(commodities=commodities, inter_spreads=spreads)


def required(given: SpanCcParameters, **positions: Any) -> dict[str, CommodityRisk]:
    totals = {code: CommodityTotals.of(held) for code, held in positions.items()}
    return requirements(given, totals)


def test_charges_add_to_the_scan() -> None:
    """[SCC-10] A calendar that scans to nothing is charged 120 and 10 of delivery."""
    given = parameters(
        commodity(
            spreads=(spread(1, "120", leg(1, "A"), leg(2, "B")),),
            spot_rates=(spot_rate(MAR, "10", "1000"),),
        )
    )
    found = required(given, ES=[(future(6_000), 1), (future(6_000, JUN), -1)])["ES"]
    assert (found.scan, found.calendar, found.spot) == (0, 120 * MICRO, 10 * MICRO)
    assert found.risk == 130 * MICRO


def test_the_minimum_binds_where_it_is_larger() -> None:
    """[SCC-10]"""
    wing = contract([0] * 12 + [-1] * 4, right="C", delta="0.001")
    found = required(parameters(commodity()), ES=[(wing, -2)])["ES"]
    assert (found.risk, found.scenario) == (100 * MICRO, MINIMUM_BINDS)


def test_a_published_intercommodity_credit() -> None:
    """[SCC-11] CME's page on spreads: corn against soybeans 2:1, 55 % off both outright margins."""
    given = parameters(
        commodity("C"),
        commodity("S"),
        spreads=(
            delta_spread(1, inter_leg("C", "A", "2", "0.55"), inter_leg("S", "B", "1", "0.55")),
        ),
    )
    found = required(given, C=[(CORN, 2)], S=[(BEANS, -1)])
    assert sum(each.credit for each in found.values()) == 3_300 * MICRO
    assert sum(each.risk for each in found.values()) == 2_700 * MICRO


@pytest.mark.parametrize("sides", [(1, 1), (-1, -1)])
def test_same_sides_form_no_spread_of_opposite_ones(sides: tuple[int, int]) -> None:
    """[SCC-11]"""
    given = parameters(
        commodity("C"),
        commodity("S"),
        spreads=(delta_spread(1, inter_leg("C", "A"), inter_leg("S", "B")),),
    )
    found = required(given, C=[(CORN, sides[0])], S=[(BEANS, sides[1])])
    assert [each.credit for each in found.values()] == [0, 0]


def test_legs_may_all_be_on_one_side() -> None:
    """[SCC-11] Prices that move against each other."""
    given = parameters(
        commodity("C"),
        commodity("S"),
        spreads=(delta_spread(1, inter_leg("C", "A"), inter_leg("S", "A")),),
    )
    assert required(given, C=[(CORN, -1)], S=[(BEANS, -1)])["C"].credit == 875 * MICRO


def test_deltas_are_credited_once_and_in_priority_order() -> None:
    """[SCC-11] One delta of corn against two spreads: only the first forms."""
    given = parameters(
        commodity("C"),
        commodity("S"),
        commodity("W"),
        spreads=(
            delta_spread(2, inter_leg("C", "A", rate="0.9"), inter_leg("W", "B", rate="0.9")),
            delta_spread(1, inter_leg("C", "A", rate="0.1"), inter_leg("S", "B", rate="0.1")),
        ),
    )
    found = required(given, C=[(CORN, 1)], S=[(BEANS, -1)], W=[(BEANS, -1)])
    assert {code: each.credit for code, each in found.items()} == {
        "C": 175 * MICRO,
        "S": 250 * MICRO,
        "W": 0,
    }


def test_no_spread_forms_where_a_leg_has_no_price_risk() -> None:
    """[SCC-11] A long option that cannot lose, with a delta."""
    given = parameters(
        commodity("C"),
        commodity("S"),
        spreads=(delta_spread(1, inter_leg("C", "A"), inter_leg("S", "B")),),
    )
    free = contract([0] * 16)
    found = required(given, C=[(free, 1)], S=[(BEANS, -1)])
    assert [each.credit for each in found.values()] == [0, 0]


def test_what_calendar_spreads_took_is_not_credited_but_prices_the_rest() -> None:
    """[SCC-11] +2 March -1 June: one delta is left; the price risk is that of the net delta."""
    given = parameters(
        commodity("C", spreads=(spread(1, "1", leg(1, "A"), leg(2, "B")),)),
        commodity("S"),
        spreads=(delta_spread(1, inter_leg("C", "A", rate="1"), inter_leg("S", "B", rate="1")),),
    )
    found = required(given, C=[(CORN, 2), (future(1_750, JUN), -1)], S=[(BEANS, -3)])
    assert (found["C"].credit, found["S"].credit) == (1_750 * MICRO, 2_500 * MICRO)


def test_a_credit_may_not_exceed_capped_price_risk() -> None:
    """[SCC-05, SCC-11]"""
    capped = commodity("C", price_risk_method=PriceRiskMethod.CAP, price_scan_range=Decimal(1_000))
    given = parameters(
        capped, commodity("S"), spreads=(delta_spread(1, inter_leg("C", "A"), inter_leg("S", "B")),)
    )
    assert required(given, C=[(CORN, 1)], S=[(BEANS, -1)])["C"].credit == 500 * MICRO


BOND, NOTE = (
    [
        0,
        0,
        -2066,
        -2066,
        2066,
        2066,
        -4134,
        -4134,
        4134,
        4134,
        -6200,
        -6200,
        6200,
        6200,
        -6138,
        6138,
    ],
    [
        0,
        0,
        1599,
        1599,
        -1599,
        -1599,
        3201,
        3201,
        -3201,
        -3201,
        4800,
        4800,
        -4800,
        -4800,
        4752,
        -4752,
    ],
)
SCANNED = {
    3: "152.80",
    5: "946.70",
    7: "307.20",
    9: "1893.30",
    11: "460.00",
    13: "2840.00",
    15: "455.40",
    16: "2811.60",
}
"""CME's page on spread calculations: two bonds against three notes, 70 % of gains count."""


@pytest.mark.parametrize("point", sorted(SCANNED))
def test_a_published_scanning_spread(point: int) -> None:
    """[SCC-12] One point at a time, the others without losses."""
    legs = (inter_leg("ZB", "A", "2", "0.7"), inter_leg("ZN", "B", "3", "0.7"))
    given = parameters(commodity("ZB"), commodity("ZN"), spreads=(scanning_spread(1, "ZB", *legs),))
    alone = [
        [values[i] * MICRO if i == point - 1 else 0 for i in range(16)] for values in (BOND, NOTE)
    ]
    found = required(given, ZB=[(contract(alone[0]), 1)], ZN=[(contract(alone[1]), 1)])
    assert found["ZB"].scan == int(Decimal(SCANNED[point]) * MICRO)
    assert found["ZN"].scan == 0


def test_a_scanning_spread_moves_deltas_to_its_target_in_the_target_s_size() -> None:
    """[SCC-12] Two bonds are three notes: six notes short are four bonds short."""
    legs = (inter_leg("ZB", "A", "2", "0.7"), inter_leg("ZN", "B", "3", "0.7"))
    given = parameters(
        commodity("ZB"),
        commodity("ZN"),
        commodity("S"),
        spreads=(
            scanning_spread(1, "ZB", *legs),
            delta_spread(2, inter_leg("ZB", "A", rate="1"), inter_leg("S", "B", rate="1")),
        ),
    )
    note = future(1_600)
    found = required(given, ZB=[(future(3_100), 1)], ZN=[(note, -6)], S=[(BEANS, 9)])
    # Three bonds short are left: 9,600 up and 30 % of 3,100 would be gained; 7,430 at risk.
    assert found["ZB"].scan == (9_600 - 2_170) * MICRO
    assert found["S"].credit == 3 * 2_500 * MICRO
    assert found["ZN"].credit == 0


def test_credited_gains_are_rounded_down() -> None:
    """[SCC-12] Half of a gain of 3 against a loss of 10, in millionths."""
    legs = (inter_leg("ZB", "A"), inter_leg("ZN", "B"))
    given = parameters(commodity("ZB"), commodity("ZN"), spreads=(scanning_spread(1, "ZB", *legs),))
    found = required(given, ZB=[(contract([-3] * 16), 1)], ZN=[(contract([10] * 16), 1)])
    assert found["ZB"].scan == 9


def test_a_scanning_spread_needs_two_legs_and_its_required_ones() -> None:
    """[SCC-12]"""
    legs = (inter_leg("ZB", "A", rate="0.7"), inter_leg("ZN", "B", rate="0.7"))
    given = parameters(commodity("ZB"), commodity("ZN"), spreads=(scanning_spread(1, "ZN", *legs),))
    assert required(given, ZB=[(future(3_100), 1)])["ZB"].scan == 3_100 * MICRO
    assert "ZN" not in required(given, ZB=[(future(3_100), 1)])


def test_option_value_is_reported_and_lost_beyond_a_cap() -> None:
    """[SCC-13, SCC-14]"""
    rich = contract([100 * MICRO] * 16, right="C", value=250)
    free, capped = (
        required(parameters(commodity(caps_option_value=caps)), ES=[(rich, 1)])["ES"]
        for caps in (False, True)
    )
    assert (free.option_value, free.available, free.net) == (250 * MICRO, 250 * MICRO, -150 * MICRO)
    assert (capped.option_value, capped.available, capped.net) == (250 * MICRO, 100 * MICRO, 0)


def test_the_reported_net_figure_is_floored_where_the_exchange_floors_it() -> None:
    """[SCC-13]"""
    rich = contract([100 * MICRO] * 16, right="C", value=250)
    assert required(parameters(commodity(net_is_floored=True)), ES=[(rich, 1)])["ES"].net == 0


def test_ratios_of_the_account_type_multiply_gross_risk_and_round_up() -> None:
    """[SCC-15]"""
    ratios = (
        AccountRatio(account_type="hedger", maintenance=Decimal("1.05"), initial=Decimal("1.1")),
    )
    given = commodity(account_ratios=ratios)
    assert initial_and_maintenance(given, 101, "hedger") == (118, 107)
    with pytest.raises(InvalidInput, match="member"):
        initial_and_maintenance(given, 101, "member")


def test_fractions_of_a_unit_are_charged_up_and_credited_down() -> None:
    """[SCC-10, SCC-11]"""
    third = spread(1, "0.000001", leg(1, "A", "3"), leg(2, "B", "3"))
    found = required(
        parameters(commodity(spreads=(third,))), ES=[(future(3), 1), (future(3, JUN), -1)]
    )["ES"]
    assert found.calendar == 1
    legs = (inter_leg("C", "A", "3", "0.0000001"), inter_leg("S", "B", "3", "0.0000001"))
    given = parameters(commodity("C"), commodity("S"), spreads=(delta_spread(1, *legs),))
    assert required(given, C=[(future(3), 1)], S=[(future(3), -1)])["C"].credit == 0


def test_without_the_spreads_of_one_commodity_the_others_may_earn_more() -> None:
    """[SCC-17] S is used up by C at 10 % today; without C it would earn 90 % against W."""
    commodities = tuple(commodity(code) for code in "CSW")
    spreads = (
        delta_spread(1, inter_leg("C", "A", rate="0.1"), inter_leg("S", "B", rate="0.1")),
        delta_spread(2, inter_leg("W", "A", rate="0.9"), inter_leg("S", "B", rate="0.9")),
    )
    now, without = (
        required(
            parameters(*commodities, spreads=used),
            C=[(future(1_000), 1)],
            S=[(future(1_000), -1)],
            W=[(future(1_000), 1)],
        )
        for used in (spreads, spreads[1:])
    )
    assert sum(each.risk for each in without.values()) < sum(each.risk for each in now.values())
