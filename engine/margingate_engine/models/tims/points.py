"""The ten valuation points. [TIMS-01]"""

from decimal import Decimal

import numpy as np

from margingate_engine.core.arrays import read_only
from margingate_engine.scenarios.scenario_set import ScenarioSet

POINTS_PER_SIDE = 5
POINT_COUNT = 2 * POINTS_PER_SIDE


def valuation_points(range_down: Decimal, range_up: Decimal) -> ScenarioSet:
    """Ten relative moves, ascending: five equal steps to either end, and none in the middle.

    Both ranges positive, down below 1. Vols stay as they are and every point counts whole.
    """
    moves = [
        each * steps / POINTS_PER_SIDE
        for each, side in ((-range_down, range(POINTS_PER_SIDE, 0, -1)), (range_up, _UPWARD))
        for steps in side
    ]
    return ScenarioSet(
        descriptions=tuple(
            f"price {move * 100:+f}".rstrip("0").rstrip(".") + "%" for move in moves
        ),
        move_s=read_only(np.array([float(move) for move in moves])),
        vol_direction_s=read_only(np.zeros(POINT_COUNT, dtype=np.int64)),
        weight_s=read_only(np.ones(POINT_COUNT)),
    )


_UPWARD = range(1, POINTS_PER_SIDE + 1)
