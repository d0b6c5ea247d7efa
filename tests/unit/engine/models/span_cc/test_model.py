"""The model `span_cc` by hand: deltas by period, charges, credits, ratios, orders."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from margingate_engine.core.charges import Charge
from margingate_engine.models.span_cc.coin_margin import CoinMargin
from margingate_engine.models.span_cc.model import SpanCcModel
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.hold import OrderHold, hold_of
from margingate_engine.portfolio.margin_model import Requirement
from tests.unit.engine.models.span_cc.coins import BTC, coins, tables
from tests.unit.engine.small_market import (
    COIN,
    DAY_NS,
    NEAR_NS,
    NO_FEES,
    USD,
    SmallMarket,
    small_market,
)

MARKET = coins()
NEAR, FAR = 19700131, 19700401


def account(market: SmallMarket = MARKET, *, coin_pico: int = 0, **lots: int) -> AccountRisk:
    portfolio = market.portfolio(coins=coin_pico, **lots)
    return AccountRisk.of(portfolio, market.arrays)


def requirement(found: AccountRisk, subject: str = "BTC") -> Requirement:
    (each,) = (each for each in found.requirements() if each.subject == subject)
    return each


def charge(found: AccountRisk, name: Charge, subject: str = "BTC") -> int:
    return dict(requirement(found, subject).charges)[name]


def deltas(found: AccountRisk) -> dict[int, int]:
    return {period: delta for period, delta in found.peek(0).features().items() if delta}


def lot_deltas(name: str, market: SmallMarket = MARKET) -> dict[int, int]:
    return dict(market.arrays.features_i[market.row(name)])


def test_rows_values_and_minimums_are_those_of_the_model_span() -> None:
    """[SCC-22]"""
    span, own = small_market().arrays, MARKET.arrays
    btc = [row for row, each in enumerate(own.table.instruments) if each.underlying == "BTC"]
    assert np.array_equal(own.pnl_ir[btc], span.pnl_ir[btc])
    for name in ("value_long_i", "value_short_i", "coin_long_pico_i", "minimum_i"):
        assert [getattr(own, name)[row] for row in btc] == [getattr(span, name)[row] for row in btc]
    coin = account(coin_pico=COIN)
    assert requirement(coin).total == 15_000 * USD
    assert requirement(coin).words == "price -3/3, vol up"


def test_a_scan_that_gains_everywhere_is_nothing() -> None:
    """[SCC-22] The null row."""
    found = requirement(account(CALL=1))
    assert (found.total, found.scenario, found.words) == (0, 0, "no scenario loses")


def test_futures_have_their_whole_value_as_delta_in_the_period_of_their_expiry() -> None:
    """[SCC-23] 0.1 coin at 101,000; 10 USD at 104,000 are 10 / 104,000 coins of 100,000."""
    assert lot_deltas("NEAR") == {NEAR: 10_100 * USD}
    assert lot_deltas("FAR") == {FAR: 10_400 * USD}
    assert lot_deltas("COIN-FAR") == {FAR: 9_615_385}


def test_the_delta_of_an_option_is_composite() -> None:
    """[SCC-23] Without vol the call at 112,000 is in the money at 115,000 alone: 3.7 %."""
    assert lot_deltas("CALL") == {NEAR: 370 * USD}
    assert lot_deltas("PUT") == {NEAR: -370 * USD}
    assert lot_deltas("FAR-PUT") == {NEAR: 0}
    assert lot_deltas("FAR-CALL") == {FAR: 10_000 * USD - 370 * USD}


def test_what_an_inverse_option_is_worth_in_coins_is_a_delta_of_coins() -> None:
    """[SCC-23] The call at 80,000 is worth 1 - 80,000/F coins; 0.1 coin of 100,000 together."""
    weights = {0: 0.27, 5: 0.217, -5: 0.217, 10: 0.111, -10: 0.111, 15: 0.037, -15: 0.037}
    own = sum(each * 80_000 / (1_000 * (100 + move)) for move, each in weights.items())
    found = lot_deltas("COIN-CALL")
    assert found[NEAR] == round(10_000 * own * USD)
    assert found[NEAR] + found[0] == pytest.approx(10_000 * USD, abs=1)


def test_coins_and_each_perpetual_have_periods_of_their_own_in_the_first_tier() -> None:
    """[SCC-24] A coin against ten lots of the perpetual: 0.1 % of 100,000 for the spread."""
    found = account(coin_pico=COIN, PERPETUAL=-10)
    perpetual = 1 + MARKET.row("PERPETUAL")
    assert deltas(found) == {0: 100_000 * USD, perpetual: -100_000 * USD}
    assert charge(found, Charge.CALENDAR_CHARGE) == 100 * USD
    assert requirement(found).total == 100 * USD
    assert requirement(found).binding == (Charge.CALENDAR_CHARGE, 100 * USD)


def test_what_expires_on_one_day_is_one_period() -> None:
    """[SCC-24] An inverse and a linear future of the same day net."""
    found = account(FAR=-1, COIN_FAR=1)
    assert deltas(found).keys() - {0} == {FAR}


def test_a_calendar_of_futures_pays_its_spread_and_one_within_a_tier_without_spread_nothing() -> (
    None
):
    """[SCC-25] 1 % of what both sides have: 10,100 against 10,400."""
    assert charge(account(NEAR=1, FAR=-1), Charge.CALENDAR_CHARGE) == 101 * USD
    without = coins({"underlyings.BTC.calendar_spreads": {}})
    assert charge(account(without, NEAR=1, FAR=-1), Charge.CALENDAR_CHARGE) == 0


def test_tiers_move_with_the_date() -> None:
    """[SCC-24] Eight dates before its expiry NEAR is in tier 2; at midnight it leaves it."""
    midnight = NEAR_NS - 7 * DAY_NS
    for market_time_ns, expected in ((midnight - 1, 101 * USD), (midnight, 0)):
        market = coins(market_time_ns=market_time_ns)
        assert charge(account(market, NEAR=1, FAR=-1), Charge.CALENDAR_CHARGE) == expected


def test_tiers_cover_every_date_and_no_date_twice() -> None:
    """[SCC-24]"""
    tiers = coins(market_time_ns=DAY_NS).arrays.own["BTC"].commodity.tiers
    assert [(each.first, each.last) for each in tiers] == [
        (0, 19700109),
        (19700110, 19700302),
        (19700303, 99991231),
    ]


def test_what_is_delivered_today_pays_by_what_spreads_took_of_it_and_what_is_left() -> None:
    """[SCC-25] On its last day NEAR is in tier 1: 1 coin's worth against half a perpetual."""
    last_day = {"underlyings.BTC.delivery_days": Decimal(1)}
    market = coins(last_day, market_time_ns=NEAR_NS - DAY_NS // 2)
    assert [each.period for each in market.arrays.own["BTC"].commodity.spot_rates] == []
    market = coins(
        {"underlyings.BTC.delivery_days": Decimal(2)}, market_time_ns=NEAR_NS - DAY_NS // 2
    )
    assert [each.period for each in market.arrays.own["BTC"].commodity.spot_rates] == [NEAR]
    found = account(market, NEAR=10, PERPETUAL=-5)
    taken, left = 50_000, 51_000
    assert charge(found, Charge.DELIVERY_CHARGE) == taken * USD // 500 + left * USD // 100
    assert charge(found, Charge.CALENDAR_CHARGE) == taken * USD // 1_000


def test_opposite_coins_have_a_credit_of_their_price_risk_for_what_fits() -> None:
    """[SCC-26] A USD of BTC against two of SOL; 0.15 a USD, 60 % and 50 % of it."""
    sol_lots = -800  # 80 SOL of 150 are 12,000 USD: half of it is 6,000 of the 10,000 of BTC
    found = account(PERPETUAL=1, SOL_PERPETUAL=sol_lots)
    assert charge(found, Charge.SCAN_RISK) == 1_500 * USD
    assert charge(found, Charge.INTER_COMMODITY_CREDIT) == -540 * USD
    assert charge(found, Charge.INTER_COMMODITY_CREDIT, "SOL") == -900 * USD
    assert requirement(found).total == 960 * USD
    same_side = account(PERPETUAL=1, SOL_PERPETUAL=800)
    assert charge(same_side, Charge.INTER_COMMODITY_CREDIT) == 0
    assert charge(account(PERPETUAL=1), Charge.INTER_COMMODITY_CREDIT) == 0


def test_orders_take_the_credit_of_all_that_is_linked_with_them() -> None:
    """[SCC-17, SCC-26, SCC-28] On order in BTC or in SOL, it is the same."""
    for name in ("CALL", "SOL-PERPETUAL"):
        found = account(PERPETUAL=1, SOL_PERPETUAL=-800)
        before = found.risk.initial
        found.hold(order(name, -1))
        assert charge(found, Charge.INTER_COMMODITY_CREDIT) == 0
        assert charge(found, Charge.INTER_COMMODITY_CREDIT, "SOL") == 0
        assert found.risk.initial >= before + 1_440 * USD
        unlinked = account(coins({"inter_spreads": {}}), PERPETUAL=1, SOL_PERPETUAL=-800)
        assert unlinked.risk.initial == before + 1_440 * USD


def test_a_spread_that_is_linked_through_others_has_no_credit_either() -> None:
    """[SCC-17, SCC-26] What BTC frees of SOL could earn more in the spread of SOL with ETH."""
    leg = {"side": "A", "ratio": Decimal(1), "credit_rate": Decimal("0.5")}
    other = {"priority": Decimal(2), "legs": {"SOL": leg, "ETH": {**leg, "side": "B"}}}
    model = SpanCcModel.from_mapping(
        tables({"underlyings.ETH": BTC, "inter_spreads.others": other})
    )
    alone = CoinMargin(
        underlying="BTC",
        words="",
        scan=1_000,
        calendar=0,
        delivery=0,
        minimum=0,
        scenario=1,
        left=Fraction(10),
        price_risk=Fraction(100),
        has_orders=False,
    )
    sol, ether = (
        alone._replace(underlying="SOL", left=Fraction(-30)),
        alone._replace(underlying="ETH"),
    )
    free = {0: alone, 1: sol, 2: ether}
    assert [each.total for each in model.requirements(free)] == [400, 0, 500]
    assert model.maintenance(free) == 900
    held = {**free, 0: alone._replace(has_orders=True)}
    assert [each.total for each in model.requirements(held)] == [1_000] * 3


def order(name: str, lots: int, market: SmallMarket = MARKET) -> OrderHold:
    """Lots on order at their mark."""
    mark = Decimal(market.arrays.mark_nano_i[market.row(name)]) / 10**9
    return hold_of(market.arrays, NO_FEES, (market.open_leg(name, lots, str(mark)),))


@pytest.mark.parametrize(
    ("names", "initial", "maintenance"),
    [({}, 1, 1), ({"account_type": "customer"}, "1.04", "0.8")],
)
def test_requirements_are_risk_times_the_ratios_of_the_account_type(
    names: Mapping[str, object], initial: int | str, maintenance: int | str
) -> None:
    """[SCC-27]"""
    found = account(coins(names), PERPETUAL=1)
    assert found.risk.initial == Decimal(initial) * 1_500 * USD
    assert found.risk.maintenance == Decimal(maintenance) * 1_500 * USD
    assert charge(found, Charge.ACCOUNT_RATIO) == found.risk.initial - 1_500 * USD


def test_a_requirement_is_rounded_up_once() -> None:
    """[SCC-27] 9,000,003 millionths of minimum; times 1.04 and 0.8, up."""
    path = "underlyings.BTC.short_option_minimum"
    found = account(coins({"account_type": "customer", path: Decimal("0.000001")}), CALL=-1)
    least = requirement(found)
    assert least.total == -(-dict(least.charges)[Charge.SCAN_RISK] * 104 // 100)


def test_the_short_option_minimum_binds_where_it_is_larger_than_all_else() -> None:
    """[SCC-27] 1 % of 10,000 a lot."""
    found = requirement(account(FAR_PUT=-1))
    assert (found.total, found.scenario, found.words) == (100 * USD, -1, "short option minimum")
    assert found.binding == (Charge.SHORT_OPTION_MINIMUM, 100 * USD)


def test_orders_pay_for_the_dearest_calendar_that_they_can_make() -> None:
    """[SCC-28] Nothing held; both futures on order: any fill of both pays 101."""
    found = account()
    found.hold(order("NEAR", 1))
    assert charge(found, Charge.CALENDAR_CHARGE) == 0
    found.hold(order("FAR", -1))
    assert charge(found, Charge.CALENDAR_CHARGE) >= 101 * USD
    assert not requirement(found).is_exact
    assert requirement(account(NEAR=1)).is_exact


def test_options_on_order_count_for_the_minimum() -> None:
    """[SCC-28] A lot sold at its mark loses the rounding reserve at entry, one millionth."""
    found = account(FAR_PUT=-1)
    found.hold(order("FAR-PUT", -2))
    assert charge(found, Charge.SHORT_OPTION_MINIMUM) == 300 * USD + 2


def test_orders_pay_delivery_by_the_dearer_rate() -> None:
    """[SCC-28] Both ways on order: one side fills alone."""
    market = coins(
        {"underlyings.BTC.delivery_days": Decimal(2)}, market_time_ns=NEAR_NS - DAY_NS // 2
    )
    found = account(market, NEAR=2)
    found.hold(order("NEAR", 1, market))
    assert charge(found, Charge.DELIVERY_CHARGE) == 303 * USD
    found.hold(order("NEAR", -4, market))
    assert charge(found, Charge.DELIVERY_CHARGE) == 303 * USD


def test_what_has_expired_has_no_delta() -> None:
    """[SCC-23]"""
    market = coins(market_time_ns=NEAR_NS)
    assert lot_deltas("CALL", market) == {NEAR: 0}
    assert lot_deltas("NEAR", market) == {NEAR: 0}


def test_the_model_names_no_sizes_at_which_its_requirement_turns() -> None:
    """[DEC-06]"""
    totals = account(NEAR=1).peek(0)
    assert MARKET.arrays.model.size_kinks(totals, totals, totals.orders) is None


def test_an_underlying_without_parameters_or_price_is_unpriced() -> None:
    """[SCC-22]"""
    market = coins({"underlyings.SOL": None, "inter_spreads": {}})
    assert market.arrays.unmodelled == {"SOL"}
    assert not market.arrays.priced_i[market.row("SOL-PERPETUAL")]
