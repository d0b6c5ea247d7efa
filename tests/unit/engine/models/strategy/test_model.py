"""The model `strategy` as it is served, by hand. One coin a lot, U = 100,000."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache

import pytest

from margingate_engine.core.charges import Charge
from margingate_engine.core.instruments import Instrument, InstrumentKind, OptionRight
from margingate_engine.core.orders import Side
from margingate_engine.models.strategy.model import ROUNDING_RESERVE, StrategyModel
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.fees import FeeRate
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from margingate_engine.portfolio.margin_model import NOT_A_SCENARIO, EquityBasis
from margingate_engine.portfolio.risk_arrays import RiskArrays
from tests.property.model_worlds import STRATEGY
from tests.unit.engine.models.var.chain import DAY_NS, NANO, NOW_NS, future, option, priced

USD, COIN, U = 10**6, 10**12, 100_000
FREE = {kind: FeeRate(maker_ppm=0, taker_ppm=0, cap_ppm=0) for kind in InstrumentKind}
CALL = option("BTC", 105_000, OptionRight.CALL, days=30)
HIGH_CALL = option("BTC", 110_000, OptionRight.CALL, days=30)
PUT = option("BTC", 95_000, OptionRight.PUT, days=30)
COIN_CALL = option("BTC", 105_000, OptionRight.CALL, days=30, is_inverse=True)
FUTURE, PERPETUAL = future("BTC", days=30), future("BTC", days=None)
INSTRUMENTS = [CALL, HIGH_CALL, PUT, COIN_CALL, FUTURE, PERPETUAL]
NAKED_CALL, NAKED_PUT = 10_000, 10_000
"""15 % of U less 5,000 out of the money, both; the floor of a put, 10 % of K, is below that."""


@cache
def arrays(days: int = 0) -> RiskArrays:
    """At the snapshot, or so many days later at the same prices."""
    table, snapshot = priced(INSTRUMENTS)
    model = StrategyModel.from_mapping({"BTC": {**STRATEGY, "house_rules": []}})
    later = replace(snapshot, market_time_ns=NOW_NS + days * DAY_NS)
    return model.risk_arrays(table, later)


def row_of(instrument: Instrument) -> int:
    return arrays().table.row_by_name[instrument.name]


def mark(instrument: Instrument) -> float:
    """In USD."""
    nano = arrays().mark_nano_i[row_of(instrument)]
    return nano / NANO * (U if instrument is COIN_CALL else 1)


def account(
    lots: Mapping[Instrument, int] | None = None,
    *orders: OpenLeg,
    days: int = 0,
    coins: float = 0,
) -> AccountRisk:
    portfolio = Portfolio(
        fees=FREE,
        cash={"USD": 10**12, "BTC": round(coins * COIN)},
        positions={row_of(each): Position(count) for each, count in (lots or {}).items()},
        legs={f"o{number}": (leg,) for number, leg in enumerate(orders)},
    )
    return AccountRisk.of(portfolio, arrays(days))


def order(instrument: Instrument, lots: int, beyond: float = 0.0) -> OpenLeg:
    """So many signed lots; the limit so many USD above the mark."""
    price_nano = arrays().mark_nano_i[row_of(instrument)] + round(beyond * NANO)
    side = Side.BUY if lots > 0 else Side.SELL
    return OpenLeg(row=row_of(instrument), side=side, lots=abs(lots), price_nano=price_nano)


def initial(*given: object, **more: object) -> float:
    """USD."""
    return account(*given, **more).risk.initial / USD  # type: ignore[arg-type]


def test_a_short_requires_its_mark_and_the_naked_amount() -> None:
    """[STR-08, STR-16] of an option in coins its mark in USD"""
    assert account({CALL: -1}).arrays.model.equity_basis is EquityBasis.WITHOUT_OPTION_VALUE
    for short in (CALL, COIN_CALL):
        assert initial({short: -3}) == pytest.approx(3 * (NAKED_CALL + mark(short)))
    assert account({CALL: -3}).equity == account().equity
    assert initial({CALL: 3}) == 0


def test_coins_are_spot() -> None:
    """[STR-16] in full in equity, in part in the requirement, and as cover"""
    assert account(coins=1.5).equity - account().equity == 150_000 * USD
    assert initial(coins=1.5) == 30_000
    assert initial(coins=-2) == 50_000
    # One coin covers one call: 20 % of U and its mark; the other call is naked.
    covered = 20_000 + mark(COIN_CALL)
    naked = NAKED_CALL + mark(COIN_CALL)
    assert initial({COIN_CALL: -2}, coins=1) == pytest.approx(min(covered, 20_000 + naked) + naked)
    assert account({COIN_CALL: -1}, coins=1).risk.maintenance < 20_000 * USD


def test_coins_are_cut_into_lots_of_what_is_listed_whatever_is_held_or_on_order() -> None:
    """[STR-16] 0.95 coins cover 0.9 of a call where there are options of 0.1"""
    small = replace(HIGH_CALL, name="SMALL", lot_nano=NANO // 10)
    table, snapshot = priced([COIN_CALL, small])
    model = StrategyModel.from_mapping({"BTC": {**STRATEGY, "house_rules": []}})
    risk_arrays = model.risk_arrays(table, snapshot)
    rows = [table.row_by_name[each.name] for each in (COIN_CALL, small)]
    portfolio = Portfolio(
        fees=FREE, cash={"BTC": 95 * COIN // 100}, positions={rows[0]: Position(-1)}
    )
    alone = AccountRisk.of(portfolio, risk_arrays).risk.initial
    naked = NAKED_CALL + mark(COIN_CALL)
    covered = 20_000 + mark(COIN_CALL)
    assert alone == pytest.approx((0.9 * covered + 0.1 * naked + 0.05 * 20_000) * USD)
    price_nano = risk_arrays.mark_nano_i[rows[1]]
    for side in Side:
        portfolio.legs["o"] = (OpenLeg(row=rows[1], side=side, lots=1, price_nano=price_nano),)
        assert AccountRisk.of(portfolio, risk_arrays).risk.initial >= alone
    # At their marks: of ten units of a call of one coin the coins are as many again.
    for row, units in zip(rows, (10 * 2, 1), strict=True):
        price_nano = risk_arrays.mark_nano_i[row]
        portfolio.legs["o"] = (OpenLeg(row=row, side=Side.SELL, lots=3, price_nano=price_nano),)
        (requirement,) = AccountRisk.of(portfolio, risk_arrays).requirements()
        entry = dict(requirement.charges)[Charge.ENTRY_LOSSES]
        assert 0 <= entry - 3 * units * ROUNDING_RESERVE <= 3


def test_fractions_of_a_coin_count_against_the_account() -> None:
    """[STR-16] of spot rounded down to 1e-9: 20 % of one unit less, and of one owed more"""
    tiny = 1.5 / 10**9
    assert account(coins=tiny).risk.initial == 20
    assert account(coins=-tiny).risk.initial == 2 * 25


def test_what_has_expired_covers_nothing_and_is_owed_while_it_is_short() -> None:
    """[STR-17]"""
    spread = {CALL: -1, HIGH_CALL: 1}
    assert initial(spread) == 5_000
    assert initial(spread, days=31) == pytest.approx(NAKED_CALL + mark(CALL))
    assert initial({HIGH_CALL: 5}, days=31) == 0


def test_what_is_to_be_settled_in_coins_is_owed_as_well() -> None:
    """[STR-17] equity has nothing of it before or after the expiry"""
    short, lapsed = (account({COIN_CALL: -1}, days=days) for days in (0, 31))
    assert lapsed.risk.initial == pytest.approx((NAKED_CALL + mark(COIN_CALL)) * USD)
    assert lapsed.equity == short.equity == account().equity
    assert account({COIN_CALL: 1}, days=31).risk.initial == 0


def test_a_short_of_an_expired_option_on_order_has_no_credit() -> None:
    """[STR-17]"""
    for lapsed in (CALL, COIN_CALL):
        held = initial({}, order(lapsed, -1), days=31)
        assert held >= NAKED_CALL + mark(lapsed)


def test_futures_require_a_ratio_each_and_nothing_once_expired() -> None:
    """[STR-10, STR-17]"""
    marks = mark(FUTURE), mark(PERPETUAL)
    assert initial({FUTURE: 2, PERPETUAL: -2}) == pytest.approx(0.02 * 2 * sum(marks))
    assert initial({FUTURE: 2}, days=31) == 0
    reserve = 5 * ROUNDING_RESERVE / USD
    held = initial({FUTURE: 2}, order(FUTURE, -5))
    assert held == pytest.approx(0.02 * 3 * marks[0] + reserve, abs=1e-4)


def test_a_short_on_order_is_credited_its_mark() -> None:
    """[STR-18] what a sale brings in at the mark is there to meet the mark; a reserve a lot"""
    found = account({}, order(CALL, -4)).risk.initial
    naked = 4 * NAKED_CALL * USD
    assert 0 <= found - naked <= 4 * (ROUNDING_RESERVE + 1)
    better = account({}, order(CALL, -4, beyond=50)).risk.initial
    assert better == pytest.approx(found, abs=4 * ROUNDING_RESERVE)


def test_what_a_sale_brings_in_below_the_mark_is_charged() -> None:
    """[STR-18]"""
    at_mark, below = (initial({}, order(CALL, -4, beyond=each)) for each in (0, -50))
    assert below - at_mark == pytest.approx(200, abs=1e-5)


def test_a_purchase_is_charged_in_full() -> None:
    """[STR-18] filled it is worth nothing in equity"""
    assert initial({}, order(CALL, 4, beyond=10)) == pytest.approx(4 * (mark(CALL) + 10), abs=1e-4)


@pytest.mark.parametrize("beyond", [0, -50])
def test_closing_shorts_at_the_mark_or_below_changes_nothing(beyond: float) -> None:
    """[STR-18, STR-19] paid is what is no longer owed; until it is, the short is there"""
    held, closing = (
        account({CALL: -3}, *orders).risk.initial
        for orders in ((), (order(CALL, 2, beyond=beyond),))
    )
    assert 0 <= closing - held <= 2 * (ROUNDING_RESERVE + 2)


def test_closing_above_the_mark_costs_what_is_above() -> None:
    """[STR-18]"""
    held, closing = (initial({CALL: -3}, *orders) for orders in ((), (order(CALL, 2, beyond=30),)))
    assert closing - held == pytest.approx(60, abs=1e-4)


def test_longs_that_may_be_sold_cover_nothing() -> None:
    """[STR-14]"""
    spread = {CALL: -1, HIGH_CALL: 1}
    held = initial(spread, order(HIGH_CALL, -1))
    assert held == pytest.approx(NAKED_CALL + mark(CALL), abs=1e-4)


def test_the_requirement_says_which_strategies_it_is_made_of() -> None:
    """[STR-13]"""
    (requirement,) = account({CALL: -1, HIGH_CALL: 1, PUT: -2}).requirements()
    assert sum(part.amount for part in requirement.parts) == requirement.total
    assert requirement.scenario == NOT_A_SCENARIO
    assert requirement.is_exact
    (held,) = account({CALL: -1}, order(PUT, -1)).requirements()
    assert not held.is_exact
    assert sum(amount for _, amount in held.charges) == held.total


def test_parameters_are_listed_by_underlying() -> None:
    model = StrategyModel.from_mapping({"BTC": {**STRATEGY, "leverage": Decimal(2)}})
    assert ("BTC", "leverage", "2") in model.parameter_items()
    other = StrategyModel.from_mapping({"BTC": STRATEGY})
    assert other.parameters_digest != model.parameters_digest


@pytest.mark.parametrize(
    ("held", "orders", "is_exact"),
    [
        (2, [order(FUTURE, 5, 1)], True),
        (-2, [order(FUTURE, 3, 1)], False),
        (-2, [order(FUTURE, 3, -1)], True),
        (2, [order(FUTURE, 5, 1), order(FUTURE, -1)], False),
        (2, [order(PERPETUAL, -5, -1), order(FUTURE, 5, 1)], True),
        (2, [order(CALL, 1)], False),
    ],
)
def test_what_futures_on_order_hold_is_exact_where_losing_fills_lead_to_the_larger_position(
    held: int, orders: list[OpenLeg], is_exact: bool
) -> None:
    """[STR-15] who closes loses at entry and requires less: no fills do both"""
    (requirement,) = account({FUTURE: held}, *orders).requirements()
    assert requirement.is_exact is is_exact
