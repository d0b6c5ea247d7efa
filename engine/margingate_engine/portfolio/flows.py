"""What a fill pays or receives, in integers. [SPAN-06]

USD in 1e-6, coins in 1e-12; prices and sizes in 1e-9. Always rounded down: against the account.
"""

from margingate_engine.core.amounts import MICRO, NANO, PICO
from margingate_engine.core.instruments import Instrument, InstrumentKind

SPOT_PICO_PER_NANO = PICO // NANO

USD_VALUE_DIVISOR = NANO * NANO // MICRO
"""1e-9 of a size x 1e-9 USD, in 1e-6 USD."""

_COIN_VALUE_DIVISOR = NANO * NANO // PICO
"""1e-9 of a size x 1e-9 coins, in 1e-12 coins."""


def fill_flow(instrument: Instrument, lots: int, price_nano: int) -> int:
    """What the account is credited in the settlement asset's units when it trades `lots` (signed).

    A spot fill moves coins as well, see spot_coins. price_nano > 0 for inverse futures.
    """
    size_nano = instrument.size_nano
    if instrument.is_inverse_future:
        return lots * size_nano * PICO // price_nano
    if instrument.settlement_asset == instrument.underlying:
        return -lots * size_nano * price_nano // _COIN_VALUE_DIVISOR
    return -lots * size_nano * price_nano // USD_VALUE_DIVISOR


def spot_coins(instrument: Instrument, lots: int) -> int:
    """Coins (1e-12, signed) that a fill of `lots` of spot brings; 0 for everything else."""
    if instrument.kind is not InstrumentKind.SPOT:
        return 0
    return lots * instrument.size_nano * SPOT_PICO_PER_NANO


def closing_split(lots_before: int, entry_before: int, lots: int, flow: int) -> tuple[int, int]:
    """(entry after, what moves to cash) when a futures position of `lots_before` trades `lots`.

    Both in the settlement asset's units; entry after + cash = entry before + flow, exactly.
    """
    if lots_before == 0 or (lots_before > 0) == (lots > 0):
        return entry_before + flow, 0
    if abs(lots) <= abs(lots_before):
        realised = entry_before * abs(lots) // abs(lots_before)
        return entry_before - realised, realised + flow
    closing_flow = flow * abs(lots_before) // abs(lots)
    return flow - closing_flow, entry_before + closing_flow
