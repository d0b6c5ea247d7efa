"""Vols that are missing, from the strikes beside them."""

from dataclasses import dataclass

import numpy as np

from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray
from margingate_engine.quality.layout import QualityLayout

NOWHERE = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Interpolated:
    """Vols between neighbours: instruments by row (axis R).

    vol_r: per year. forward_r: USD, of the neighbours in the same proportion. width_r: how far the
    neighbours are apart, as the log of their strikes' ratio, 0 where one has the same strike.
    observed_ns_r: when the older of them was received.
    """

    rows: IntArray
    vol_r: FloatArray
    forward_r: FloatArray
    width_r: FloatArray
    observed_ns_r: IntArray


NOTHING = Interpolated(
    rows=np.zeros(0, dtype=np.int64),
    vol_r=np.zeros(0),
    forward_r=np.zeros(0),
    width_r=np.zeros(0),
    observed_ns_r=np.zeros(0, dtype=np.int64),
)
"""No vols."""


def interpolated(
    layout: QualityLayout,
    wanted_i: BoolArray,
    known_i: BoolArray,
    vol_i: FloatArray,
    forward_i: FloatArray,
    observed_ns_i: IntArray,
) -> Interpolated:
    """The vols of `wanted_i` as far as known options stand on both sides, or at the same strike.

    Linear in the log of the strike, which is that of moneyness but for the forward they share,
    between the nearest known options of the same smile; beyond the outermost nothing is known.
    known_i: none of them wanted.
    """
    if not wanted_i.any():
        return NOTHING
    smile_rows = layout.smile_rows
    left_m, right_m = _nearest_known(layout, known_i[smile_rows])
    wanted = np.flatnonzero(wanted_i[smile_rows])
    left, right = left_m[wanted], right_m[wanted]
    x, x_left, x_right = (layout.log_strike_m[each] for each in (wanted, left, right))
    # A call and its put have one strike: the other of them is a neighbour on both sides.
    left = np.where((right != NOWHERE) & (x_right == x), right, left)
    right = np.where((left != NOWHERE) & (layout.log_strike_m[left] == x), left, right)
    found = (left != NOWHERE) & (right != NOWHERE)
    wanted, left, right, x = wanted[found], left[found], right[found], x[found]
    x_left, x_right = layout.log_strike_m[left], layout.log_strike_m[right]
    width_r = x_right - x_left
    weight_r = np.where(width_r > 0, (x - x_left) / np.where(width_r > 0, width_r, 1.0), 0.0)
    rows, left_rows, right_rows = smile_rows[wanted], smile_rows[left], smile_rows[right]

    def between(value_i: FloatArray) -> FloatArray:
        return np.asarray(value_i[left_rows] * (1.0 - weight_r) + value_i[right_rows] * weight_r)

    return Interpolated(
        rows=rows,
        vol_r=between(vol_i),
        forward_r=between(forward_i),
        width_r=width_r,
        observed_ns_r=np.minimum(observed_ns_i[left_rows], observed_ns_i[right_rows]),
    )


def _nearest_known(layout: QualityLayout, known_m: BoolArray) -> tuple[IntArray, IntArray]:
    """Places of the nearest known option before and after each on its smile, or NOWHERE."""
    count = len(known_m)
    place_m = np.arange(count)
    left_m = np.maximum.accumulate(np.where(known_m, place_m, NOWHERE))
    right_m = np.minimum.accumulate(np.where(known_m, place_m, count)[::-1])[::-1]
    right_m = np.where(right_m == count, NOWHERE, right_m)
    same_left = (left_m != NOWHERE) & (layout.smile_m[left_m] == layout.smile_m)
    same_right = (right_m != NOWHERE) & (layout.smile_m[right_m] == layout.smile_m)
    return np.where(same_left, left_m, NOWHERE), np.where(same_right, right_m, NOWHERE)
