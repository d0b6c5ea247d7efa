"""The method `parametric` as the model serves it: from totals of whole units."""

from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

from margingate_engine.core.instruments import Instrument, InstrumentKind, OptionRight
from margingate_engine.core.orders import Side
from margingate_engine.models.var.model import VarModel
from margingate_engine.models.var.parametric import (
    account_sensitivities,
    lot_sensitivities,
    required,
)
from margingate_engine.models.var.worlds import horizon_covariance
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.fees import FeeRate
from margingate_engine.portfolio.flows import fill_flow
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from margingate_engine.portfolio.margin_model import NOT_A_SCENARIO
from margingate_engine.portfolio.risk_arrays import RiskArrays
from tests.unit.engine.models.var.chain import INDEX, NANO, future, option, priced
from tests.unit.engine.models.var.tables import tables
from tests.unit.engine.small_market import small_market

CALL = option("BTC", 105_000, OptionRight.CALL, days=30)
COIN_CALL = option("BTC", 105_000, OptionRight.CALL, days=30, is_inverse=True)
COIN_PUT = option("BTC", 95_000, OptionRight.PUT, days=30, is_inverse=True)
PERPETUAL, ETHER = future("BTC", days=None), future("ETH", days=None)
INSTRUMENTS = [CALL, COIN_CALL, COIN_PUT, PERPETUAL, ETHER]
Z99 = stats.norm.ppf(0.99)
COIN = 10**12
FREE = {kind: FeeRate(maker_ppm=0, taker_ppm=0, cap_ppm=0) for kind in InstrumentKind}


@cache
def served(**changes: Any) -> tuple[VarModel, RiskArrays]:
    """Without basis charge, so that the statistic is all there is."""
    raw = tables(method="parametric", **changes)
    for underlying in ("BTC", "ETH"):
        raw[underlying]["basis_rate"] = Decimal(0)
    model = VarModel.from_mapping(raw)
    return model, model.risk_arrays(*priced(INSTRUMENTS))


def initial(arrays: RiskArrays, portfolio: Portfolio) -> int:
    return AccountRisk.of(portfolio, arrays).risk.initial


def held(arrays: RiskArrays, lots: dict[Instrument, int], **cash: int) -> int:
    positions = {arrays.table.row_by_name[each.name]: Position(n) for each, n in lots.items()}
    return initial(arrays, Portfolio(fees={}, cash=cash, positions=positions))


def ordered(arrays: RiskArrays, instrument: Instrument, lots: int, times: float = 1.0) -> Portfolio:
    """One order of so many signed lots, its limit so many times the mark."""
    row = arrays.table.row_by_name[instrument.name]
    leg = OpenLeg(
        row=row,
        side=Side.BUY if lots > 0 else Side.SELL,
        lots=abs(lots),
        price_nano=round(arrays.mark_nano_i[row] * times),
    )
    return Portfolio(fees=FREE, legs={"o": (leg,)})


def deviations(model: VarModel) -> tuple[float, float]:
    """Of the prices of BTC and ETH over the horizon."""
    settings = model.parameters.settings
    covariance_ff = horizon_covariance(settings, model.parameters.history())
    return covariance_ff[0, 0] ** 0.5, covariance_ff[1, 1] ** 0.5


def test_positions_require_what_their_summed_sensitivities_do() -> None:
    """[VAR-12]"""
    model, arrays = served(estimator="es")
    settings = model.parameters.settings
    lots = np.array([-3, 5, -4, 2, 0])
    table, snapshot = priced(INSTRUMENTS)
    parts = lot_sensitivities(table, snapshot, np.ones(len(table), dtype=np.bool_))
    rows = [table.row_by_name[each.name] for each in INSTRUMENTS]
    sums = np.array([[lots @ part[rows], 0.0] for part in parts])
    sums[0, 0] += 2 * 1e6 * INDEX["BTC"]
    covariance_ff = horizon_covariance(settings, model.parameters.history())
    expected = required(account_sensitivities(*sums), [], covariance_ff, settings)
    found = held(arrays, dict(zip(INSTRUMENTS[:4], lots[:4].tolist(), strict=True)), BTC=2 * COIN)
    assert found == pytest.approx(expected, rel=1e-9)


def test_coins_are_delta() -> None:
    """[VAR-12] two coins move as two perpetuals do, and hedge them"""
    model, arrays = served()
    expected = Z99 * deviations(model)[0] * 2e6 * INDEX["BTC"]
    assert held(arrays, {}, BTC=2 * COIN) == pytest.approx(expected, rel=1e-9)
    assert held(arrays, {PERPETUAL: 2}) == pytest.approx(expected, rel=1e-9)
    assert held(arrays, {PERPETUAL: -2}, BTC=2 * COIN) == 0


def test_an_account_of_nothing_requires_nothing() -> None:
    _, arrays = served()
    assert held(arrays, {}) == 0
    assert AccountRisk.of(Portfolio(fees={}), arrays).requirements() == []


def test_an_order_on_a_flat_account_requires_its_deviation() -> None:
    """[VAR-13]"""
    model, arrays = served()
    bitcoin, _ = deviations(model)
    expected = Z99 * bitcoin * 3e6 * INDEX["BTC"]
    for lots in (3, -3):
        found = initial(arrays, ordered(arrays, PERPETUAL, lots))
        assert found == pytest.approx(expected, rel=1e-9)


def test_an_order_in_coins_counts_what_its_fill_pays() -> None:
    """[VAR-13] the coins paid for a call at its mark are taken from its delta"""
    _, arrays = served()
    at_mark = initial(arrays, ordered(arrays, COIN_CALL, 5))
    in_dollars = initial(arrays, ordered(arrays, CALL, 5))
    assert at_mark < in_dollars


