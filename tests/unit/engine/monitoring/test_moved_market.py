"""A market after a move of one coin, or later, against the rows of the same move. [MON-13]"""

from dataclasses import fields
from decimal import Decimal

import numpy as np
import pytest

from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.models.registry import model
from margingate_engine.monitoring.moved_market import later_market, moved_market
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.flows import fill_flow
from margingate_engine.portfolio.holdings import Portfolio, Position
from tests.property.chain import DAY_NS, FEES, MARKET_TIME_NS, PARAMETERS, chain
from tests.unit.engine.small_market import small_market


def same(one: MarketSnapshot, other: MarketSnapshot) -> bool:
    return all(
        np.array_equal(getattr(one, each.name), getattr(other, each.name)) for each in fields(one)
    )


def test_no_move_and_no_time_change_nothing() -> None:
    table, snapshot = chain()
    assert same(moved_market(table, snapshot, "BTC", 0), snapshot)
    assert same(later_market(table, snapshot, snapshot.market_time_ns), snapshot)


def test_the_other_coin_stays_and_the_market_that_was_moved_is_as_it_was() -> None:
    table, snapshot = chain()
    before = snapshot.mark_nano_i.copy()
    moved = moved_market(table, snapshot, "BTC", 200_000)
    btc, eth = (table.underlyings.index(each) for each in ("BTC", "ETH"))
    assert moved.index_nano_u[btc] == snapshot.index_nano_u[btc] * 6 // 5
    assert moved.index_nano_u[eth] == snapshot.index_nano_u[eth]
    of_eth = table.underlying_i == eth
    assert np.array_equal(moved.mark_nano_i[of_eth], snapshot.mark_nano_i[of_eth])
    assert np.array_equal(moved.vol_nano_i, snapshot.vol_nano_i)
    assert np.array_equal(snapshot.mark_nano_i, before)
    assert not moved.mark_nano_i.flags.writeable


@pytest.mark.parametrize(("move_ppm", "scenario"), [(450_000, 14), (-450_000, 15)])
def test_equity_moves_by_what_the_scan_says_of_the_same_move(move_ppm: int, scenario: int) -> None:
    """The extreme scenarios of SPAN move 45 % with vols as they are; there is no time in it."""
    table, snapshot = chain()
    plain = {"extreme_cover": Decimal(1), "look_ahead_days": Decimal(0)}
    span = model("span", {coin: {**each, **plain} for coin, each in PARAMETERS.items()})
    arrays = span.risk_arrays(table, snapshot)
    after = span.risk_arrays(table, moved_market(table, snapshot, "BTC", move_ppm))
    for row, instrument in enumerate(table.instruments):
        if instrument.underlying != "BTC" or instrument.kind is InstrumentKind.SPOT:
            continue
        for lots in (1_000, -1_000):
            mark_nano = int(snapshot.mark_nano_i[row])
            entry = fill_flow(instrument, lots, mark_nano) if instrument.is_future else 0
            portfolio = Portfolio(fees=FEES, positions={row: Position(lots, entry)})
            before, moved = (AccountRisk.of(portfolio, each).equity for each in (arrays, after))
            expected = lots * int(arrays.pnl_ir[row][scenario])
            # A mark in coins is off the model's value by up to half a tick, which moves along.
            is_coin_paid = instrument.settlement_asset == "BTC" and not instrument.is_future
            about_usd = 0.8 if is_coin_paid else 0.0002
            about = pytest.approx(expected, rel=1e-6, abs=abs(lots) * about_usd * 1e6)
            assert moved - before == about, instrument.name


def test_an_expired_option_keeps_its_last_mark() -> None:
    market = small_market(market_time_ns=30 * DAY_NS)
    moved = moved_market(market.table, market.arrays.snapshot, "BTC", 500_000)
    row = market.row("CALL")
    assert moved.mark_nano_i[row] == market.arrays.snapshot.mark_nano_i[row]
    assert (
        moved.mark_nano_i[market.row("FAR-CALL")]
        > market.arrays.snapshot.mark_nano_i[market.row("FAR-CALL")]
    )


def test_later_options_are_worth_less_and_futures_the_same() -> None:
    table, snapshot = chain()
    later = later_market(table, snapshot, MARKET_TIME_NS + 5 * DAY_NS)
    lives = table.is_option_i & (table.expiry_ns_i > later.market_time_ns)
    assert (later.mark_nano_i[lives] <= snapshot.mark_nano_i[lives]).all()
    assert (later.mark_nano_i[lives] < snapshot.mark_nano_i[lives]).any()
    assert np.array_equal(later.mark_nano_i[~lives], snapshot.mark_nano_i[~lives])
    assert (later.mark_nano_i >= 0).all()
