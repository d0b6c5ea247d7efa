"""Accounts small enough for paper. [SPAN-08 to SPAN-12]"""

from copy import deepcopy
from decimal import Decimal

import pytest

from margingate_engine.core.errors import MissingData, ModelFailure
from margingate_engine.core.risk import Risk
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.hold import GROSS_MAX, hold_of
from margingate_engine.portfolio.holdings import Portfolio, Position
from margingate_engine.portfolio.margin_model import NO_SCENARIO, NOT_A_SCENARIO
from tests.property.totals import totals_of
from tests.span_margins import positions_margin
from tests.unit.engine.small_market import COIN, NANO, NEAR_NS, USD, SmallMarket, small_market

MARKET = small_market()


def account(portfolio: Portfolio, market: SmallMarket = MARKET) -> AccountRisk:
    return AccountRisk.of(portfolio, market.arrays)


def risk(usd: int = 0, coins: int = 0, **lots: int) -> Risk:
    return account(MARKET.portfolio(usd, coins, **lots)).risk


def test_an_empty_account_has_nothing_and_needs_nothing() -> None:
    assert risk() == Risk(equity=0, initial=0, maintenance=0)


def test_a_short_call_needs_its_worst_scenario_and_owes_its_mark() -> None:
    """[SPAN-09] 45 % up and a third of it: (145,000 - 112,000) x 0.1 x 0.33"""
    assert risk(2_000, CALL=-1) == Risk(
        equity=1_980 * USD - 1, initial=1_089 * USD, maintenance=871_200_000
    )


def test_a_far_short_put_needs_the_short_option_minimum() -> None:
    """[SPAN-11, SPAN-12]"""
    taken = account(MARKET.portfolio(FAR_PUT=-2))
    assert taken.risk == Risk(equity=-2 * USD - 2, initial=200 * USD, maintenance=160 * USD)
    assert positions_margin(taken.groups[0]).scenario == NOT_A_SCENARIO
    assert risk(FAR_PUT=2).initial == 0


def test_a_covered_call_needs_the_fall_of_the_coin_and_a_basis_charge() -> None:
    """[SPAN-09, SPAN-10]"""
    # Down 45 %, a third of it: coin -45,000, calls 10 x -2,000 returned as a gain: -25,000 x 0.33.
    # Spot bucket 1,000 - 200, expiry bucket -800.
    taken = risk(coins=COIN, COIN_CALL=-10)
    assert taken.equity == 80_000 * USD - 10
    assert taken.initial == (8_250 + 800) * USD
    assert taken.maintenance == taken.initial * 8 // 10


def test_a_call_that_has_expired_and_is_not_settled_hedges_nothing() -> None:
    """[SPAN-03] two calls against a short: the same margin as without them"""
    late = small_market(market_time_ns=NEAR_NS)
    alone, hedged, before = (
        account(market.portfolio(10_000, PERPETUAL=-2, CALL=calls), market).risk
        for market, calls in ((late, 0), (late, 2), (MARKET, 2))
    )
    assert alone.initial == hedged.initial > before.initial
    assert hedged.equity == alone.equity + 40 * USD  # 2 x 0.1 x 200
    assert account(late.portfolio(10_000, PUT=-2), late).risk.initial == 0


