"""One portfolio under several models, worked out on paper: BTC at 100,000, lots of 0.1 coin."""

from decimal import Decimal

import pytest

from margingate_engine.check.compare import (
    Holding,
    bought_at_marks,
    closed_at_marks,
    compared,
    gain,
    regime_figures,
)
from margingate_engine.core.errors import MissingData
from margingate_engine.models.registry import MarginModel, model
from margingate_engine.portfolio.holdings import Portfolio, Position
from tests.unit.engine.small_market import COIN, NO_FEES, USD, small_market

MARKET = small_market()
TABLE, SNAPSHOT = MARKET.table, MARKET.arrays.snapshot
SPAN = MARKET.arrays.model
CROSS_PARAMETERS: dict[str, object] = {
    "short_initial": Decimal("0.15"),
    "short_initial_minimum": Decimal("0.1"),
    "short_maintenance": Decimal("0.075"),
    "put_maintenance_of_mark": Decimal("0.075"),
    "future_initial": Decimal("0.02"),
    "future_initial_slope": Decimal("0.00005"),
    "future_maintenance": Decimal("0.01"),
    "future_maintenance_slope": Decimal("0.00005"),
    "collateral_haircut": Decimal(0),
}
CROSS = model("cross", {"BTC": CROSS_PARAMETERS})


def bought(lots_by_name: dict[str, int], **collateral: int) -> Holding:
    lots_by_row = {MARKET.row(name): lots for name, lots in lots_by_name.items()}
    return bought_at_marks(collateral or {"USD": 10**6 * USD}, lots_by_row, TABLE, SNAPSHOT)


def used(margin_model: MarginModel, lots_by_name: dict[str, int], **collateral: int) -> int:
    holding = bought(lots_by_name, **collateral)
    return regime_figures(margin_model, holding, TABLE, SNAPSHOT).capital_used


@pytest.mark.parametrize("margin_model", [SPAN, CROSS])
def test_an_empty_portfolio_uses_no_capital(margin_model: MarginModel) -> None:
    assert used(margin_model, {}, USD=7, BTC=3 * COIN) == 0


def test_without_option_value_a_long_option_uses_its_premium() -> None:
    assert used(CROSS, {"CALL": 10}) == 200 * USD
    assert used(CROSS, {"COIN-CALL": 1}) == 2_000 * USD  # 0.1 x 0.2 coins at 100,000
    assert used(CROSS, {"FAR-CALL": 10}) == 12_000 * USD


def test_with_option_value_a_long_option_uses_what_it_can_lose() -> None:
    # The call beyond the money has lost its premium already in the model's eyes; 12,000 of the
    # call in the money are gone when the price falls by 15 %.
    assert used(SPAN, {"CALL": 10}) == 0
    assert used(SPAN, {"FAR-CALL": 10}) == 12_000 * USD


def test_a_short_option_uses_its_requirement_less_the_premium_in_every_regime() -> None:
    # cross: a coin short requires max(0.15 - 0.12, 0.1) x 100,000 + 200 and brings 200.
    assert used(CROSS, {"CALL": -10}) == 10_000 * USD
    # span: +15 % makes it worth 3,000; +45 % weighted 0.33 makes it 10,890; each lot owes 1e-6.
    assert used(SPAN, {"CALL": -10}) == 10_890 * USD + 10


def test_coins_that_are_bought_are_collateral_in_every_regime() -> None:
    assert used(CROSS, {"BTC": 10}) == 0
    assert used(SPAN, {"BTC": 10}) == 15_000 * USD
    holding = bought({"BTC": 10}, USD=5 * USD)
    assert holding.portfolio.cash == {"USD": 5 * USD - 100_000 * USD, "BTC": COIN}
    assert holding.portfolio.positions == {}


def test_a_future_is_entered_at_its_mark_and_uses_its_margin() -> None:
    # 2 % and 0.005 % more for each of 1.01 coins.
    assert used(CROSS, {"NEAR": 10}) == 101_000 * USD * 200_505 // 10**7
    holding = bought({"NEAR": 10, "COIN-PERPETUAL": -3})
    assert holding.portfolio.cash == {"USD": 10**6 * USD}
    entries = {row: each.entry for row, each in holding.portfolio.positions.items()}
    assert entries == {
        MARKET.row("NEAR"): -101_000 * USD,
        MARKET.row("COIN-PERPETUAL"): -3 * COIN * 10 // 100_000,
    }


def test_coins_of_the_collateral_cover_a_short_call_where_they_are_scanned() -> None:
    covered = used(SPAN, {"FAR-CALL": -10}, USD=0, BTC=COIN)
    assert covered < used(SPAN, {"FAR-CALL": -10}, USD=10**6 * USD)
    assert covered < 0, "the coin alone loses more than the coin with the call sold"


def test_net_option_value_is_that_of_the_marks_whatever_equity_has() -> None:
    holding = bought({"CALL": 10, "PUT": -10, "COIN-CALL": -1, "NEAR": 5})
    for margin_model in (SPAN, CROSS):
        figures = regime_figures(margin_model, holding, TABLE, SNAPSHOT)
        assert figures.net_option_value == (200 - 100 - 2_000) * USD


def test_closing_what_was_bought_leaves_the_collateral() -> None:
    holding = bought({"CALL": 3, "COIN-PUT": -2, "NEAR": 4, "COIN-FAR": -5}, USD=USD, BTC=COIN)
    again = closed_at_marks(holding.portfolio, TABLE, SNAPSHOT)
    assert again.portfolio.positions == holding.portfolio.positions
    assert again.collateral["USD"] == USD
    # What no coin can be split into is rounded down once when bought and once when sold.
    assert COIN - 1 <= again.collateral["BTC"] <= COIN


def test_profit_that_is_not_realised_yet_is_collateral_of_who_closes() -> None:
    portfolio = Portfolio(
        fees=NO_FEES,
        cash={"USD": 50 * USD},
        positions={MARKET.row("NEAR"): Position(10, -100_000 * USD)},
        legs={"o": (MARKET.open_leg("CALL", -1, "200"),)},
    )
    holding = closed_at_marks(portfolio, TABLE, SNAPSHOT)
    assert holding.collateral == {"USD": 1_050 * USD}
    assert holding.portfolio.legs == {}


def test_every_model_has_a_line_and_one_without_parameters_says_for_what() -> None:
    empty_cross = model("cross", {"SOL": CROSS_PARAMETERS})
    first, second = compared([empty_cross, SPAN], bought({"CALL": -10}), TABLE, SNAPSHOT)
    assert (first.model.name, first.figures, first.missing) == ("cross", None, "CALL")
    assert second.figures is not None
    assert (second.missing, second.figures.risk.initial) == ("", 10_890 * USD)
    assert second.figures.is_exact
    (requirement,) = second.figures.requirements
    assert requirement.words == "price +3x, weight 0.33"


def test_what_has_no_price_is_missing_of_the_market_not_of_a_model() -> None:
    dark = small_market(marks={"CALL": 0.0, "NEAR": 0.0})
    with pytest.raises(MissingData) as missing:
        bought_at_marks({}, {dark.row("NEAR"): 1}, dark.table, dark.arrays.snapshot)
    assert missing.value.subject == "NEAR"
    with pytest.raises(MissingData) as missing:
        compared([CROSS], bought({}, DOGE=1), TABLE, SNAPSHOT)
    assert missing.value.subject == "DOGE"


def test_gain_is_the_share_of_the_reference_that_stays_free() -> None:
    assert gain(300, 1_000) == 0.7
    assert gain(-100, 1_000) == 1.1
    assert gain(300, 0) is None
    assert gain(300, -5) is None
