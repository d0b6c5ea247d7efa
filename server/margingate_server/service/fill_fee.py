"""What a fill pays when its report names no fee. [FEE-01]"""

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument, InstrumentKind
from margingate_engine.portfolio.fees import FeeTier, held_fee
from margingate_server.service.market import MarketView

BEYOND_EVERY_INDEX_NANO = 10**30
"""Stands for an index that is not known: high enough that only the cap of a fee can bind."""


def schedule_fee(rates: FeeTier, view: MarketView, row: int, lots: int, price_nano: int) -> int:
    """Fee of `lots` > 0 at a price, in the settlement asset's units, rounded up.

    A fee that is a part of the index is, before the first index, what it is capped at; InvalidInput
    when nothing caps it.
    """
    instrument = view.table.instruments[row]
    index_nano = int(view.snapshot.index_nano_u[view.table.underlying_i[row]])
    if not index_nano and _takes_index(instrument):
        rate = rates[instrument.kind]
        if rate.held_ppm and rate.cap_ppm is None:
            raise InvalidInput("fee", f"must be given while {instrument.underlying} has no index")
        index_nano = BEYOND_EVERY_INDEX_NANO
    return held_fee(rates, instrument, lots, price_nano, index_nano)


def _takes_index(instrument: Instrument) -> bool:
    is_option = instrument.kind is InstrumentKind.OPTION
    return is_option and instrument.settlement_asset != instrument.underlying
