"""An update of prices, as rows of the table."""

import numpy as np

from margingate_engine.core.errors import InvalidInput
from margingate_engine.market.snapshot import MarketSnapshot, Quotes
from margingate_engine.market.table import InstrumentTable
from margingate_server.feeds.feed import MarketUpdate


def quotes_of(table: InstrumentTable, update: MarketUpdate) -> Quotes:
    """An update by row; InvalidInput names what is wrong with it."""
    count = len(update.names)
    arrays = (update.mark_price_i, update.mark_vol_i, update.forward_price_i)
    if any(len(array) != count for array in arrays):
        raise InvalidInput(
            "mark_prices", "mark_vols and forward_prices must be as many as instruments"
        )
    rows = np.empty(count, dtype=np.int64)
    for position, name in enumerate(update.names):
        row = table.row(name)
        if row is None:
            raise InvalidInput(f"instruments[{position}]", "is not listed")
        rows[position] = row
    if len(set(update.names)) != count:
        raise InvalidInput("instruments", "name one instrument twice")
    return Quotes(
        index_by_underlying=update.index_by_underlying,
        rows=rows,
        mark_price_i=update.mark_price_i,
        mark_vol_i=update.mark_vol_i,
        forward_price_i=update.forward_price_i,
    )


def same_prices(old: MarketSnapshot, new: MarketSnapshot) -> bool:
    """True when nothing that a margin takes from them differs."""
    return (
        old.market_time_ns == new.market_time_ns
        and np.array_equal(old.index_nano_u, new.index_nano_u)
        and np.array_equal(old.mark_nano_i, new.mark_nano_i)
        and np.array_equal(old.vol_nano_i, new.vol_nano_i)
        and np.array_equal(old.forward_nano_i, new.forward_nano_i)
        and np.array_equal(old.surcharge_ppm_i, new.surcharge_ppm_i)
        and np.array_equal(old.observed_ns_i >= 0, new.observed_ns_i >= 0)
        and np.array_equal(old.observed_ns_u >= 0, new.observed_ns_u >= 0)
    )
