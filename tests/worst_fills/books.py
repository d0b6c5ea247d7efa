"""Random books of a seed: some positions, up to eight single-leg orders, cash of three assets."""

import random

from margingate_engine.check.sizing import mark_price_nano
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.orders import Side
from margingate_engine.portfolio.flows import fill_flow
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from tests.property.chain import World

ORDERS_MAX, POSITIONS_MAX = 8, 6
LOTS_MAX = {InstrumentKind.OPTION: 60}
LOTS_MAX_ELSE = 3_000


def book(world: World, seed: int) -> Portfolio:
    """The book of a seed: the same under every model of the chain."""
    draw = random.Random(seed)
    coins = draw.choice((("BTC",), ("BTC",), ("BTC", "ETH")))
    rows = [row for row, each in enumerate(world.table.instruments) if each.underlying in coins]
    positions = {}
    for row in draw.sample(rows, draw.randint(0, POSITIONS_MAX)):
        instrument = world.table.instruments[row]
        if instrument.kind is InstrumentKind.SPOT:
            continue
        lots = _lots(draw, world, row) * draw.choice((1, -1))
        limit_nano = _limit_nano(draw, world, row)
        entry = fill_flow(instrument, lots, limit_nano) if instrument.is_future else 0
        positions[row] = Position(lots, entry)
    near = [*positions, *positions, *draw.sample(rows, 4)]
    legs = {
        f"o{number}": (_leg(draw, world, draw.choice(near)),)
        for number in range(draw.randint(1, ORDERS_MAX))
    }
    cash = {"USD": draw.randint(0, 10**12), "BTC": draw.randint(0, 10**13)}
    return Portfolio(fees=world.fees, cash=cash, positions=positions, legs=legs)


def _leg(draw: random.Random, world: World, row: int) -> OpenLeg:
    return OpenLeg(
        row=row,
        side=draw.choice(list(Side)),
        lots=_lots(draw, world, row),
        price_nano=_limit_nano(draw, world, row),
    )


def _lots(draw: random.Random, world: World, row: int) -> int:
    return draw.randint(1, LOTS_MAX.get(world.table.instruments[row].kind, LOTS_MAX_ELSE))


def _limit_nano(draw: random.Random, world: World, row: int) -> int:
    """A limit on tick within 5 % of the mark."""
    instrument = world.table.instruments[row]
    wanted = mark_price_nano(world.arrays, row) * draw.randint(950, 1_050) // 1_000
    tick_nano = instrument.tick_nano_at(wanted)
    least = 0 if instrument.kind is InstrumentKind.OPTION else tick_nano
    return max(least, wanted // tick_nano * tick_nano)
