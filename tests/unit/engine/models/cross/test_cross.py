"""Every position for itself, on paper. BTC at 100,000, lots of 0.1 coin or 10 USD."""

from decimal import Decimal

import pytest

from margingate_engine.core.charges import Charge
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.cross import CrossModel
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import Portfolio, Position
from tests.unit.engine.models.cross.standard_market import STANDARD, standard_market
from tests.unit.engine.small_market import COIN, NEAR_NS, USD, SmallMarket

MARKET = standard_market()


def risk_of(market: SmallMarket = MARKET, usd: int = 0, /, **lots: int) -> AccountRisk:
    return AccountRisk.of(market.portfolio(usd, **lots), market.arrays)


@pytest.mark.parametrize(
    ("name", "initial", "maintenance"),
    [
        ("CALL", 1_020, 770),  # 12 % out of the money: the least ratio, 10 %, and the mark
        ("PUT", 1_010, 760),
        ("FAR_CALL", 2_700, 1_950),  # in the money: 15 % of 10,000, and 1,200
        ("COIN_CALL", 3_500, 2_750),  # quoted in coins: 0.2 x 0.1 coin
        ("COIN_PUT", 1_010, 760),
    ],
)
def test_a_short_option_requires_its_ratio_and_its_mark(
    name: str, initial: int, maintenance: int
) -> None:
    """[CROSS-02, CROSS-05]"""
    risk = risk_of(**{name: -3}).risk
    assert risk.initial == 3 * initial * USD
    assert risk.maintenance == 3 * maintenance * USD


def test_the_ratio_falls_with_the_distance_to_the_strike() -> None:
    """[CROSS-02] at 109,000 the call is 3,000 out of the money"""
    market = standard_market(index=109_000.0)
    assert risk_of(market, CALL=-1).risk.initial == (1_635 - 300 + 20) * USD


def test_a_dear_put_requires_a_share_of_its_mark() -> None:
    """[CROSS-02, CROSS-05] 0.9 of a mark of 5,000 is more than 15 % of 10,000"""
    market = standard_market(marks={"PUT": 50_000.0}, put_maintenance_of_mark=Decimal("0.9"))
    risk = risk_of(market, PUT=-1).risk
    assert (risk.initial, risk.maintenance) == (9_500 * USD, 9_500 * USD)


def test_a_future_requires_more_of_its_notional_the_larger_it_is() -> None:
    """[CROSS-02, CROSS-05] 10 lots are 1.01 coins at the index: 2 % and 0.00505 % of 101,000"""
    assert risk_of(NEAR=10).risk.initial == 2_025_100_500
    assert risk_of(NEAR=-10).risk.initial == 2_025_100_500
    assert risk_of(NEAR=10).risk.maintenance == 1_015_100_500
    assert risk_of(COIN_PERPETUAL=1_000).risk.initial == 200_050_000  # 10,000 USD, 0.1 coin


def test_the_ratio_of_a_future_stops_at_its_notional() -> None:
    """[CROSS-02]"""
    market = standard_market(future_initial_slope=Decimal(1))
    assert risk_of(market, PERPETUAL=30).risk.initial == 300_000 * USD


def test_positions_do_not_hedge_one_another() -> None:
    """[CROSS-01]"""
    risk = risk_of(CALL=-1, FAR_CALL=1, NEAR=10, PERPETUAL=-10).risk
    assert risk.initial == 1_020 * USD + 2_025_100_500 + 2_005 * USD  # 1 coin: 2.005 %
    assert risk.initial == sum(
        risk_of(**one).risk.initial for one in ({"CALL": -1}, {"NEAR": 10}, {"PERPETUAL": -10})
    )


def test_what_is_required_is_named() -> None:
    """[CROSS-01]"""
    (requirement,) = risk_of(CALL=-1, NEAR=10).requirements()
    assert dict(requirement.charges) == {
        Charge.SHORT_OPTION_MARGIN: 1_020 * USD,
        Charge.FUTURE_MARGIN: 2_025_100_500,
    }
    assert requirement.binding == (Charge.FUTURE_MARGIN, 2_025_100_500)
    assert not requirement.is_exact