def test_the_coins_of_an_expired_option_are_coins_as_others_are() -> None:
    """[SPAN-08] a lot is 0.02 coins; five of them owed take a tenth of a coin from the balance"""
    late = small_market(market_time_ns=NEAR_NS, collateral_haircut=Decimal("0.1"))
    taken = account(late.portfolio(0, COIN, COIN_CALL=-5), late)
    rest = account(late.portfolio(0, COIN * 9 // 10), late)
    assert taken.risk.equity == rest.risk.equity - 5
    assert taken.risk.initial == rest.risk.initial == 13_500 * USD
    assert taken.gross == rest.gross


def test_a_calendar_of_futures_pays_the_smaller_side_of_the_basis() -> None:
    """[SPAN-10]"""
    # Entered at their marks: 10 x 0.1 x 3,000 short in balance, 15 % up. Basis: 1 % of 101,000.
    taken = risk(NEAR=10, FAR=-10)
    assert taken.initial == (450 + 1_010) * USD
    assert taken.equity == -10


def test_two_perpetuals_against_each_other_pay_a_basis() -> None:
    """[SPAN-10] a perpetual is a bucket of its own"""
    # 10,000 USD long and short; a short inverse future's coins are scanned with it.
    assert risk(PERPETUAL=1, COIN_PERPETUAL=-1_000).initial == 100 * USD


def test_a_long_inverse_perpetual_loses_twice_when_its_profit_is_in_coins() -> None:
    """[SPAN-06, SPAN-08]"""
    portfolio = MARKET.portfolio(COIN_PERPETUAL=100)
    portfolio.positions[MARKET.row("COIN-PERPETUAL")] = Position(100, COIN // 80)  # at 80,000
    # 0.0125 - 0.01 coins are 250 USD; down 15 % the 1,000 and the 250 both lose 15 %.
    assert account(portfolio).risk == Risk(
        equity=250 * USD, initial=187_500_000, maintenance=150 * USD
    )


def test_coins_are_cut_by_the_haircut_and_debts_are_surcharged_and_both_are_scanned() -> None:
    """[SPAN-05, SPAN-08]"""
    market = small_market(collateral_haircut=Decimal("0.1"))
    owner = account(market.portfolio(coins=COIN), market)
    debtor = account(market.portfolio(coins=-COIN), market)
    assert (owner.risk.equity, owner.risk.initial) == (90_000 * USD, 15_000 * USD)
    assert (debtor.risk.equity, debtor.risk.initial) == (-110_000 * USD, 15_000 * USD)


def test_equity_counts_cash_entries_marks_and_coins() -> None:
    """[SPAN-08]"""
    portfolio = MARKET.portfolio(1_000, COIN // 2, CALL=2, NEAR=-1)
    portfolio.positions[MARKET.row("NEAR")] = Position(-1, 10_200 * USD)  # sold at 102,000
    assert account(portfolio).equity == (1_000 + 50_000 + 40 + 100) * USD - 1


def test_the_active_scenario_is_the_first_that_attains_the_loss() -> None:
    """[SPAN-09]"""
    assert positions_margin(account(MARKET.portfolio(NEAR=1)).groups[0]).scenario == 13
    assert positions_margin(account(MARKET.portfolio(NEAR=-1)).groups[0]).scenario == 11
    assert positions_margin(account(MARKET.portfolio(CALL=1)).groups[0]).scenario == (NO_SCENARIO)


def test_maintenance_knows_no_orders_and_initial_margin_does() -> None:
    """[SPAN-12, SPAN-14]"""
    portfolio = MARKET.portfolio(5_000, NEAR=1)
    alone = account(portfolio).risk
    portfolio.legs["o"] = (MARKET.open_leg("NEAR", 1, "101000"),)
    both = account(portfolio)
    assert both.risk.maintenance == alone.maintenance
    assert both.risk.initial == 2 * alone.initial
    assert both.positions_risk == alone


def test_maintenance_is_rounded_up_group_by_group() -> None:
    """[SPAN-12]"""
    market = small_market(maintenance_fraction=Decimal("0.333333"))
    taken = account(market.portfolio(COIN_FAR=1), market).risk
    assert taken.initial == 1_442_309  # and the 1e-12 coins that entry and mark rounded off
    assert taken.maintenance == 480_770  # 480,769.2


def test_what_has_no_price_is_named() -> None:
    unpriced = small_market(marks={"FAR": 0.0})
    for portfolio in (
        replace_position(unpriced, "FAR"),
        replace_position(unpriced, "SOL-PERPETUAL"),
    ):
        with pytest.raises(MissingData) as missing:
            AccountRisk.of(portfolio, unpriced.arrays)
        assert missing.value.subject in {"FAR", "SOL-PERPETUAL"}
    coins = Portfolio(fees=MARKET.fees, cash={"SOL": 1})
    with pytest.raises(MissingData) as missing:
        account(coins)
    assert missing.value.subject == "SOL"
    unknown = Portfolio(fees=MARKET.fees, cash={"DOGE": 1})
    with pytest.raises(MissingData) as missing:
        account(unknown)
    assert missing.value.subject == "DOGE"


def replace_position(market: SmallMarket, name: str) -> Portfolio:
    return Portfolio(fees=market.fees, positions={market.row(name): Position(1)})


def test_an_unpriced_order_is_named() -> None:
    portfolio = MARKET.portfolio()
    portfolio.legs["o"] = (MARKET.open_leg("SOL-PERPETUAL", 1, "150"),)
    with pytest.raises(MissingData) as missing:
        account(portfolio)
    assert missing.value.subject == "SOL-PERPETUAL"


def test_a_coin_debt_of_nothing_needs_no_price() -> None:
    assert account(Portfolio(fees=MARKET.fees, cash={"SOL": 0, "DOGE": 0})).risk.equity == 0


def test_an_account_beyond_the_integers_is_refused_and_not_wrapped() -> None:
    """[SPAN-04]"""
    lots = GROSS_MAX // max(MARKET.arrays.gross_i[MARKET.row("NEAR")], 1)
    inside = account(MARKET.portfolio(NEAR=lots - 1))
    assert inside.risk.initial >= GROSS_MAX // 2
    with pytest.raises(ModelFailure):
        _ = account(MARKET.portfolio(NEAR=lots + 1)).risk
    with pytest.raises(ModelFailure):
        _ = account(Portfolio(fees=MARKET.fees, cash={"BTC": GROSS_MAX * NANO})).risk


def test_coming_back_from_beyond_the_integers_is_exact() -> None:
    taken = account(MARKET.portfolio(NEAR=3))
    before = taken.risk
    taken.move_position(MARKET.row("NEAR"), 3, 2**61)
    with pytest.raises(ModelFailure):
        _ = taken.risk
    taken.move_position(MARKET.row("NEAR"), 2**61, 3)
    assert taken.risk == before


def test_an_order_beyond_the_integers_says_so_and_adds_nothing_up() -> None:
    """[SPAN-04]"""
    order = hold_of(MARKET.arrays, MARKET.fees, [MARKET.open_leg("NEAR", 2**70, "101000")])
    assert order.gross >= GROSS_MAX
    assert not any(totals.lots for totals in order.by_group.values())


def test_looking_at_an_untouched_group_leaves_no_trace() -> None:
    taken = account(MARKET.portfolio())
    assert not taken.groups
    assert positions_margin(taken.peek(0)).total == 0
    assert not taken.groups
    with pytest.raises(MissingData):
        taken.peek(1)


def test_independent_legs_take_each_their_own_worst() -> None:
    """[SPAN-14]"""
    portfolio = MARKET.portfolio(1_000)
    portfolio.legs["o"] = (MARKET.open_leg("NEAR", 1, "101000"), MARKET.open_leg("CALL", -1, "200"))
    # The future falls while the call is not filled.
    assert account(portfolio).risk.initial == 1_515 * USD + 1


def test_a_copy_stays_what_it_was_whatever_becomes_of_the_account() -> None:
    changing = account(MARKET.portfolio(50_000, COIN, NEAR=2, CALL=-1))
    order = hold_of(MARKET.arrays, MARKET.fees, [MARKET.open_leg("PUT", 3, "90")])
    changing.hold(order)
    copy = changing.copied()
    before = deepcopy(totals_of(changing))
    changing.release(order)
    changing.hold(hold_of(MARKET.arrays, MARKET.fees, [MARKET.open_leg("FAR", -4, "104000")]))
    changing.move_position(MARKET.row("CALL"), -1, -6)
    changing.move_cash("BTC", -COIN)
    assert totals_of(changing) != before
    assert totals_of(copy) == before
