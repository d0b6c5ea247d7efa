"""What an account in trouble is told to close, by hand. [MON-12]"""

from dataclasses import replace

from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.monitoring.reduction import suggested_reduction
from margingate_engine.portfolio.fees import FeeRate
from margingate_engine.portfolio.holdings import Portfolio
from tests.unit.engine.small_market import DAY_NS, NO_FEES, USD, SmallMarket, small_market

MARKET = small_market()


def told(portfolio: Portfolio, market: SmallMarket = MARKET) -> list[tuple[str, int]]:
    """(instrument, lots to trade) of each step; it has to be enough."""
    reduction = suggested_reduction(portfolio, market.arrays)
    assert reduction.is_enough
    return [(market.table.instruments[each.row].name, each.lots) for each in reduction.steps]


def test_nothing_is_closed_where_the_margin_is_covered() -> None:
    assert told(MARKET.portfolio(1_515, NEAR=1)) == []


def test_the_fewest_lots_that_are_enough_are_closed() -> None:
    """Ten lots require 15,150 USD, nine 13,635 and two 3,030."""
    assert told(MARKET.portfolio(15_149, NEAR=10)) == [("NEAR", -1)]
    assert told(MARKET.portfolio(13_634, NEAR=10)) == [("NEAR", -2)]
    assert told(MARKET.portfolio(3_030, NEAR=10)) == [("NEAR", -8)]
    assert told(MARKET.portfolio(0, NEAR=-10)) == [("NEAR", 10)]


def test_what_requires_most_per_notional_goes_first() -> None:
    """A call sold at 112,000 loses only beyond it; a future loses from the first dollar."""
    assert told(MARKET.portfolio(20_000, CALL=-10, NEAR=-10)) == [("NEAR", 5)]
    assert told(MARKET.portfolio(15_000, PUT=-10, NEAR=10))[0][0] == "NEAR"


def test_a_fee_is_paid_before_it_is_enough() -> None:
    """Nine lots require 13,635 USD; closing one at 101,000 costs 5.05."""
    fees = {**NO_FEES, InstrumentKind.FUTURE: FeeRate(maker_ppm=0, taker_ppm=500)}
    charged = small_market(fees=fees)
    assert told(charged.portfolio(13_640, NEAR=10), charged) == [("NEAR", -2)]
    assert told(charged.portfolio(13_641, NEAR=10), charged) == [("NEAR", -1)]


def test_where_no_position_helps_alone_a_slice_of_all_is_closed() -> None:
    """Perpetual against future: either leg alone would leave the other one bare."""
    portfolio = MARKET.portfolio(300, NEAR=16, PERPETUAL=-16)
    steps = told(portfolio)
    assert {name for name, _ in steps} == {"NEAR", "PERPETUAL"}
    lots = dict(steps)
    assert -16 < lots["NEAR"] == -lots["PERPETUAL"] < 0


def test_what_cannot_be_traded_is_not_proposed() -> None:
    halted = small_market(halted=frozenset({"NEAR"}))
    assert told(halted.portfolio(20_000, NEAR=10, FAR=10), halted)[0][0] == "FAR"
    expired = small_market(market_time_ns=30 * DAY_NS)
    reduction = suggested_reduction(expired.portfolio(-1, NEAR=10), expired.arrays)
    assert (reduction.steps, reduction.is_enough) == ((), False)


def test_who_owes_is_told_that_nothing_is_enough() -> None:
    reduction = suggested_reduction(MARKET.portfolio(-5, NEAR=10), MARKET.arrays)
    assert not reduction.is_enough
    assert [each.lots for each in reduction.steps] == [-10]
    assert reduction.after.headroom == -5 * USD > reduction.before.headroom
    assert (reduction.after.initial, reduction.after.maintenance) == (0, 0)


def test_open_orders_have_no_part_in_it() -> None:
    portfolio = MARKET.portfolio(14_000, NEAR=10)
    portfolio.legs["o"] = (MARKET.open_leg("NEAR", 100, "101000"),)
    assert told(portfolio) == [("NEAR", -1)]


def test_the_same_account_is_told_the_same_whatever_the_order_of_its_positions() -> None:
    portfolio = MARKET.portfolio(9_000, CALL=-10, NEAR=8, FAR=-3, PUT=-4)
    turned = replace(portfolio, positions=dict(reversed(portfolio.positions.items())))
    first, second = (suggested_reduction(each, MARKET.arrays) for each in (portfolio, turned))
    assert first.steps
    assert {(each.row, each.lots) for each in first.steps} == {
        (each.row, each.lots) for each in second.steps
    }


def test_a_position_of_a_million_lots_takes_no_longer() -> None:
    portfolio = MARKET.portfolio(0, NEAR=10**6)
    portfolio.cash["USD"] = 10**6 * 1_515 * USD - 1
    assert told(portfolio) == [("NEAR", -1)]
