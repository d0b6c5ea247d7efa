"""Random legs on the chain, for hypothesis."""

from functools import cache

from hypothesis import strategies as st

from margingate_engine.check.sizing import mark_price_nano
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.orders import Side
from margingate_engine.portfolio.holdings import OpenLeg
from tests.property.chain import World

LOTS = {
    InstrumentKind.SPOT: 3_000,
    InstrumentKind.FUTURE: 3_000,
    InstrumentKind.PERPETUAL: 3_000,
    InstrumentKind.OPTION: 60,
}


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
def open_legs(draw: st.DrawFn, world: World) -> OpenLeg:
    """A leg that fills alone."""
    row = draw(rows(world))
    lots = draw(signed_lots(world, row))
    return OpenLeg(
        row=row,
        side=Side.BUY if lots > 0 else Side.SELL,
        lots=abs(lots),
        price_nano=draw(limit_nano(world, row)),
    )
