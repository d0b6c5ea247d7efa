"""Margins of many accounts by sparse products are those of each account by itself, exactly."""

import random
from dataclasses import replace

import numpy as np
import pytest

from margingate_engine.core.errors import MissingData, ModelFailure
from margingate_engine.core.orders import Side
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.flows import fill_flow
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_engine.revaluation.account_figures import AccountFigures
from margingate_engine.revaluation.account_holdings import holdings_of
from margingate_engine.revaluation.holdings import Holdings
from margingate_engine.revaluation.revalue import revalued
from tests.property.chain import World, worlds
from tests.property.collateral_worlds import collateral_world
from tests.property.model_worlds import model_world
from tests.unit.engine.small_market import INSTRUMENTS, NANO, NEAR_NS, SmallMarket, small_market
from tests.worst_fills.books import book

ACCOUNTS = 60
ROUNDS = 6


def put(holdings: Holdings, world: World, account: str, version: int, portfolio: Portfolio) -> None:
    holdings.put(holdings_of(account, version, portfolio, world.table), world.table)


def figures(found: AccountFigures, account: str) -> tuple[int, int, int, int] | None:
    number = found.accounts.index(account)
    if not found.is_known_a[number]:
        return None
    arrays = found.equity_a, found.initial_a, found.maintenance_a, found.headroom_a
    equity, initial, maintenance, headroom = (int(each[number]) for each in arrays)
    return equity, initial, maintenance, headroom


def figures_alone(portfolio: Portfolio, arrays: RiskArrays) -> tuple[int, int, int, int] | None:
    try:
        account = AccountRisk.of(portfolio, arrays)
        alone = account.positions_risk
    except (MissingData, ModelFailure):
        return None
    return alone.equity, alone.initial, alone.maintenance, account.risk.headroom


def found(holdings: Holdings, arrays: RiskArrays) -> AccountFigures:
    all_of_them = revalued(holdings, arrays)
    assert all_of_them is not None
    return all_of_them


def some_book(world: World, draw: random.Random) -> Portfolio:
    """A book of the chain; where there are dollar coins, with some of them and orders for them."""
    portfolio = book(world, draw.randint(0, 10**6))
    for coin in ("USDC", "USDT"):
        row = world.table.row(coin)
        if row is not None and draw.random() < 0.7:
            portfolio.cash[coin] = draw.randint(-(10**16), 6 * 10**17)
            leg = OpenLeg(
                row=row,
                side=draw.choice(list(Side)),
                lots=draw.randint(1, 200_000),
                price_nano=draw.randint(9_000, 11_000) * 100_000,
            )
            portfolio.legs[coin] = (leg,)
    return portfolio


@pytest.mark.parametrize(
    "world", [*worlds(), collateral_world("span")], ids=lambda world: str(world.name)
)
def test_every_account_has_the_margin_that_it_has_alone_however_its_holdings_changed(
    world: World,
) -> None:
    draw, holdings = random.Random(world.name), Holdings()
    portfolios: dict[str, Portfolio] = {}
    for version in range(ROUNDS):
        for account in range(ACCOUNTS):
            if draw.random() < 0.5 or not version:
                portfolio = some_book(world, draw)
                portfolios[f"a{account}"] = portfolio
                put(holdings, world, f"a{account}", version, portfolio)
        all_of_them = found(holdings, world.arrays)
        for name, portfolio in portfolios.items():
            assert figures(all_of_them, name) == figures_alone(portfolio, world.arrays), name
    assert all_of_them.is_known_a.all()
    assert all_of_them.version_a.max() == ROUNDS - 1
    assert len(set(all_of_them.headroom_a.tolist())) > ACCOUNTS // 2


def test_an_account_that_sold_everything_has_nothing_left() -> None:
    world, holdings = worlds()[0], Holdings()
    full = book(world, 3)
    put(holdings, world, "a", 1, full)
    put(holdings, world, "a", 2, Portfolio(fees=world.fees))
    assert figures(found(holdings, world.arrays), "a") == (0, 0, 0, 0)


def test_holdings_that_columns_do_not_know_are_left_out_and_known_again_later() -> None:
    world, holdings = worlds()[0], Holdings()
    plain = book(world, 5)
    order_id = next(iter(plain.legs))
    pending = replace(plain, amendments={order_id: plain.legs[order_id]})
    put(holdings, world, "a", 1, pending)
    assert figures(found(holdings, world.arrays), "a") is None
    assert holdings.left_out == {"a"}
    put(holdings, world, "a", 2, plain)
    expected = figures_alone(plain, world.arrays)
    assert figures(found(holdings, world.arrays), "a") == expected is not None


def expect_that_some_are_not_known(world: World, arrays: RiskArrays) -> None:
    """Those alone that have no margin by themselves either."""
    holdings, portfolios = Holdings(), {f"a{seed}": book(world, seed) for seed in range(ACCOUNTS)}
    for name, portfolio in portfolios.items():
        put(holdings, world, name, 1, portfolio)
    all_of_them = found(holdings, arrays)
    for name, portfolio in portfolios.items():
        assert figures(all_of_them, name) == figures_alone(portfolio, arrays), name
    assert 0 < np.count_nonzero(all_of_them.is_known_a) < ACCOUNTS


