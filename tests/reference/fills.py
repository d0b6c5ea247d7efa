"""What a fill credits, and what it costs. [SPAN-06, FEE-01]"""

from collections.abc import Mapping
from fractions import Fraction

from tests.reference.contracts import USD, Instrument, Kind, Market, Rate
from tests.reference.rounding import MICRO, PICO, down, up


def unit(asset: str) -> int:
    """Units per whole of an asset: millionths of a USD, 1e-12 coins."""
    return MICRO if asset == USD else PICO


def flow(instrument: Instrument, lots: int, price: Fraction) -> int:
    """What a fill of `lots` (signed) credits in the settlement asset, fee excluded."""
    if instrument.is_future and instrument.inverse:
        return down(PICO * lots * instrument.size / price)
    return down(-unit(instrument.settlement) * lots * instrument.size * price)


def delivered_coins(instrument: Instrument, lots: int) -> int:
    """Coins that a fill of spot moves, 1e-12; 0 for what is not spot."""
    if not instrument.is_spot:
        return 0
    coins = PICO * lots * instrument.size
    assert coins.denominator == 1, "a lot of spot is a whole number of 1e-12 coins"
    return int(coins)


def largest_fee(
    instrument: Instrument,
    lots: int,
    price: Fraction,
    market: Market,
    fees: Mapping[Kind, Rate],
) -> int:
    """Largest fee of a fill of `lots` (> 0) in units of the settlement asset, rounded up once."""
    rate = fees[instrument.kind]
    quantity = lots * instrument.size * unit(instrument.settlement)
    if instrument.is_option:
        per_coin = Fraction(1) if instrument.inverse else market.index[instrument.underlying]
        full = rate.held * per_coin
        return up(quantity * (full if rate.cap is None else min(full, rate.cap * price)))
    if instrument.is_future and instrument.inverse:
        return up(quantity * rate.held / price)
    return up(quantity * rate.held * price)
