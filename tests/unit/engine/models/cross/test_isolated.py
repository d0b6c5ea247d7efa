"""Every position with margin of its own, on paper. BTC at 100,000, lots of 0.1 coin or 10 USD."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from margingate_engine.check.decide import Outcome, decide
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.reasons import RejectReason
from margingate_engine.core.risk import Risk
from margingate_engine.models.isolated import IsolatedModel, position_risks_of
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.hold import hold_of
from margingate_engine.portfolio.holdings import Portfolio
from margingate_engine.portfolio.position_risk import PositionRisk
from margingate_engine.portfolio.wallets import wallet_after
from tests.unit.engine.models.cross.standard_market import STANDARD, standard_market
from tests.unit.engine.small_market import COIN, USD, SmallMarket

MARKET = standard_market("isolated")
NEAR_MARGIN = 2_025_100_500
"""Of ten lots of the future NEAR, 1e-6 USD."""


def portfolio(
    usd: int, wallets: Mapping[str, int], market: SmallMarket = MARKET, coins: int = 0, **lots: int
) -> Portfolio:
    """Positions with wallets in dollars."""
    held = market.portfolio(usd, coins, **lots)
    held.wallets = {market.row(name): wallet * USD for name, wallet in wallets.items()}
    return held


def account(held: Portfolio, market: SmallMarket = MARKET) -> AccountRisk:
    return AccountRisk.of(held, market.arrays)


def positions(taken: AccountRisk) -> dict[str, PositionRisk]:
    names = taken.arrays.table.instruments
    return {names[e.row].name: e for e in position_risks_of(taken.groups[0])}


def test_a_position_takes_its_margin_or_what_it_has_where_that_is_more() -> None:
    """[ISO-03]"""
    for wallet, initial in ((0, NEAR_MARGIN), (2_000, NEAR_MARGIN), (3_000, 3_000 * USD)):
        taken = account(portfolio(10_000, {"NEAR": wallet}, NEAR=10))
        assert taken.risk.initial == initial
        assert taken.equity == 10_000 * USD


def test_a_surplus_never_serves_another_position() -> None:
    """[ISO-01, ISO-03] 8,000 in the wallet of one, 1,020 required by the other, 2,000 free"""
    taken = account(portfolio(10_000, {"NEAR": 8_000}, NEAR=10, CALL=-1))
    assert taken.risk.headroom == (2_000 - 1_020) * USD
    taken = account(portfolio(10_000, {"NEAR": 9_000}, NEAR=10, CALL=-1))
    assert taken.risk.headroom == -20 * USD


def entered(name: str, entry: int, held: Portfolio, market: SmallMarket = MARKET) -> Portfolio:
    row = market.row(name)
    held.positions[row] = replace(held.positions[row], entry=entry)
    return held


def gained(coins: int, held: Portfolio, market: SmallMarket) -> Portfolio:
    before = held.positions[market.row("COIN-PERPETUAL")].entry
    return entered("COIN-PERPETUAL", before + coins, held, market)


def test_gains_of_one_position_do_not_cover_losses_of_another() -> None:
    """[ISO-01, ISO-02] +5,000 here and -5,000 there: the one is held back, the other is lacking"""
    held = portfolio(10_000, {}, NEAR=10, PERPETUAL=-10)
    entered("NEAR", -96_000 * USD, held)
    entered("PERPETUAL", 95_000 * USD, held)
    taken = account(held)
    assert taken.equity == 10_000 * USD - 10
    # The loss of 5,000 and the 2,005 that are required come out of 10,000 that are free.
    assert positions(taken)["PERPETUAL"].risk.equity == -5_000 * USD - 10
    assert taken.risk.headroom == 10_000 * USD - 5_000 * USD - 2_005 * USD - 10


def test_each_position_has_a_risk_of_its_own() -> None:
    """[ISO-04]"""
    taken = account(portfolio(10_000, {"NEAR": 3_000, "CALL": 770}, NEAR=10, CALL=-1, PUT=2))
    each = positions(taken)
    assert each["NEAR"].risk == Risk(
        equity=3_000 * USD, initial=NEAR_MARGIN, maintenance=1_015_100_500
    )
    assert each["CALL"].risk == Risk(equity=770 * USD, initial=1_020 * USD, maintenance=770 * USD)
    assert [name for name, one in each.items() if one.is_liquidatable] == ["CALL"]
    assert each["PUT"].risk == Risk(equity=0, initial=0, maintenance=0)
    assert taken.risk.maintenance == 3_000 * USD + 770 * USD


def test_one_unit_above_maintenance_is_not_due() -> None:
    """[ISO-04]"""
    held = portfolio(10_000, {"CALL": 770}, CALL=-1)
    held.wallets[MARKET.row("CALL")] += 1
    assert not positions(account(held))["CALL"].is_liquidatable


def test_the_result_of_an_inverse_future_is_valued_as_the_coins_of_the_group_are() -> None:
    """[ISO-02] 0.1 coin lost: of coins that are held 9,000, of coins that are owed 11,000"""
    market = standard_market("isolated", collateral_haircut=Decimal("0.1"))
    for coins, lost, free in ((COIN, 9_000, 90_000), (0, 11_000, 0)):
        held = portfolio(0, {}, market, coins, COIN_PERPETUAL=1_000)
        taken = account(gained(-COIN // 10, held, market), market)
        assert positions(taken)["COIN-PERPETUAL"].risk.equity == -lost * USD
        assert taken.risk.headroom == (free - lost) * USD - 200_050_000


def test_an_order_takes_what_its_fills_may_require_beyond_the_wallet() -> None:
    """[ISO-05] ten lots require 2,025.1005, of which 1,500 are there"""
    held = portfolio(10_000, {"NEAR": 1_500}, NEAR=4)
    held.legs["o"] = (MARKET.open_leg("NEAR", 6, "101000"),)
    assert account(held).risk.headroom == 8_500 * USD - (NEAR_MARGIN - 1_500 * USD)
    held.wallets[MARKET.row("NEAR")] = 2_500 * USD
    assert account(held).risk.headroom == 7_500 * USD


def test_a_short_option_on_order_takes_its_margin_less_the_mark_and_a_long_its_premium() -> None:
    """[ISO-05]"""
    for name, lots, price, taken in (
        ("CALL", -1, "200", 1_000),
        ("CALL", 2, "200", 40),
        ("COIN-CALL", -1, "0.2", 1_500),
    ):
        held = portfolio(10_000, {})
        held.legs["o"] = (MARKET.open_leg(name, lots, price),)
        assert account(held).risk.headroom == (10_000 - taken) * USD


def test_more_shorts_on_order_use_up_the_surplus_first() -> None:
    """[ISO-05] one call with 5,000: three more cost nothing, nine more what they require"""
    held = portfolio(10_000, {"CALL": 5_000}, CALL=-1)
    held.legs["o"] = (MARKET.open_leg("CALL", -3, "200"),)
    assert account(held).risk.headroom == 5_000 * USD
    held.legs["o"] = (MARKET.open_leg("CALL", -9, "200"),)
    assert account(held).risk.headroom == (10_000 - 1_020 - 9_000) * USD


def test_a_short_that_is_bought_back_pays_with_what_it_has() -> None:
    """[ISO-05] two calls require 2,040: a lot costs 30, and 1,100 where 80 are beyond the margin"""
    for wallet, price, taken in (
        (2_040, "300", 2_040),
        (0, "300", 2_040),
        (3_000, "300", 3_000),
        (2_040, "11000", 2_040 + 160),
        (3_000, "11000", 3_000 + 160),
    ):
        held = portfolio(10_000, {"CALL": wallet}, CALL=-2)
        held.legs["o"] = (MARKET.open_leg("CALL", 2, price),)
        assert account(held).risk.headroom == (10_000 - taken) * USD


def test_a_sale_that_fills_leaves_room_for_the_purchases_that_stay_open() -> None:
    """[ISO-05] three calls require 3,060, of which the sale brought 20; the purchases 23 x 12"""
    held = portfolio(10_000, {"CALL": 2_040}, CALL=-2)
    buys, sell = MARKET.open_leg("CALL", 23, "120"), MARKET.open_leg("CALL", -1, "200")
    held.legs = {"buys": (buys,), "sell": (sell,)}
    assert account(held).risk.headroom == (10_000 - 2_040 - 1_000) * USD
    filled = portfolio(10_020, {"CALL": 3_060}, CALL=-3)
    filled.legs = {"buys": (buys,)}
    assert account(filled).risk.headroom == (10_000 - 2_040 - 1_000) * USD


@pytest.mark.parametrize(
    ("lots", "sold", "kinks"), [(-2, 1, [33, 34]), (-2, 0, []), (2, 1, []), (-2, 3, [100, 101])]
)
def test_where_purchases_cost_what_sales_may_require_the_slope_turns(
    lots: int, sold: int, kinks: list[int]
) -> None:
    """[DEC-06] 1,000 for each lot that may be sold at its mark, 30 for each that is bought"""
    held = portfolio(10_000, {"CALL": 50_000}, CALL=lots)
    held.legs = {"sale": (MARKET.open_leg("CALL", -sold, "200"),)} if sold else {}
    totals = account(held).peek(0)
    leg = MARKET.open_leg("CALL", 1, "300")
    (hold,) = hold_of(MARKET.arrays, held.fees, (leg,)).by_group.values()
    assert list(MARKET.arrays.model.size_kinks(totals, totals, hold) or ()) == kinks


def test_more_bought_than_was_short_costs_the_premiums() -> None:
    """[ISO-05] 60 lots for 20 each are 1,200, a short lot requires 1,020"""
    held = portfolio(10_000, {"CALL": 1_020}, CALL=-1)
    held.legs["o"] = (MARKET.open_leg("CALL", 60, "200"),)
    assert account(held).risk.headroom == (10_000 - 1_200) * USD


def test_the_margin_of_a_long_option_does_not_pay_for_more_of_it() -> None:
    """[ISO-05]"""
    held = portfolio(10_000, {"CALL": 500}, CALL=1)
    held.legs["o"] = (MARKET.open_leg("CALL", 2, "200"),)
    assert account(held).risk.headroom == (10_000 - 540) * USD


def test_an_order_that_may_turn_the_coins_into_a_debt_counts_results_at_their_dearest() -> None:
    """[ISO-02, ISO-05] 0.05 coins owed and 0.1 gained: 9,000 here, 11,000 when 0.1 more are owed"""
    market = standard_market("isolated", collateral_haircut=Decimal("0.1"))
    held = portfolio(50_000, {}, market, -COIN // 20, COIN_PERPETUAL=1_000)
    gained(COIN // 10, held, market)
    assert account(held, market).risk.initial == 9_000 * USD
    held.legs["o"] = (market.open_leg("COIN-CALL", 5, "0.2"),)
    assert account(held, market).risk.initial == 11_000 * USD + 11_000 * USD
    held.legs["o"] = (market.open_leg("PUT", 1, "100"),)
    assert account(held, market).risk.initial == 9_000 * USD + 10 * USD


@pytest.mark.parametrize(
    ("before", "lots", "wallet"),
    [
        (10, 5, 1_000),
        (10, -1, 900),
        (-3, 1, 666),
        (10, -10, 0),
        (10, -11, 0),
        (0, 4, 0),
        (3, 0, 1_000),
    ],
)
def test_what_is_closed_takes_its_share_of_the_wallet(before: int, lots: int, wallet: int) -> None:
    """[ISO-03] rounded against the wallet"""
    assert wallet_after(1_000, before, lots) == (wallet if before else 0)


def answer(held: Portfolio, name: str, lots: int, price: str) -> Outcome:
    return decide(MARKET.question(held, MARKET.leg(name, lots, price)))


def test_an_order_is_checked_against_the_free_wallet() -> None:
    """[ISO-03, DEC-01]"""
    assert answer(portfolio(2_000, {"NEAR": 1_000}, NEAR=1), "CALL", -1, "200").is_accepted
    refused = answer(portfolio(2_000, {"NEAR": 1_001}, NEAR=1), "CALL", -1, "200")
    assert refused.reason is RejectReason.INSUFFICIENT_INITIAL_MARGIN


def test_closing_in_a_margin_call_is_accepted_and_selling_more_is_not() -> None:
    """[DEC-02] three calls require 3,060 and have 600; a surplus elsewhere does not help"""
    for wallet in (0, 600):
        short = portfolio(5_000, {"NEAR": 4_400, "CALL": wallet}, CALL=-3, NEAR=1)
        for lots in (1, 2, 3):
            assert answer(short, "CALL", lots, "200").is_risk_reducing
        assert answer(short, "CALL", -1, "200").reason is RejectReason.STILL_UNDERMARGINED
        assert answer(short, "NEAR", -1, "101000").is_risk_reducing


def test_while_a_position_is_due_nothing_passes_but_what_reduces_risk() -> None:
    """[ISO-04, MON-10] 770 maintain the call; 100,000 that are free do not help it"""
    due = portfolio(100_000, {"CALL": 770, "NEAR": 1_000}, CALL=-1, NEAR=1)
    for name, lots, price in (("CALL", -1, "200"), ("NEAR", 1, "101000"), ("PUT", 1, "100")):
        refused = answer(due, name, lots, price)
        assert refused.reason is RejectReason.STILL_UNDERMARGINED
        assert refused.detail == "CALL is due for liquidation, and the order does not reduce risk"
    assert answer(due, "CALL", 1, "200").is_risk_reducing
    assert answer(due, "NEAR", -1, "101000").is_risk_reducing
    due.wallets[MARKET.row("CALL")] += 1
    assert answer(due, "CALL", -1, "200").is_accepted


def test_a_position_that_is_due_is_left_to_liquidators_where_the_policy_says_so() -> None:
    """[ISO-04, MON-11]"""
    due = portfolio(100_000, {"CALL": 770}, CALL=-1)
    question = MARKET.question(due, MARKET.leg("CALL", 1, "200"))
    strict = replace(question, policy=replace(question.policy, may_trade_in_liquidation=False))
    assert decide(strict).reason is RejectReason.ACCOUNT_IN_LIQUIDATION
    suspended = replace(strict, gates=replace(strict.gates, is_liquidation_suspended=True))
    assert decide(suspended).is_risk_reducing


def test_parameters_are_refused_by_name() -> None:
    """[ISO-01]"""
    with pytest.raises(InvalidInput) as refused:
        IsolatedModel.from_mapping({"BTC": {**STANDARD, "leverage": Decimal(2)}})
    assert refused.value.field == "BTC.leverage"
    assert refused.value.problem == "is not a parameter of isolated"
