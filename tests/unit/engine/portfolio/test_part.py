"""Holdings on a market of their own."""

from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.part import own_market
from tests.unit.engine.small_market import small_market

MARKET = small_market()


def test_holdings_keep_margin_and_wallets_and_lose_their_orders() -> None:
    held = MARKET.portfolio(20_000, 1, FAR_PUT=-2, CALL=3)
    held.wallets[MARKET.row("FAR-PUT")] = 7
    alone = held.positions_only()
    held.legs["o"] = held.amendments["o"] = (MARKET.open_leg("NEAR", 5, "100000"),)
    own, table, snapshot = own_market(held, MARKET.table, MARKET.arrays.snapshot)
    assert [each.name for each in table.instruments] == [
        MARKET.table.instruments[row].name for row in sorted(held.positions)
    ]
    assert (own.legs, own.amendments) == ({}, {})
    assert own.wallets == {table.row_by_name["FAR-PUT"]: 7}
    arrays = MARKET.arrays.model.risk_arrays(table, snapshot)
    assert AccountRisk.of(own, arrays).risk == AccountRisk.of(alone, MARKET.arrays).risk


def test_a_coin_that_is_all_spent_needs_no_market() -> None:
    held = MARKET.portfolio(20_000)
    held.cash["BTC"] = 0
    _, table, _ = own_market(held, MARKET.table, MARKET.arrays.snapshot)
    assert not table.instruments