def test_what_has_a_mark_and_no_sensitivity_moves_with_the_coins_that_are_paid_for_it() -> None:
    """[VAR-13] far puts at a tick: the fill at the limit leaves the headroom where it was"""
    market = small_market()
    raw = tables(method="parametric")
    arrays = VarModel.from_mapping(raw).risk_arrays(market.table, market.arrays.snapshot)
    portfolio = market.portfolio(usd=10**6, PERPETUAL=10)
    portfolio.legs["o"] = (market.open_leg("COIN-PUT", -50, "0.0009"),)
    on_order = AccountRisk.of(portfolio, arrays).risk
    row = market.row("COIN-PUT")
    portfolio.positions[row] = Position(-50)
    portfolio.cash["BTC"] = fill_flow(market.instrument("COIN-PUT"), -50, 900_000)
    del portfolio.legs["o"]
    assert AccountRisk.of(portfolio, arrays).risk.headroom >= on_order.headroom


def test_spot_on_order_is_no_instrument_to_look_at_lot_by_lot() -> None:
    """[VAR-13] its coins count in sum; thousands of lots leave options their own bound"""
    market = small_market()
    model = VarModel.from_mapping(tables(method="parametric"))
    arrays = model.risk_arrays(market.table, market.arrays.snapshot)
    portfolio = market.portfolio(usd=10**6)
    portfolio.legs["o"] = (market.open_leg("COIN-PUT", -5, "0.0009"),)
    portfolio.legs["s"] = (market.open_leg("BTC", 5_000, "100000"),)
    account = AccountRisk.of(portfolio, arrays)
    (totals,) = account.groups.values()
    on_order = model.group_margin(totals, (totals.orders,)).sensitivities.on_order
    assert [(each.low, each.high) for each in on_order.lots] == [(-5, 0)]
    assert on_order.coins >= 500 * 100_000 * 10**6


def test_coins_beyond_the_mark_add_their_own_deviation_and_their_loss() -> None:
    """[VAR-13] a limit of 1.2 marks: the coins are a loss at once, and a short of coins"""
    model, arrays = served()
    bitcoin, _ = deviations(model)
    at_mark, above = (initial(arrays, ordered(arrays, COIN_CALL, 5, times)) for times in (1.0, 1.2))
    row = arrays.table.row_by_name[COIN_CALL.name]
    coins = 5 * 0.2 * arrays.mark_nano_i[row] / NANO
    loss = 1e6 * coins * INDEX["BTC"]
    least = loss * (1 + 2.3 * bitcoin)
    assert least < above - at_mark < loss * (1 + 6 * bitcoin)


def test_small_orders_on_a_large_book_change_little() -> None:
    """[VAR-13] the shapes that fills can reach lie near that of the positions"""
    _, arrays = served(estimator="es")
    row = arrays.table.row_by_name[CALL.name]
    portfolio = ordered(arrays, CALL, -1)
    portfolio.positions[row] = Position(-1_000)
    alone = held(arrays, {CALL: -1_000})
    assert alone < initial(arrays, portfolio) < 1.05 * alone


def test_underlyings_offset_each_other_as_far_as_the_cap_lets_them() -> None:
    """[VAR-11]"""
    _, free = served(offset_cap=Decimal("0.8"))
    _, capped = served(offset_cap=Decimal(0))
    book = {PERPETUAL: 3, ETHER: -60}
    apart = held(free, {PERPETUAL: 3}) + held(free, {ETHER: -60})
    assert held(free, book) < apart
    assert held(capped, book) == apart


def test_maintenance_is_its_fraction() -> None:
    """[VAR-15]"""
    _, arrays = served()
    row = arrays.table.row_by_name[PERPETUAL.name]
    portfolio = Portfolio(fees={}, positions={row: Position(2)})
    risk = AccountRisk.of(portfolio, arrays).risk
    assert risk.maintenance == -(-risk.initial * 8 // 10)


def test_no_scenario_binds_and_the_parts_are_the_underlyings() -> None:
    """[VAR-12]"""
    _, arrays = served()
    rows = [arrays.table.row_by_name[each.name] for each in (PERPETUAL, ETHER)]
    portfolio = Portfolio(fees={}, positions={rows[0]: Position(2), rows[1]: Position(5)})
    (requirement,) = AccountRisk.of(portfolio, arrays).requirements()
    assert (requirement.scenario, requirement.words) == (NOT_A_SCENARIO, "delta, gamma and vega")
    assert [part.subject for part in requirement.parts] == ["BTC", "ETH"]
    assert requirement.parts[0].amount == held(arrays, {PERPETUAL: 2})


@pytest.mark.parametrize("lots", [6, -6])
@pytest.mark.parametrize("instrument", [CALL, COIN_CALL, COIN_PUT])
def test_an_option_on_order_requires_no_less_than_once_it_is_filled(
    instrument: Instrument, lots: int
) -> None:
    """[VAR-13] at its mark, coins paid; and no more than the largest multiple makes of it"""
    for estimator in ("var", "es"):
        _, arrays = served(estimator=estimator)
        on_order = ordered(arrays, instrument, lots)
        row = arrays.table.row_by_name[instrument.name]
        is_coins = instrument.settlement_asset == instrument.underlying
        paid = lots * arrays.mark_nano_i[row] * 1_000 if is_coins else 0
        filled = held(arrays, {instrument: lots}, BTC=-paid)
        assert filled <= initial(arrays, on_order) < 5 * filled
