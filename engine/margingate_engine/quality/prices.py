"""The prices of an update beside those in force, as floats."""

from dataclasses import dataclass

import numpy as np

from margingate_engine.core.amounts import NANO
from margingate_engine.core.arrays import BoolArray, FloatArray
from margingate_engine.core.times import YEAR_NS
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import NEVER_NS, InstrumentTable
from margingate_engine.pricing import black76


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prices:
    """Prices of one snapshot. level_i: forward of an option, mark of a future, USD.

    tau_years_i: to expiry, 0 where there is none or it is over.
    """

    index_u: FloatArray
    mark_i: FloatArray
    vol_i: FloatArray
    forward_i: FloatArray
    level_i: FloatArray
    tau_years_i: FloatArray

    @classmethod
    def of(cls, table: InstrumentTable, snapshot: MarketSnapshot) -> "Prices":
        """The prices of a snapshot."""
        mark_i, forward_i = snapshot.mark_nano_i / NANO, snapshot.forward_nano_i / NANO
        is_dated_i = table.is_option_i | (table.is_future_i & (table.expiry_ns_i < NEVER_NS))
        left_i = np.maximum(0, table.expiry_ns_i - snapshot.market_time_ns) / YEAR_NS
        return cls(
            index_u=snapshot.index_nano_u / NANO,
            mark_i=mark_i,
            vol_i=snapshot.vol_nano_i / NANO,
            forward_i=forward_i,
            level_i=np.where(table.is_option_i, forward_i, mark_i),
            tau_years_i=np.where(is_dated_i, left_i, 0.0),
        )


def model_mark_i(
    table: InstrumentTable, prices: Prices, vol_i: FloatArray, usable_i: BoolArray
) -> FloatArray:
    """Marks that follow from vols and forwards, in the quote currency; 0 where not usable.

    usable_i: options with a forward above 0.
    """
    forward_i = np.where(usable_i, prices.forward_i, 1.0)
    strike_i = np.where(usable_i, table.strike_i, 1.0)
    worth_i = black76.value(forward_i, strike_i, vol_i, prices.tau_years_i, table.is_call_i)
    in_quote_i = np.where(table.is_inverse_i, worth_i / forward_i, worth_i)
    return np.asarray(np.where(usable_i, in_quote_i, 0.0))


def quote_scale_i(table: InstrumentTable, prices: Prices, usable_i: BoolArray) -> FloatArray:
    """What a gap of an option's mark is a fraction of: the higher of forward and strike, in quote.

    1 where not usable; as for `model_mark_i`.
    """
    forward_i = np.where(usable_i, prices.forward_i, 1.0)
    higher_i = np.maximum(forward_i, np.where(usable_i, table.strike_i, 1.0))
    return np.asarray(np.where(table.is_inverse_i, higher_i / forward_i, higher_i))
