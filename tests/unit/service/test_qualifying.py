"""The one definition of the equity that a regime asks for."""

from dataclasses import replace
from fractions import Fraction

import pytest

from margingate_engine.core.amounts import MICRO
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.holdings import Portfolio
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


def test_without_an_index_of_a_coin_there_is_none() -> None:
    desk = small_desk().open(usd="5")
    desk.account().portfolio.cash["DOGE"] = 1
    assert equity(desk) is None


@pytest.mark.parametrize("name", ["NEAR", "CALL", "COIN_PERPETUAL"])
def test_without_a_price_of_a_position_there_is_none(name: str) -> None:
    desk = small_desk().open(usd="5")
    desk.hold(**{name: -1_000})
    assert equity(desk) is not None
    assert qualifying_equity(*_unpriced(desk)) is None


def test_an_option_that_expired_unseen_has_none_though_its_age_does_not_count() -> None:
    """As after a restart whose newest market does not have its mark. [SPAN-18]"""
    desk = small_desk().open(usd="5")
    desk.hold(CALL=-1_000)
    portfolio, table, snapshot = _unpriced(desk)
    expired = replace(snapshot, market_time_ns=int(table.expiry_ns_i[desk.row("CALL")]))
    assert qualifying_equity(portfolio, table, expired) is None
    seen = replace(expired, observed_ns_i=desk.shard.market.view.snapshot.observed_ns_i)
    assert qualifying_equity(portfolio, table, seen) is not None


def _unpriced(desk: SmallDesk) -> tuple[Portfolio, InstrumentTable, MarketSnapshot]:
    """The account and the market, whose index alone was observed."""
    view = desk.shard.market.view
    empty, priced = MarketSnapshot.empty(view.table), view.snapshot
    snapshot = replace(empty, index_nano_u=priced.index_nano_u, observed_ns_u=priced.observed_ns_u)
    return desk.account().portfolio, view.table, snapshot


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
