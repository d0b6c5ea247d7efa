"""Lines of equal value on a grid."""

from collections.abc import Iterator

import numpy as np

from margingate_engine.core.arrays import FloatArray

Segment = tuple[tuple[float, float], tuple[float, float]]
"""Two points (column, row) of a grid, fractions between its nodes."""


def levels(lowest: float, highest: float, most: int) -> list[float]:
    """Round numbers, zero among them where it lies between, at most so many, ascending.

    Empty where lowest and highest are the same.
    """
    if not highest > lowest:
        return []
    rough = (highest - lowest) / most
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(power * each for each in (1, 2, 5, 10, 20) if power * each >= rough)
    first, last = int(np.ceil(lowest / step)), int(np.floor(highest / step))
    return [float(step * number) for number in range(first, last + 1)][:most]


def contour(value_yx: FloatArray, level: float) -> Iterator[Segment]:
    """Pieces of the line on which values, linear along the edges of the cells, reach the level."""
    is_above_yx = value_yx > level
    mixed = is_above_yx[:-1, :-1].astype(int) + is_above_yx[1:, :-1]
    mixed = mixed + is_above_yx[:-1, 1:] + is_above_yx[1:, 1:]
    for y, x in np.argwhere((mixed > 0) & (mixed < 4)).tolist():
        corners = ((x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1))
        crossings = []
        for (x0, y0), (x1, y1) in zip(corners, (*corners[1:], corners[0]), strict=True):
            start, end = float(value_yx[y0, x0]), float(value_yx[y1, x1])
            if (start > level) != (end > level):
                share = (level - start) / (end - start)
                crossings.append((x0 + share * (x1 - x0), y0 + share * (y1 - y0)))
        # A saddle has four crossings; joined in the order of the corners they make two lines.
        yield from zip(crossings[::2], crossings[1::2], strict=True)
