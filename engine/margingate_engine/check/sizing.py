"""From an order as asked to whole lots at integer prices. [DEC-05]"""

from collections.abc import Iterable
from decimal import Decimal
from math import gcd

from margingate_engine.check.question import RequestedOrder
from margingate_engine.core.amounts import NANO, PPM, ceil_div
from margingate_engine.core.instruments import Instrument, InstrumentKind
from margingate_engine.core.orders import Execution, Side
from margingate_engine.portfolio.holdings import OpenLeg
from margingate_engine.portfolio.risk_arrays import RiskArrays

LOTS_MAX = 2**53
"""No order may have as many lots."""


def whole_units(amount: Decimal, unit_nano: int) -> int | None:
    """How often `unit_nano` (1e-9) goes into an amount; None when not a whole number of times."""
    numerator, denominator = amount.as_integer_ratio()
    units, rest = divmod(numerator * NANO, denominator * unit_nano)
    return None if rest else units


def price_nano(limit: Decimal) -> int | None:
    """A price in 1e-9; None when it has more decimal places."""
    numerator, denominator = limit.as_integer_ratio()
    nano, rest = divmod(numerator * NANO, denominator)
    return None if rest else nano


def is_on_tick(instrument: Instrument, limit: Decimal) -> bool:
    """True when the limit is a multiple of its tick; a future's and spot's must be above zero."""
    nano = price_nano(limit)
    if nano is None or nano % instrument.tick_nano_at(nano):
        return False
    return nano > 0 or instrument.kind is InstrumentKind.OPTION


def collar_price_nano(arrays: RiskArrays, row: int, side: Side, collar_ppm: int) -> tuple[int, int]:
    """(numerator, denominator) of the worst price a side may trade at, in 1e-9, exact. [DEC-05]"""
    instrument = arrays.table.instruments[row]
    mark_nano = mark_price_nano(arrays, row)
    if instrument.kind is not InstrumentKind.OPTION:
        reference_nano = mark_nano
    elif instrument.settlement_asset == instrument.underlying:
        reference_nano = NANO
    else:
        reference_nano = int(arrays.snapshot.forward_nano_i[row])
    return mark_nano * PPM + int(side) * collar_ppm * reference_nano, PPM


def market_order_price_nano(arrays: RiskArrays, row: int, side: Side, collar_ppm: int) -> int:
    """Price that a market order is held at: its collar, to the tick outward, never below zero."""
    numerator, denominator = collar_price_nano(arrays, row, side, collar_ppm)
    instrument = arrays.table.instruments[row]
    tick_nano = instrument.tick_nano_at(max(0, ceil_div(numerator, denominator)))
    if side > 0:
        return ceil_div(numerator, denominator * tick_nano) * tick_nano
    floor_nano = 0 if instrument.kind is InstrumentKind.OPTION else tick_nano
    return max(floor_nano, numerator // (denominator * tick_nano) * tick_nano)


def mark_price_nano(arrays: RiskArrays, row: int) -> int:
    """The mark of an instrument in 1e-9; of spot the index."""
    instrument = arrays.table.instruments[row]
    if instrument.kind is InstrumentKind.SPOT:
        group = arrays.groups[arrays.group_i[row]]
        assert group is not None, "an unpriced instrument was asked for its mark"
        return group.index_nano
    return arrays.mark_nano_i[row]


def sized_legs(
    order: RequestedOrder, arrays: RiskArrays, collar_ppm: int | None
) -> tuple[OpenLeg, ...]:
    """The legs in whole lots; the order has passed the rules on lot, tick and collar."""
    return tuple(_sized(order, arrays, collar_ppm))


def _sized(order: RequestedOrder, arrays: RiskArrays, collar_ppm: int | None) -> Iterable[OpenLeg]:
    ratios = _ratios(order, arrays)
    for number, leg in enumerate(order.legs):
        lots = whole_units(leg.quantity, arrays.table.instruments[leg.row].lot_nano)
        if leg.limit is not None:
            nano = price_nano(leg.limit)
        else:
            assert collar_ppm is not None, "a market order without a collar passed its rule"
            nano = market_order_price_nano(arrays, leg.row, leg.side, collar_ppm)
        assert lots is not None, "an order off lot passed its rule"
        assert nano is not None, "an order off tick passed its rule"
        yield OpenLeg(
            row=leg.row,
            side=leg.side,
            lots=lots,
            price_nano=nano,
            number=number,
            ratio=ratios[number],
        )


def _ratios(order: RequestedOrder, arrays: RiskArrays) -> list[int]:
    """Lots of each leg that fill together; 0 for legs that fill alone."""
    if order.execution is not Execution.ATOMIC_COMBO:
        return [0] * len(order.legs)
    instruments = arrays.table.instruments
    lots = [whole_units(leg.quantity, instruments[leg.row].lot_nano) for leg in order.legs]
    unit = gcd(*(each for each in lots if each is not None))
    return [(each or 0) // unit for each in lots]
