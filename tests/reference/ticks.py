"""Ticks and collars. [DEC-05]"""

from fractions import Fraction

from tests.reference.contracts import Instrument, Market
from tests.reference.rounding import down, up


def tick_at(instrument: Instrument, price: Fraction) -> Fraction:
    """The tick that applies to a price: that of the last step below it."""
    tick = instrument.tick
    for above, step in instrument.tick_steps:
        if price > above:
            tick = step
    return tick


def is_on_tick(instrument: Instrument, price: Fraction) -> bool:
    """True when the price is a multiple of its tick, and of futures at least one."""
    return (price > 0 or not instrument.is_future) and price % tick_at(instrument, price) == 0


def collar_bound(instrument: Instrument, side: int, width: Fraction, market: Market) -> Fraction:
    """The worst price that the collar lets pass."""
    mark = market.mark_of(instrument)
    if not instrument.is_option:
        reach = mark
    else:
        reach = Fraction(1) if instrument.inverse else market.forward[instrument.symbol]
    return mark + side * width * reach


def market_order_price(
    instrument: Instrument, side: int, width: Fraction, market: Market
) -> Fraction:
    """The collar bound taken to the tick outward, not below 0, of futures not below one tick."""
    lowest = instrument.tick if instrument.is_future else Fraction(0)
    bound = max(collar_bound(instrument, side, width, market), lowest)
    tick = tick_at(instrument, bound)
    return tick * (up(bound / tick) if side > 0 else down(bound / tick))
