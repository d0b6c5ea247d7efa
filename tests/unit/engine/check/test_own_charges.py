"""Prices in doubt, caps and mere collateral in decisions. [COL-01, COL-04 to COL-07, DEC-02]"""

from dataclasses import replace

import numpy as np
import pytest

from margingate_engine.check.collateral_values import CollateralValue, collateral_values
from margingate_engine.check.decide import decide
from margingate_engine.check.explain import explanation, scenario_tables
from margingate_engine.check.max_size import max_order_size
from margingate_engine.core.arrays import read_only
from margingate_engine.core.charges import Charge
from margingate_engine.core.instruments import Instrument, InstrumentKind, Settlement
from margingate_engine.core.reasons import RejectReason
from margingate_engine.core.risk import Exactness
from margingate_engine.market.snapshot import Quotes
from margingate_engine.models.registry import model
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.collateral import AssetTerms, CollateralTerms, PegTerms
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.portfolio.own_charges import own_kinks
from tests.unit.engine.small_market import COIN, NANO, PARAMETERS, USD, SmallMarket, small_market

DOLLAR = Instrument(
    name="USDC",
    kind=InstrumentKind.SPOT,
    underlying="USDC",
    settlement=Settlement.LINEAR,
    contract_nano=NANO,
    lot_nano=NANO,
    tick_nano=NANO // 10_000,
)
PEG = PegTerms(threshold_nano=985_000_000, haircut_ppm=100_000)
CAPPED = CollateralTerms({"BTC": AssetTerms(cap=250_000 * USD)})
DOLLARS = CollateralTerms({"USDC": AssetTerms(haircut_ppm=5_000, debt_haircut_ppm=5_000, peg=PEG)})


def market(
    terms: CollateralTerms = CollateralTerms(),  # noqa: B008 - frozen
    *,
    dollar: float | None = None,
    **doubts_ppm: int,
) -> SmallMarket:
    """The small market, some of its prices in doubt; `dollar` lists USDC at that index."""
    usual = small_market()
    table, snapshot = usual.table, usual.arrays.snapshot
    if dollar is not None:
        table = table.with_instruments([DOLLAR])
        nothing_i = np.zeros(0)
        quotes = Quotes(
            index_by_underlying={"USDC": dollar},
            rows=np.zeros(0, dtype=np.int64),
            mark_price_i=nothing_i,
            mark_vol_i=nothing_i,
            forward_price_i=nothing_i,
        )
        snapshot = snapshot.extended_to(table).with_quotes(
            table, quotes, market_time_ns=0, observed_ns=1
        )
    ppm_i = np.zeros(len(table), dtype=np.int64)
    for name, ppm in doubts_ppm.items():
        ppm_i[table.row_by_name[name.replace("_", "-")]] = ppm
    snapshot = replace(snapshot, surcharge_ppm_i=read_only(ppm_i))
    span = model("span", {"BTC": PARAMETERS}, terms)
    return SmallMarket(arrays=span.risk_arrays(table, snapshot), fees=usual.fees)


def test_a_price_in_doubt_costs_its_surcharge_in_initial_and_maintenance() -> None:
    """[COL-06] 1 % of 0.1 x 100,000 is 100 a lot"""
    sure, doubted = market(), market(PERPETUAL=10_000)
    for lots in (3, -3):
        plain, dearer = (
            AccountRisk.of(each.portfolio(50_000, PERPETUAL=lots), each.arrays).risk
            for each in (sure, doubted)
        )
        assert dearer.initial == plain.initial + 300 * USD
        assert dearer.maintenance == plain.maintenance + 300 * USD
        assert dearer.equity == plain.equity


def test_a_surcharge_is_rounded_up() -> None:
    """[COL-06] 0.1 x 104,000 x 1e-6 is 10,400 millionths, and 0.3 of that rounds up"""
    assert market(FAR=1).arrays.surcharge_i[market().row("FAR")] == 10_400
    assert market(COIN_FAR=1).arrays.surcharge_i[market().row("COIN-FAR")] == 10
    odd = small_market(marks={"FAR": 104_000.000003})
    ppm_i = np.where(np.arange(len(odd.table)) == odd.row("FAR"), 1, 0)
    snapshot = replace(odd.arrays.snapshot, surcharge_ppm_i=read_only(ppm_i))
    assert odd.arrays.model.risk_arrays(odd.table, snapshot).surcharge_i[odd.row("FAR")] == 10_401


def test_an_order_puts_its_surcharge_up_and_gives_it_back() -> None:
    """[COL-06]"""
    doubted = market(PERPETUAL=10_000)
    portfolio = doubted.portfolio(50_000)
    asked = doubted.question(portfolio, doubted.leg("PERPETUAL", 2, "100000"))
    plain = decide(market().question(portfolio, doubted.leg("PERPETUAL", 2, "100000")))
    outcome = decide(asked)
    assert outcome.is_accepted
    assert outcome.exactness is Exactness.BOUND
    assert plain.exactness is Exactness.EXACT
    assert outcome.after.initial == plain.after.initial + 200 * USD
    assert outcome.after.maintenance == plain.after.maintenance
    account = asked.account
    account.hold(outcome.hold)
    assert account.risk.initial == outcome.after.initial
    account.release(outcome.hold)
    assert account.risk == outcome.before


