"""How the instruments of a table belong together: by expiry, along a smile, as call and put."""

from dataclasses import dataclass

import numpy as np

from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray
from margingate_engine.market.table import InstrumentTable

WINDOW = 5
"""So many vols of a smile give the median that one of them is held against."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QualityLayout:
    """Places of a table, worked out once for it.

    expiry_group_i: number of what shares underlying and expiry. settlement_group_i: of what shares
    the settlement, too, and so has one forward: what settles in a dollar coin is quoted in it.
    call_rows, put_rows: pairs of one strike. smile_rows: options (axis M) by settlement_group_i,
    then strike; smile_m is that number of each, log_strike_m the log of its strike. window_mw:
    (M, WINDOW) places in `smile_rows` around each; has_window_m is False on smiles that are
    shorter.
    """

    table: InstrumentTable
    expiry_group_i: IntArray
    settlement_group_i: IntArray
    call_rows: IntArray
    put_rows: IntArray
    smile_rows: IntArray
    smile_m: IntArray
    log_strike_m: FloatArray
    window_mw: IntArray
    has_window_m: BoolArray

    @classmethod
    def of(cls, table: InstrumentTable) -> "QualityLayout":
        """The layout of a table."""
        expiry_group_i = _numbered(table.underlying_i, table.expiry_ns_i)
        settlement_group_i = _numbered(expiry_group_i, table.is_inverse_i.astype(np.int64))
        options = np.flatnonzero(table.is_option_i)
        smile_o = settlement_group_i[options]
        strike_o, is_call_o = table.strike_i[options], table.is_call_i[options]
        order = np.lexsort((~is_call_o, strike_o, smile_o))
        rows, smile_m, strike_m = options[order], smile_o[order], strike_o[order]
        is_call_m = is_call_o[order]
        same = (smile_m[1:] == smile_m[:-1]) & (strike_m[1:] == strike_m[:-1])
        pairs = np.flatnonzero(same & is_call_m[:-1] & ~is_call_m[1:])
        window_mw, has_window_m = _windows(smile_m)
        return cls(
            table=table,
            expiry_group_i=expiry_group_i,
            settlement_group_i=settlement_group_i,
            call_rows=rows[pairs],
            put_rows=rows[pairs + 1],
            smile_rows=rows,
            smile_m=smile_m,
            log_strike_m=np.log(strike_m),
            window_mw=window_mw,
            has_window_m=has_window_m,
        )


def _numbered(first: IntArray, second: IntArray) -> IntArray:
    """Numbers from 0 that are equal where both arrays are."""
    if not len(first):
        return np.zeros(0, dtype=np.int64)
    _, numbers = np.unique(np.stack((first, second), axis=1), axis=0, return_inverse=True)
    return np.asarray(numbers.reshape(-1), dtype=np.int64)


def _windows(smile_m: IntArray) -> tuple[IntArray, BoolArray]:
    """(places around each, whether its smile has so many); at an end they lie on one side."""
    count = len(smile_m)
    place_m = np.arange(count)
    start_m = np.searchsorted(smile_m, smile_m, side="left")
    end_m = np.searchsorted(smile_m, smile_m, side="right")
    first_m = np.clip(place_m - WINDOW // 2, start_m, np.maximum(start_m, end_m - WINDOW))
    window_mw = first_m[:, None] + np.arange(WINDOW)[None, :]
    return np.minimum(window_mw, max(0, count - 1)), np.asarray(end_m - start_m >= WINDOW)
