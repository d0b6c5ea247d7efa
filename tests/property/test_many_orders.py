"""Many open orders of an account come to the same integers as one by one. [SPAN-14]"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.errors import MissingData, ModelFailure
from margingate_engine.core.orders import Side
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.hold import order_hold
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from margingate_engine.revaluation import many_orders
from margingate_engine.revaluation.many_orders import ManyOrders
from tests.property.books import books
from tests.property.chain import World
from tests.property.collateral_worlds import collateral_world
from tests.property.legs import open_legs
from tests.property.test_every_model import MODEL_NAMES, tries, world_of
from tests.property.totals import totals_of


@pytest.fixture(autouse=True)
def from_the_first_order_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_orders, "ORDERS_MIN", 1)


def world_named(name: str) -> World:
    """Of a model, or with surcharges, caps and haircuts."""
    return collateral_world("span") if name == "collateral" else world_of(name)


@pytest.mark.parametrize("name", ["span", "collateral", *MODEL_NAMES])
def test_in_every_total_it_is_as_order_by_order(name: str) -> None:
    """Combos, changes that are pending and equal terms among them."""
    many = ManyOrders()

    @tries(name, 60)
    @given(st.data())
    def look(data: st.DataObject) -> None:
        world = world_named(name)
        portfolio = data.draw(books(world=world, several=True, orders_max=6)).portfolio
        plain = data.draw(st.lists(open_legs(world), max_size=12))
        for number, leg in enumerate(plain):
            portfolio.legs[f"p{number}"] = (leg,)
            if data.draw(st.booleans()):
                portfolio.legs[f"q{number}"] = (replace(leg, lots=2 * leg.lots),)
        account = many.account_risk(portfolio, world.arrays)
        found, expected = totals_of(account), totals_of(AccountRisk.of(portfolio, world.arrays))
        assert found == expected
        for order_id in list(portfolio.legs):
            if order_id not in portfolio.amendments:
                account.release(order_hold(world.arrays, portfolio, order_id))
                del portfolio.legs[order_id]
        found, expected = totals_of(account), totals_of(AccountRisk.of(portfolio, world.arrays))
        assert found == expected

    look()


def test_what_has_no_price_is_named_and_what_is_beyond_all_range_refused() -> None:
    world = world_of("span")
    rows = world.table.row_by_name
    row = rows["BTC_USDC-PERPETUAL"]
    leg = OpenLeg(row=row, side=Side.BUY, lots=10**9, price_nano=world.arrays.mark_nano_i[row])
    portfolio = Portfolio(fees=world.fees, legs={f"o{n}": (leg,) for n in range(10**4)})
    with pytest.raises(ModelFailure):
        _ = ManyOrders().account_risk(portfolio, world.arrays).risk
    priced_i = list(world.arrays.priced_i)
    priced_i[row] = False
    with pytest.raises(MissingData, match="BTC_USDC-PERPETUAL"):
        ManyOrders().account_risk(portfolio, replace(world.arrays, priced_i=priced_i))