def test_a_surcharge_alone_is_exact_and_has_words() -> None:
    """[COL-06, COL-07]"""
    doubted = market(PERPETUAL=10_000)
    account = AccountRisk.of(doubted.portfolio(50_000, PERPETUAL=3), doubted.arrays)
    (*_, added) = account.requirements()
    assert (added.subject, added.total, added.is_exact) == ("price surcharge", 300 * USD, True)
    assert added.charges == ((Charge.PRICE_SURCHARGE, 300 * USD),)
    (*_, part) = explanation(account).parts
    (charge,) = part.parts
    assert (charge.name, charge.amount) == ("price_surcharge", 300 * USD)
    assert [(each.subject, each.amount) for each in charge.parts] == [("BTC", 300 * USD)]


def test_what_closes_a_position_passes_in_a_margin_call_though_its_price_is_in_doubt() -> None:
    """[COL-06, DEC-02] 5 % is far beyond the allowance; more than closing does not pass"""
    doubted = market(PERPETUAL=50_000)
    portfolio = doubted.portfolio(4_000, PERPETUAL=-3)
    assert not AccountRisk.of(portfolio, doubted.arrays).risk.is_margined
    for lots, passes in ((1, True), (3, True), (4, False)):
        question = doubted.question(portfolio, doubted.leg("PERPETUAL", lots, "100000"))
        assert decide(question).is_accepted is passes
    assert max_order_size(question) == (3, RejectReason.STILL_UNDERMARGINED)


def test_an_order_for_coins_beyond_their_cap_holds_what_will_not_count() -> None:
    """[COL-04, COL-05] two coins are held, ten lots bring one more: 50,000 lie beyond 250,000"""
    capped = market(CAPPED)
    portfolio = capped.portfolio(200_000, 2 * COIN)
    question = capped.question(portfolio, capped.leg("BTC", 10, "100000"))
    plain = decide(market().question(portfolio, capped.leg("BTC", 10, "100000")))
    outcome = decide(question)
    assert outcome.after.initial == plain.after.initial + 50_000 * USD + 3  # rounding, per lot
    assert outcome.exactness is Exactness.BOUND
    (*_, added) = question.account.requirements(outcome.hold)
    assert (added.subject, added.total) == ("collateral", 50_000 * USD + 3)
    filled = AccountRisk.of(capped.portfolio(100_000, 3 * COIN), capped.arrays).risk
    assert filled.equity == 350_000 * USD
    assert filled.headroom == outcome.after.headroom + 3


def test_coins_beyond_their_cap_may_be_sold_and_not_be_bought_in_a_margin_call() -> None:
    """[COL-04, DEC-02]"""
    capped = market(CAPPED)
    portfolio = capped.portfolio(-220_000, 4 * COIN)
    assert not AccountRisk.of(portfolio, capped.arrays).risk.is_margined
    for lots, passes in ((-5, True), (5, False)):
        question = capped.question(portfolio, capped.leg("BTC", lots, "100000"))
        assert decide(question).is_accepted is passes


@pytest.mark.parametrize("usd", [100_000, 300_000, 2_000_000])
def test_the_largest_purchase_of_coins_with_a_cap_is_the_largest(usd: int) -> None:
    """[COL-05, DEC-06]"""
    capped = market(CAPPED)
    question = capped.question(capped.portfolio(usd, COIN), capped.leg("BTC", 1, "100000"))
    largest, reason = max_order_size(question)
    for lots in range(1, largest + 1):
        asked = capped.question(question.portfolio, capped.leg("BTC", lots, "100000"))
        assert decide(asked).is_accepted, lots
    asked = capped.question(question.portfolio, capped.leg("BTC", largest + 1, "100000"))
    assert decide(asked).reason is reason is not RejectReason.NONE


def test_dollar_coins_are_collateral_and_may_be_bought_and_sold() -> None:
    """[COL-01, COL-03]"""
    pegged = market(DOLLARS, dollar=1.0)
    portfolio = pegged.portfolio(1_000)
    portfolio.cash["USDC"] = 10_000 * COIN
    asked = pegged.question(portfolio, pegged.leg("USDC", -4_000, "0.998"))
    outcome = decide(asked)
    assert outcome.is_accepted
    assert outcome.before.equity == (1_000 + 9_950) * USD
    assert outcome.after.initial == 0  # 0.998 is more than the 0.995 that they count
    bought = decide(pegged.question(portfolio, pegged.leg("USDC", 500, "1.001")))
    assert bought.is_accepted
    assert bought.after.initial == 3 * USD  # 500 x (1.001 - 0.995)
    lost = market(DOLLARS, dollar=0.93)
    fallen = AccountRisk.of(portfolio, lost.arrays).risk
    assert fallen.equity == (1_000 + 8_370) * USD
    assert [each.group for each in scenario_tables(asked.account)] == []
    assert max_order_size(pegged.question(portfolio, pegged.leg("USDC", -1, "0.998")))[0] == 10_000


