"""What a position comes to in cash when its instrument settles. [SPAN-18]"""

from margingate_engine.core.instruments import Instrument, InstrumentKind, OptionRight
from margingate_engine.portfolio.flows import SPOT_PICO_PER_NANO, USD_VALUE_DIVISOR, fill_flow
from margingate_engine.portfolio.holdings import Position


def settlement_units(instrument: Instrument, position: Position, price_nano: int) -> int:
    """Cash in the settlement asset's units, signed, rounded down: against the account.

    price_nano > 0: the underlying's price in 1e-9 USD. A future closes at it, its entry included;
    an option pays its intrinsic value, an inverse one in coins at that price.
    """
    assert instrument.expiry_ns is not None, "only what expires settles"
    if instrument.kind is not InstrumentKind.OPTION:
        return position.entry + fill_flow(instrument, -position.lots, price_nano)
    assert instrument.strike_nano is not None, "an option has a strike"
    sign = 1 if instrument.right is OptionRight.CALL else -1
    intrinsic_nano = max(0, sign * (price_nano - instrument.strike_nano))
    worth = position.lots * instrument.size_nano * intrinsic_nano
    if instrument.settlement_asset == instrument.underlying:
        return worth * SPOT_PICO_PER_NANO // price_nano
    return worth // USD_VALUE_DIVISOR
