"""What a comparison says of any portfolio, whatever the model."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.check.compare import (
    Holding,
    bought_at_marks,
    closed_at_marks,
    compared,
    regime_figures,
)
from margingate_engine.market.part import market_part
from margingate_engine.models.isolated import top_ups
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.flows import fill_flow
from margingate_engine.portfolio.holdings import Portfolio, Position
from margingate_engine.portfolio.margin_model import EquityBasis
from tests.property.books import CASH, books
from tests.property.chain import World, worlds
from tests.property.effort import examples
from tests.property.legs import rows, signed_lots
from tests.property.model_worlds import PARAMETERS, model_world

NAMES = ("span", *PARAMETERS)
WITHOUT_OPTION_VALUE = ("cross", "isolated", "strategy")


def world_of(name: str) -> World:
    return worlds()[0] if name == "span" else model_world(name)


@st.composite
def collaterals(draw: st.DrawFn) -> dict[str, int]:
    return {asset: draw(units) for asset, units in CASH.items()}


@pytest.mark.parametrize("name", NAMES)
@examples(15)
@given(collateral=collaterals())
def test_an_empty_portfolio_uses_no_capital(name: str, collateral: dict[str, int]) -> None:
    world = world_of(name)
    table, snapshot = world.arrays.table, world.arrays.snapshot
    holding = bought_at_marks(collateral, {}, table, snapshot)
    assert regime_figures(world.model, holding, table, snapshot).capital_used == 0


def test_every_model_without_option_value_is_tried_as_one() -> None:
    found = {name for name in NAMES if _is_without_option_value(name)}
    assert found == set(WITHOUT_OPTION_VALUE)


def _is_without_option_value(name: str) -> bool:
    return world_of(name).model.equity_basis is EquityBasis.WITHOUT_OPTION_VALUE


@pytest.mark.parametrize("name", WITHOUT_OPTION_VALUE)
@examples(25)
@given(data=st.data())
def test_without_option_value_a_long_option_alone_uses_its_premium(
    name: str, data: st.DataObject
) -> None:
    """Paid in USD from USD; the 10-million collateral keeps every balance of one sign."""
    world = model_world(name)
    table, snapshot = world.arrays.table, world.arrays.snapshot
    listed = [
        row
        for row in range(len(table))
        if table.is_option_i[row] and not table.is_inverse_i[row] and world.arrays.priced_i[row]
    ]
    row, lots = data.draw(st.sampled_from(listed)), data.draw(st.integers(1, 1_000))
    holding = bought_at_marks({"USD": 10**13}, {row: lots}, table, snapshot)
    premium = -fill_flow(table.instruments[row], lots, int(snapshot.mark_nano_i[row]))
    found = regime_figures(world.model, holding, table, snapshot)
    assert found.capital_used == premium
    assert found.net_option_value <= premium <= found.net_option_value + 1


@pytest.mark.parametrize("name", NAMES)
@examples(25)
@given(data=st.data())
def test_what_is_held_is_required_as_the_account_that_holds_it_shows(
    name: str, data: st.DataObject
) -> None:
    """On the market of its own instruments as on the whole one, orders left out.

    With the wallets that a change to a model with wallets makes.
    """
    world = world_of(name)
    table, snapshot = world.arrays.table, world.arrays.snapshot
    portfolio = data.draw(books(orders_max=2, world=world)).portfolio
    own_table, own_snapshot = market_part(table, snapshot, portfolio.positions, portfolio.cash)
    positions = {
        own_table.row_by_name[table.instruments[row].name]: position
        for row, position in portfolio.positions.items()
    }
    own = Portfolio(fees=portfolio.fees, cash=dict(portfolio.cash), positions=positions)
    holding = closed_at_marks(own, own_table, own_snapshot)
    (found,) = compared([world.model], holding, own_table, own_snapshot)
    alone = replace(portfolio, legs={}, amendments={})
    account = AccountRisk.of(alone, world.arrays)
    if name == "isolated":
        account = AccountRisk.of(replace(alone, wallets=top_ups(account)), world.arrays)
    assert found.figures is not None
    assert found.figures.risk == account.positions_risk


@pytest.mark.parametrize("name", NAMES)
@examples(25)
@given(data=st.data())
def test_capital_used_is_what_headroom_loses_whoever_works_it_out(
    name: str, data: st.DataObject
) -> None:
    """Fills at the mark, one by one and booked by hand, take the same from the collateral."""
    world = world_of(name)
    table, snapshot = world.arrays.table, world.arrays.snapshot
    collateral = data.draw(collaterals())
    lots_by_row = {}
    for _ in range(data.draw(st.integers(1, 5))):
        row = data.draw(rows(world, spot=False))
        lots_by_row[row] = data.draw(signed_lots(world, row))
    after = Portfolio(fees={}, cash=dict(collateral))
    for row, lots in lots_by_row.items():
        instrument = table.instruments[row]
        flow = fill_flow(instrument, lots, int(snapshot.mark_nano_i[row]))
        after.positions[row] = Position(lots, flow if instrument.is_future else 0)
        if not instrument.is_future:
            asset = instrument.settlement_asset
            after.cash[asset] = after.cash.get(asset, 0) + flow
    before = AccountRisk.of(Portfolio(fees={}, cash=dict(collateral)), world.arrays)
    loss = before.risk.headroom - AccountRisk.of(after, world.arrays).risk.headroom
    holding = bought_at_marks(collateral, lots_by_row, table, snapshot)
    assert holding == Holding(portfolio=after, collateral=collateral)
    assert regime_figures(world.model, holding, table, snapshot).capital_used == loss