def test_options_are_no_equity_and_results_of_futures_are() -> None:
    """[CROSS-03] entered at 100,000 the future has gained 0.1 x 1,000"""
    portfolio = MARKET.portfolio(5_000, CALL=3, COIN_CALL=2, PUT=-4)
    portfolio.positions[MARKET.row("NEAR")] = Position(1, -10_000 * USD)
    assert AccountRisk.of(portfolio, MARKET.arrays).equity == 5_100 * USD


def test_coins_count_less_their_haircut_and_debts_more() -> None:
    """[CROSS-03]"""
    market = standard_market(collateral_haircut=Decimal("0.1"))
    for coins, equity in ((COIN, 90_000), (-COIN, -110_000)):
        taken = AccountRisk.of(market.portfolio(0, coins), market.arrays)
        assert taken.equity == equity * USD


def with_order(name: str, lots: int, price: str, **held: int) -> tuple[int, int]:
    """(headroom lost by an open order, by its fill in full), in 1e-6 USD."""
    bare = MARKET.portfolio(50_000, **held)
    before = AccountRisk.of(bare, MARKET.arrays).risk.headroom
    leg = MARKET.open_leg(name, lots, price)
    bare.legs["o"] = (leg,)
    waiting = AccountRisk.of(bare, MARKET.arrays).risk.headroom
    after = filled(name, lots, price, **held)
    return before - waiting, before - after


def filled(name: str, lots: int, price: str, **held: int) -> int:
    """Headroom when the order has filled at its limit."""
    together = {**held, name.replace("-", "_"): held.get(name.replace("-", "_"), 0) + lots}
    portfolio = MARKET.portfolio(50_000, **{key: each for key, each in together.items() if each})
    instrument = MARKET.instrument(name)
    if not instrument.is_future:
        coins = -lots * Decimal(price) / 10
        if instrument.settlement_asset == "USD":
            portfolio.cash["USD"] += int(coins * USD)
        else:
            portfolio.cash["BTC"] += int(coins * COIN)
    return AccountRisk.of(portfolio, MARKET.arrays).risk.headroom


def test_a_short_option_sold_at_its_mark_costs_its_margin_less_the_mark() -> None:
    """[CROSS-03, CROSS-04] nothing else, to the last unit"""
    assert with_order("CALL", -1, "200") == (1_000 * USD, 1_000 * USD)
    assert with_order("COIN-CALL", -1, "0.2") == (1_500 * USD, 1_500 * USD)


def test_a_sale_above_the_mark_is_not_credited_beyond_it_and_one_below_costs_the_difference() -> (
    None
):
    """[CROSS-04] the unit is the rounding of the mark"""
    assert with_order("CALL", -1, "250") == (1_000 * USD - 1, 995 * USD)
    assert with_order("CALL", -1, "150") == (1_005 * USD, 1_005 * USD)


def test_a_long_option_bought_at_its_mark_costs_its_whole_premium() -> None:
    """[CROSS-03, CROSS-04]"""
    assert with_order("CALL", 1, "200") == (20 * USD, 20 * USD)
    assert with_order("COIN-CALL", 2, "0.2") == (4_000 * USD, 4_000 * USD)


def test_buying_a_short_back_costs_nothing_while_it_waits() -> None:
    """[CROSS-04] not filled is one of its fills; filled it frees 1,020 for 20"""
    assert with_order("CALL", 3, "200", CALL=-3) == (0, -3_000 * USD)


def test_selling_what_is_held_costs_nothing_at_any_limit() -> None:
    """[CROSS-04] even below the mark: it brings cash where the option counted nothing"""
    assert with_order("CALL", -3, "150", CALL=3) == (0, -45 * USD)


