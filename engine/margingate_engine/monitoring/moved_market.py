"""A market as it would be after a move of one coin, or later, with the vols of now. [MON-13]"""

from dataclasses import replace

import numpy as np

from margingate_engine.core.amounts import NANO, PPM
from margingate_engine.core.arrays import FloatArray, IntArray, read_only
from margingate_engine.core.times import YEAR_NS
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.pricing import black76


def moved_market(
    table: InstrumentTable, snapshot: MarketSnapshot, underlying: str, move_ppm: int
) -> MarketSnapshot:
    """The snapshot with a coin's index, forwards and futures moved by a share, > -1e6.

    Options keep their vols: their marks change by what the Black-76 value does. What has expired
    keeps its last mark.
    """
    number = table.underlyings.index(underlying)
    rows = np.flatnonzero(table.underlying_i == number)
    factor = 1 + move_ppm / PPM
    index_nano_u, forward_nano_i, mark_nano_i = (
        each.copy()
        for each in (snapshot.index_nano_u, snapshot.forward_nano_i, snapshot.mark_nano_i)
    )
    index_nano = int(index_nano_u[number])
    index_nano_u[number] = (index_nano * (PPM + move_ppm) + PPM // 2) // PPM
    forward_nano_i[rows] = _scaled(snapshot.forward_nano_i[rows], factor)
    futures = rows[table.is_future_i[rows] & ~snapshot.has_expired_i(table)[rows]]
    mark_nano_i[futures] = _scaled(snapshot.mark_nano_i[futures], factor)
    moved = replace(
        snapshot,
        index_nano_u=read_only(index_nano_u),
        forward_nano_i=read_only(forward_nano_i),
        mark_nano_i=read_only(mark_nano_i),
    )
    return _revalued(table, snapshot, moved)


def later_market(
    table: InstrumentTable, snapshot: MarketSnapshot, market_time_ns: int
) -> MarketSnapshot:
    """The snapshot at a later market time, prices and vols of now; options have lost its value."""
    return _revalued(table, snapshot, replace(snapshot, market_time_ns=market_time_ns))


def _revalued(
    table: InstrumentTable, before: MarketSnapshot, after: MarketSnapshot
) -> MarketSnapshot:
    """`after` with the marks of living options moved as their values are, never below zero."""
    lives_i = table.is_option_i & ~after.has_expired_i(table)
    rows = np.flatnonzero(lives_i & (before.forward_nano_i > 0) & (before.vol_nano_i > 0))
    change_i = _quoted(table, after, rows) - _quoted(table, before, rows)
    mark_nano_i = after.mark_nano_i.copy()
    moved_i = before.mark_nano_i[rows] + np.rint(change_i * NANO)
    mark_nano_i[rows] = np.maximum(0, moved_i).astype(np.int64)
    return replace(after, mark_nano_i=read_only(mark_nano_i))


def _quoted(table: InstrumentTable, snapshot: MarketSnapshot, rows: IntArray) -> FloatArray:
    """Black-76 value of options in what they are quoted in: USD, or coins where inverse."""
    forward_i = snapshot.forward_nano_i[rows] / NANO
    left_i = np.maximum(0, table.expiry_ns_i[rows] - snapshot.market_time_ns)
    value_i = black76.value(
        forward_i,
        table.strike_i[rows],
        snapshot.vol_nano_i[rows] / NANO,
        left_i / YEAR_NS,
        table.is_call_i[rows],
    )
    return np.asarray(np.where(table.is_inverse_i[rows], value_i / forward_i, value_i))


def _scaled(price_nano_i: IntArray, factor: float) -> IntArray:
    return np.rint(price_nano_i * np.float64(factor)).astype(np.int64)