def test_an_account_with_something_that_has_no_price_is_not_known() -> None:
    world = worlds()[0]
    without = replace(
        world.arrays.snapshot, observed_ns_i=world.arrays.snapshot.observed_ns_i.copy()
    )
    without.observed_ns_i[::3] = -1
    arrays = world.model.risk_arrays(world.table, without)
    expect_that_some_are_not_known(world, arrays)


def test_a_group_without_an_index_leaves_out_whoever_has_something_of_it() -> None:
    world = worlds()[0]
    observed_ns_u = world.arrays.snapshot.observed_ns_u.copy()
    index_nano_u = world.arrays.snapshot.index_nano_u.copy()
    observed_ns_u[1], index_nano_u[1] = -1, 0
    snapshot = replace(
        world.arrays.snapshot, observed_ns_u=observed_ns_u, index_nano_u=index_nano_u
    )
    arrays = world.model.risk_arrays(world.table, snapshot)
    expect_that_some_are_not_known(world, arrays)


def test_a_model_with_a_key_per_instrument_is_not_worked_out_in_columns() -> None:
    world = model_world("cross")
    assert revalued(Holdings(), world.arrays) is None


def extreme_market(draw: random.Random) -> SmallMarket:
    """A small market at an index of a ten-thousandth of a USD to a million, expired or not."""
    index = 10.0 ** draw.uniform(-4, 6)
    futures = ("NEAR", "FAR", "PERPETUAL", "COIN-PERPETUAL", "COIN-FAR")
    marks = {**dict.fromkeys(futures, index), "CALL": 10.0 ** draw.uniform(-2, 8.9)}
    coins = {name: 10.0 ** draw.uniform(-4, 6) for name in ("COIN-CALL", "COIN-PUT")}
    time_ns = draw.choice([1, NEAR_NS + 1])
    return small_market(index=index, marks={**marks, **coins}, market_time_ns=time_ns)


def extreme_book(draw: random.Random, market: SmallMarket) -> Portfolio:
    """A few positions and orders of up to 1e15 lots, and balances of up to 1e27 units."""

    def size(most: float) -> int:
        return draw.choice([1, -1]) * int(10.0 ** draw.uniform(0, most))

    portfolio = Portfolio(fees=market.fees, cash={"USD": size(18), "BTC": size(27)})
    names = draw.sample([each.name for each in INSTRUMENTS[:11]], draw.randint(0, 4))
    for name in names:
        lots, instrument = size(15), market.instrument(name)
        entered_nano = int(10.0 ** draw.uniform(6, 14))
        entry = fill_flow(instrument, lots, entered_nano) if instrument.is_future else 0
        portfolio.positions[market.row(name)] = Position(lots, entry)
    for name in draw.sample([*names, "BTC", "COIN-PERPETUAL"], draw.randint(0, 2)):
        leg = OpenLeg(
            row=market.row(name),
            side=draw.choice(list(Side)),
            lots=abs(size(15)),
            price_nano=int(10.0 ** draw.uniform(6, 14)),
        )
        portfolio.legs[f"{name}-{leg.side.name}"] = (leg,)
    return portfolio


def test_of_extremes_columns_know_nothing_or_the_figures_that_an_account_has_alone() -> None:
    """Prices near zero, lots and coins beyond any: what int64 does not hold is not known."""
    draw, known, unknown = random.Random(7), 0, 0
    for _ in range(40):
        market, holdings = extreme_market(draw), Holdings()
        books = {f"a{number}": extreme_book(draw, market) for number in range(25)}
        for name, portfolio in books.items():
            holdings.put(holdings_of(name, 1, portfolio, market.table), market.table)
        all_of_them = found(holdings, market.arrays)
        for name, portfolio in books.items():
            in_columns = figures(all_of_them, name)
            if in_columns is None:
                unknown += 1
                continue
            known += 1
            assert in_columns == figures_alone(portfolio, market.arrays), portfolio
    assert known > 100
    assert unknown > 100


@pytest.mark.parametrize("side", [1, -1])
def test_of_dollar_coins_beyond_any_cap_columns_know_nothing_or_what_is_right(side: int) -> None:
    world = collateral_world("span")
    row, known = world.table.row_by_name["USDC"], []
    for exponent in range(4, 28):
        for owned in (0, side * 10**exponent):
            portfolio = Portfolio(fees=world.fees, cash={"USD": 4 * 10**13, "USDC": owned})
            leg = OpenLeg(row=row, side=Side(side), lots=10**exponent, price_nano=NANO)
            portfolio.legs["o"] = (leg,)
            holdings = Holdings()
            put(holdings, world, "a", 1, portfolio)
            in_columns = figures(found(holdings, world.arrays), "a")
            known.append(in_columns is not None)
            assert in_columns in (None, figures_alone(portfolio, world.arrays)), exponent
    assert known[0]
    assert not known[-1]
