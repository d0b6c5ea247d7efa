"""The sixteen SPAN scenarios. [SPAN-01]"""

import numpy as np

from margingate_engine.core.arrays import read_only
from margingate_engine.scenarios.scenario_set import ScenarioSet

_THIRDS = (0, 1, -1, 2, -2, 3, -3)


def span16(price_scan_range: float, extreme_multiple: float, extreme_cover: float) -> ScenarioSet:
    """The scenarios in their published order; moves are fractions of the price scan range."""
    move, direction, weight, words = [], [], [], []
    for thirds in _THIRDS:
        for vol_direction in (1, -1):
            move.append(thirds / 3 * price_scan_range)
            direction.append(vol_direction)
            weight.append(1.0)
            price = f"{thirds:+d}/3" if thirds else "0"
            words.append(f"price {price}, vol {'up' if vol_direction > 0 else 'down'}")
    for sign in (1, -1):
        move.append(sign * extreme_multiple * price_scan_range)
        direction.append(0)
        weight.append(extreme_cover)
        words.append(
            f"price {'+' if sign > 0 else '-'}{extreme_multiple:g}x, weight {extreme_cover:g}"
        )
    return ScenarioSet(
        descriptions=tuple(words),
        move_s=read_only(np.array(move)),
        vol_direction_s=read_only(np.array(direction, dtype=np.int64)),
        weight_s=read_only(np.array(weight)),
    )
