"""A few instruments of a market as a market of their own."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from margingate_engine.core.arrays import read_only
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable


def market_part(
    table: InstrumentTable,
    snapshot: MarketSnapshot,
    rows: Collection[int],
    underlyings: Collection[str] = (),
) -> tuple[InstrumentTable, MarketSnapshot]:
    """(table, snapshot) of the instruments at `rows` alone, in the table's order.

    Prices, times and version stay. underlyings: coins whose index is needed, too; of one that none
    of the rows is of, its first instrument comes along, and one that is not listed does not.
    """
    kept = set(rows)
    present = {table.instruments[row].underlying for row in kept}
    for name in (set(underlyings) & set(table.underlyings)) - present:
        number = table.underlyings.index(name)
        kept.add(int(np.flatnonzero(table.underlying_i == number)[0]))
    rows_i = np.array(sorted(kept), dtype=np.int64)
    part = InstrumentTable([table.instruments[row] for row in rows_i.tolist()])
    numbers_u = np.array([table.underlyings.index(each) for each in part.underlyings], dtype=int)
    return part, replace(
        snapshot,
        index_nano_u=read_only(snapshot.index_nano_u[numbers_u]),
        observed_ns_u=read_only(snapshot.observed_ns_u[numbers_u]),
        mark_nano_i=read_only(snapshot.mark_nano_i[rows_i]),
        vol_nano_i=read_only(snapshot.vol_nano_i[rows_i]),
        forward_nano_i=read_only(snapshot.forward_nano_i[rows_i]),
        observed_ns_i=read_only(snapshot.observed_ns_i[rows_i]),
        surcharge_ppm_i=read_only(snapshot.surcharge_ppm_i[rows_i]),
        doubt_u=read_only(snapshot.doubt_u[numbers_u]),
        doubt_i=read_only(snapshot.doubt_i[rows_i]),
    )