def test_coins_off_their_peg_may_be_sold_in_a_margin_call_and_not_be_bought() -> None:
    """[COL-01, COL-03, DEC-02] more than is owned would be a debt"""
    lost = market(DOLLARS, dollar=0.93)
    portfolio = lost.portfolio(0, PERPETUAL=10)
    portfolio.cash["USDC"] = 16_000 * COIN
    assert not AccountRisk.of(portfolio, lost.arrays).risk.is_margined
    for lots, passes in ((-1, True), (-16_000, True), (-16_001, False), (1, False)):
        question = lost.question(portfolio, lost.leg("USDC", lots, "0.93"))
        assert decide(question).is_accepted is passes, lots
    assert max_order_size(lost.question(portfolio, lost.leg("USDC", -1, "0.93")))[0] == 16_000


def test_nothing_but_spot_of_mere_collateral_is_traded() -> None:
    """[COL-01] SOL has a perpetual here and no parameters"""
    terms = CollateralTerms({"SOL": AssetTerms(haircut_ppm=100_000, debt_haircut_ppm=100_000)})
    held = market(terms)
    portfolio = held.portfolio(10_000)
    portfolio.cash["SOL"] = 100 * COIN
    question = held.question(portfolio, held.leg("SOL-PERPETUAL", 1, "150"))
    assert question.account.risk.equity == (10_000 + 13_500) * USD
    assert decide(question).reason is RejectReason.INSTRUMENT_NOT_TRADABLE
    assert decide(held.question(portfolio, held.leg("PERPETUAL", 1, "100000"))).is_accepted


def test_dollar_coins_carry_a_position_until_their_peg_is_lost() -> None:
    """[COL-03] a fall of 7 % takes 15.9 % of equity: the order that passed is refused"""
    for dollar, reason in (
        (1.0, RejectReason.NONE),
        (0.93, RejectReason.INSUFFICIENT_INITIAL_MARGIN),
    ):
        at = market(DOLLARS, dollar=dollar)
        portfolio = at.portfolio(0)
        portfolio.cash["USDC"] = 16_000 * COIN
        question = at.question(portfolio, at.leg("PERPETUAL", 10, "100000"))
        assert decide(question).reason is reason


def test_what_assets_count_adds_up_to_equity() -> None:
    """[COL-07]"""
    terms = CollateralTerms({**CAPPED.assets, **DOLLARS.assets})
    lost = market(terms, dollar=0.93)
    portfolio = lost.portfolio(1_000, 3 * COIN, CALL=-1)
    portfolio.cash["USDC"] = 10_000 * COIN
    account = AccountRisk.of(portfolio, lost.arrays)
    usd, coin, dollars = collateral_values(account)
    assert usd == CollateralValue(
        asset="USD", units=980 * USD - 1, index_nano=NANO, value=980 * USD - 1
    )
    assert (coin.value, coin.haircut, coin.beyond_cap, coin.counted) == (
        *(300_000 * USD, 0, 50_000 * USD),
        250_000 * USD,
    )
    assert (dollars.value, dollars.haircut, dollars.is_depegged) == (9_300 * USD, 930 * USD, True)
    assert sum(each.counted for each in (usd, coin, dollars)) == account.equity


def test_a_market_without_doubt_and_terms_charges_nothing() -> None:
    usual = market()
    assert not usual.arrays.has_own_charges
    assert market(PERPETUAL=1).arrays.has_own_charges
    assert market(CAPPED).arrays.has_own_charges
    free = CollateralTerms({"BTC": AssetTerms(haircut_ppm=1, debt_haircut_ppm=2)})
    assert not market(free).arrays.has_own_charges


def test_sizes_are_named_where_a_cap_or_what_is_owned_comes_to_its_end() -> None:
    """[DEC-06] 1.5 coins to the cap, 0.1 a lot; 16,000 dollar coins, 300 a lot"""
    capped, pegged = market(CAPPED), market(DOLLARS, dollar=1.0)
    account = AccountRisk.of(capped.portfolio(0, COIN), capped.arrays)
    before = account.peek(capped.arrays.group_i[capped.row("BTC")])
    filled = before.positions_copy()
    filled.move_coin(COIN // 10)
    bought = OrderTotals.empty(1)
    bought.coin_up, bought.surcharge = COIN // 10, 1
    assert set(own_kinks(before, filled, bought, (7,))) == {7, 15, 16}
    portfolio = pegged.portfolio(0)
    portfolio.cash["USDC"] = 16_000 * COIN
    held = AccountRisk.of(portfolio, pegged.arrays).peek(pegged.table.underlyings.index("USDC"))
    sold = OrderTotals.empty(1)
    sold.coin_down = 300 * COIN
    assert list(own_kinks(held, held, sold, ())) == [53]
