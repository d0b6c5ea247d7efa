"""Random accounts on the chain, for hypothesis."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from margingate_engine.portfolio.flows import fill_flow
from margingate_engine.portfolio.holdings import Portfolio, Position
from tests.property.chain import World, worlds
from tests.property.legs import limit_nano, rows, signed_lots
from tests.property.open_orders import DrawnOrder, open_orders, single_orders


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """An account in a world."""

    world: World
    portfolio: Portfolio = field(repr=False)
    drawn: Mapping[str, DrawnOrder] = field(default_factory=dict)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """For hypothesis, which would print every price of the world."""
        printer.text(repr(self))

    def __repr__(self) -> str:
        names = self.world.table.instruments
        held = {names[row].name: p.lots for row, p in self.portfolio.positions.items()}
        legs, amendments = (
            {
                key: [
                    (names[leg.row].name, int(leg.side) * leg.lots, leg.price_nano / 1e9, leg.ratio)
                    for leg in order
                ]
                for key, order in orders.items()
            }
            for orders in (self.portfolio.legs, self.portfolio.amendments)
        )
        return f"Book({self.world.name}, {self.portfolio.cash}, {held}, {legs}, {amendments})"


def every_world() -> st.SearchStrategy[World]:
    return st.sampled_from(worlds())


@st.composite
def positions(draw: st.DrawFn, world: World) -> dict[int, Position]:
    held: dict[int, Position] = {}
    for row in draw(st.lists(rows(world, spot=False), max_size=6, unique=True)):
        lots = draw(signed_lots(world, row))
        instrument = world.table.instruments[row]
        entry = 0
        if instrument.is_future:
            entry = fill_flow(instrument, lots, draw(limit_nano(world, row)))
        held[row] = Position(lots, entry)
    return held


CASH = {
    "USD": st.integers(10**11, 5 * 10**12) | st.integers(-(10**10), 10**10),
    "BTC": st.integers(10**12, 3 * 10**13) | st.integers(-(10**11), 10**11),
    "ETH": st.integers(10**13, 3 * 10**14) | st.integers(-(10**12), 10**12),
}


@st.composite
def books(draw: st.DrawFn, /, *, orders_max: int = 5, several: bool = False, **given: Any) -> Book:
    """An account: cash of some assets, up to six positions, some open orders.

    several: orders of several legs as well, combos, fills reported of some, and pending changes;
    the legs of all of them are about `orders_max`.
    """
    world = given.get("world") or draw(every_world())
    orders = draw(st.lists(single_orders(world), max_size=orders_max))
    if several:
        orders = draw(st.lists(open_orders(world), max_size=(orders_max + 1) // 2))
    drawn = {f"o{number}": order for number, order in enumerate(orders)}
    return Book(
        world=world,
        portfolio=Portfolio(
            fees=world.fees,
            cash={asset: draw(units) for asset, units in CASH.items() if draw(st.integers(0, 4))},
            positions=draw(positions(world)),
            legs={key: order.legs for key, order in drawn.items()},
            amendments={k: o.amended for k, o in drawn.items() if o.amended is not None},
        ),
        drawn=drawn,
    )
