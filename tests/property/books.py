"""Random accounts on the chain, for hypothesis."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hypothesis import strategies as st

from margingate_engine.check.sizing import mark_price_nano
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.orders import Side
from margingate_engine.portfolio.flows import fill_flow
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from tests.property.chain import World, worlds

LOTS = {
    InstrumentKind.SPOT: 3_000,
    InstrumentKind.FUTURE: 3_000,
    InstrumentKind.PERPETUAL: 3_000,
    InstrumentKind.OPTION: 60,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """An account in a world."""

    world: World
    portfolio: Portfolio = field(repr=False)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """For hypothesis, which would print every price of the world."""
        printer.text(repr(self))

    def __repr__(self) -> str:
        names = self.world.table.instruments
        held = {names[row].name: p.lots for row, p in self.portfolio.positions.items()}
        legs = [
            (key, names[leg.row].name, int(leg.side) * leg.lots, leg.price_nano / 1e9)
            for key, order in self.portfolio.legs.items()
            for leg in order
        ]
        return f"Book({self.world.name}, {self.portfolio.cash}, {held}, {legs})"


def every_world() -> st.SearchStrategy[World]:
    return st.sampled_from(worlds())


@st.composite
def rows(draw: st.DrawFn, world: World, *, spot: bool = True) -> int:
    """A row, its coin chosen first so that books concentrate."""
    return draw(_rows_of(world, draw(st.sampled_from(("BTC", "BTC", "ETH"))), spot=spot))


@cache
def _rows_of(world: World, coin: str, *, spot: bool) -> st.SearchStrategy[int]:
    return st.sampled_from(
        [
            row
            for row, each in enumerate(world.table.instruments)
            if each.underlying == coin and (spot or each.kind is not InstrumentKind.SPOT)
        ]
    )


def signed_lots(world: World, row: int) -> st.SearchStrategy[int]:
    largest = LOTS[world.table.instruments[row].kind]
    return st.integers(-largest, largest).filter(bool)


@st.composite
def limit_nano(draw: st.DrawFn, world: World, row: int) -> int:
    """A limit on tick around the mark, above zero where it must be."""
    instrument = world.table.instruments[row]
    mark_nano = mark_price_nano(world.arrays, row)
    wanted = max(0, mark_nano * draw(st.integers(850, 1_150)) // 1_000)
    tick_nano = instrument.tick_nano_at(wanted)
    least = 0 if instrument.kind is InstrumentKind.OPTION else tick_nano
    return max(least, wanted // tick_nano * tick_nano)


@st.composite
def open_legs(draw: st.DrawFn, world: World, *, combos: bool = False) -> OpenLeg:
    row = draw(rows(world))
    lots = draw(signed_lots(world, row))
    return OpenLeg(
        row=row,
        side=Side.BUY if lots > 0 else Side.SELL,
        lots=abs(lots),
        price_nano=draw(limit_nano(world, row)),
        ratio=abs(lots) if combos and draw(st.booleans()) else 0,
    )


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
def books(draw: st.DrawFn, /, *, orders_max: int = 5, combos: bool = False, **given: Any) -> Book:
    """An account: cash of some assets, up to six positions, some open orders of one leg."""
    world = given.get("world") or draw(every_world())
    legs = draw(st.lists(open_legs(world, combos=combos), max_size=orders_max))
    return Book(
        world=world,
        portfolio=Portfolio(
            fees=world.fees,
            cash={asset: draw(units) for asset, units in CASH.items() if draw(st.integers(0, 4))},
            positions=draw(positions(world)),
            legs={f"o{number}": (leg,) for number, leg in enumerate(legs)},
        ),
    )
