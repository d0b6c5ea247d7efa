"""Margins of many accounts by sparse products are those of each account by itself, exactly."""

import random
from dataclasses import replace

import numpy as np
import pytest

from margingate_engine.core.errors import MissingData
from margingate_engine.core.orders import Side
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_engine.revaluation.account_figures import AccountFigures
from margingate_engine.revaluation.account_holdings import holdings_of
from margingate_engine.revaluation.holdings import Holdings
from margingate_engine.revaluation.revalue import revalued
from tests.property.chain import World, worlds
from tests.property.collateral_worlds import collateral_world
from tests.property.model_worlds import model_world
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
    except MissingData:
        return None
    alone = account.positions_risk
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