def test_a_future_on_order_requires_the_larger_of_both_extremes() -> None:
    """[CROSS-04] sold alone, too"""
    assert with_order("NEAR", -10, "101000")[0] == 2_025_100_510  # and a unit a lot of reserve
    portfolio = MARKET.portfolio(50_000, NEAR=4)
    portfolio.legs["buy"] = (MARKET.open_leg("NEAR", 6, "101000"),)
    portfolio.legs["sell"] = (MARKET.open_leg("NEAR", -9, "101000"),)
    assert AccountRisk.of(portfolio, MARKET.arrays).risk.initial == 2_025_100_509
    assert AccountRisk.of(portfolio, MARKET.arrays).positions_risk.initial == (
        risk_of(NEAR=4).risk.initial
    )


def test_maintenance_knows_no_orders() -> None:
    """[CROSS-05]"""
    portfolio = MARKET.portfolio(50_000, NEAR=10)
    portfolio.legs["buy"] = (MARKET.open_leg("NEAR", 60, "101000"),)
    assert AccountRisk.of(portfolio, MARKET.arrays).risk.maintenance == 1_015_100_500


@pytest.mark.parametrize(
    ("name", "owed"),
    [("CALL", 20), ("PUT", 10), ("COIN_CALL", 2_000), ("COIN_PUT", 10), ("NEAR", 0)],
)
def test_what_has_expired_requires_its_last_mark_alone(name: str, owed: int) -> None:
    """[CROSS-06]"""
    market = standard_market(market_time_ns=NEAR_NS)
    for lots in (-3, 3):
        taken = risk_of(market, 50_000, **{name: lots})
        is_short = lots < 0 and name != "NEAR"
        assert taken.risk.initial == taken.risk.maintenance == 3 * owed * USD * is_short
        assert taken.equity == 50_000 * USD - (3 if name == "NEAR" and lots < 0 else 0)


def refusal(**changes: object) -> tuple[str, str]:
    """(field, problem) of the parameters with these changes; None takes one away."""
    table = {name: each for name, each in {**STANDARD, **changes}.items() if each is not None}
    with pytest.raises(InvalidInput) as refused:
        CrossModel.from_mapping({"BTC": table})
    return refused.value.field, refused.value.problem


@pytest.mark.parametrize("name", sorted(STANDARD))
def test_each_parameter_is_required_bounded_and_refused_by_name(name: str) -> None:
    """[CROSS-02]"""
    assert refusal(**{name: None}) == (f"BTC.{name}", "is missing")
    for wrong in (Decimal("1.1"), Decimal(-1), Decimal("0.1234567"), Decimal("NaN"), "0.1", True):
        assert refusal(**{name: wrong})[0] == f"BTC.{name}"
    assert refusal(surprise=Decimal(1)) == ("BTC.surprise", "is not a parameter of cross")


@pytest.mark.parametrize(
    ("name", "above"),
    [
        ("short_maintenance", "short_initial_minimum"),
        ("future_maintenance", "future_initial"),
        ("future_maintenance_slope", "future_initial_slope"),
    ],
)
def test_maintenance_above_initial_is_refused(name: str, above: str) -> None:
    """[CROSS-02]"""
    assert refusal(**{name: Decimal("0.9")}) == (f"BTC.{name}", f"must not be above {above}")


def test_the_digest_follows_every_parameter_and_not_their_order() -> None:
    """[CROSS-02]"""
    one = CrossModel.from_mapping({"BTC": STANDARD})
    backwards = CrossModel.from_mapping({"BTC": dict(reversed(list(STANDARD.items())))})
    assert one.parameters_digest == backwards.parameters_digest
    for name in STANDARD:
        step = Decimal("-0.000001" if "maintenance" in name else "0.000001")
        changed = {**STANDARD, name: Decimal(str(STANDARD[name])) + step}
        other = CrossModel.from_mapping({"BTC": changed})
        assert other.parameters_digest != one.parameters_digest


def test_an_underlying_without_parameters_is_not_margined() -> None:
    """[CROSS-02]"""
    assert MARKET.arrays.unmodelled == {"SOL"}
    assert not MARKET.arrays.priced_i[MARKET.row("SOL-PERPETUAL")]


def test_nothing_requires_nothing() -> None:
    assert AccountRisk.of(Portfolio(fees=MARKET.fees), MARKET.arrays).risk.initial == 0
