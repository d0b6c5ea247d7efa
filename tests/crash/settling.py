"""What an expired position comes to in cash, by the methodology. [SPAN-06]"""

from fractions import Fraction

from tests.reference.account import Position
from tests.reference.contracts import Instrument
from tests.reference.fills import flow, unit
from tests.reference.rounding import down


def settled_units(instrument: Instrument, position: Position, price: Fraction) -> int:
    """Units of the settlement asset at the price of the underlying in USD, rounded down."""
    if instrument.is_future:
        return position.entry + flow(instrument, -position.lots, price)
    in_the_money = price - instrument.strike if instrument.call else instrument.strike - price
    paid = max(in_the_money, Fraction(0)) * position.lots * instrument.size
    if instrument.inverse:
        paid /= price
    return down(paid * unit(instrument.settlement))
