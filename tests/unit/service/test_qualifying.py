"""The one definition of the equity that a regime asks for."""

from fractions import Fraction

import pytest

from margingate_engine.core.amounts import MICRO
from margingate_server.service.qualifying import qualifying_equity, unpermitted
from tests.unit.service.regime_desk import FUTURES_ONLY, change, regime_desk
from tests.unit.service.small_desk import SmallDesk, small_desk, update


def equity(desk: SmallDesk) -> int | None:
    view = desk.shard.market.view
    return qualifying_equity(desk.account().portfolio, view.table, view.snapshot)


def test_cash_and_coins_count_whole() -> None:
    assert equity(small_desk().open(usd="12.5", coins="0.5")) == 50_012_500_000


def test_positions_count_as_if_closed_at_their_marks() -> None:
    desk = small_desk().open(usd="100000")
    desk.hold(NEAR=-3, CALL=2, COIN_PERPETUAL=7)
    desk.quote(update(index=90_000.0))
    table = desk.state.table
    call = table.instruments[desk.row("CALL")]
    assert call.settlement_asset == "USD"
    options = Fraction(2 * call.size_nano * 200, 10**9) * MICRO
    # Neither future moved against its mark, at which it was entered.
    assert equity(desk) == 100_000 * MICRO + options


def test_a_debt_counts_against_it_and_is_rounded_against_the_account() -> None:
    desk = small_desk().open()
    desk.account().portfolio.cash["BTC"] = -1
    assert equity(desk) == -1
    desk.account().portfolio.cash["BTC"] = 1
    assert equity(desk) == 0


def test_the_model_has_no_say_in_it() -> None:
    desk = regime_desk().open(usd="100000", coins="1")
    desk.hold(NEAR=5, CALL=-3, COIN_CALL=4)
    by_span = equity(desk)
    change(desk, "cross", is_forced=True)
    assert equity(desk) == by_span


@pytest.mark.parametrize("holding", ["coins", "position"])
def test_without_a_price_of_something_there_is_none(holding: str) -> None:
    desk = small_desk().open(usd="5")
    if holding == "coins":
        desk.account().portfolio.cash["DOGE"] = 1
    else:
        desk.hold(NEAR=1)
        view = desk.shard.market.view
        marks = view.snapshot.mark_nano_i.copy()
        marks[desk.row("NEAR")] = -1
        object.__setattr__(view.snapshot, "mark_nano_i", marks)
    assert equity(desk) is None


def test_a_regime_without_lists_permits_everything() -> None:
    table = small_desk().state.table
    rows = range(len(table))
    refused = unpermitted(FUTURES_ONLY, table, rows)
    assert {table.instruments[row].name for row in rows} - {
        table.instruments[row].name for row in refused
    } == {
        each.name
        for each in table.instruments
        if each.kind.value in {"future", "perpetual"} and each.underlying == "BTC"
    }
    asks_nothing = type(FUTURES_ONLY)(model="x")
    assert unpermitted(asks_nothing, table, rows) == ()
