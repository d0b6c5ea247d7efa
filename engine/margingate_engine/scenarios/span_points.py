"""The sixteen SPAN points as fractions of a scan range, their pairs, and the delta points.

The order is that of published risk arrays. [SCC-02, SCC-04]
"""

from dataclasses import dataclass

import numpy as np

from margingate_engine.core.arrays import FloatArray, IntArray, read_only
from margingate_engine.core.errors import InvalidInput

POINT_COUNT = 16
DELTA_POINT_COUNT = 7

DELTA_THIRDS = (0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0)
"""Price moves of the delta points, in thirds of the scan range."""

_THIRDS = (0, 0, 1, 1, -1, -1, 2, 2, -2, -2, 3, 3, -3, -3)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanPoints:
    """Axis S, 16 points: thirds_s is the price move in thirds of the scan range.

    vol_direction_s: +1, -1 or 0. weight_s: the part of the loss that counts.
    """

    thirds_s: FloatArray
    vol_direction_s: IntArray
    weight_s: FloatArray


def span_points(extreme_multiple: float, extreme_cover: float) -> SpanPoints:
    """The points in published order; both extremes move by the multiple and count by the cover."""
    for field, value in (("extreme_multiple", extreme_multiple), ("extreme_cover", extreme_cover)):
        if not 0 < value <= 100:
            raise InvalidInput(field, "must lie in (0, 100]")
    extremes = (3.0 * extreme_multiple, -3.0 * extreme_multiple)
    directions = [1, -1] * (len(_THIRDS) // 2) + [0, 0]
    weights = [1.0] * len(_THIRDS) + [extreme_cover] * 2
    return SpanPoints(
        thirds_s=read_only(np.array([*map(float, _THIRDS), *extremes])),
        vol_direction_s=read_only(np.array(directions, dtype=np.int64)),
        weight_s=read_only(np.array(weights)),
    )


def paired_point(point: int) -> int:
    """The point of the same price move and opposite vol, both from 0; an extreme is its own."""
    return point ^ 1 if point < len(_THIRDS) else point


def composite_delta(delta_ip: FloatArray, weight_p: FloatArray, scaling: float) -> FloatArray:
    """Composite delta per instrument: the weighted sum over the delta points, scaled. [SCC-04]

    delta_ip: (I, 7) deltas after the look-ahead, vol unchanged. weight_p: (7,) from the file, >= 0;
    their sum is 1 or, as one exchange prints them, slightly less.
    """
    if weight_p.shape != (DELTA_POINT_COUNT,) or (weight_p < 0).any():
        raise InvalidInput("weight_p", "must be seven numbers of 0 or more")
    if not 0.99 <= float(weight_p.sum()) <= 1.000001:
        raise InvalidInput("weight_p", "must sum to 1")
    return np.asarray(scaling * (delta_ip @ weight_p))
