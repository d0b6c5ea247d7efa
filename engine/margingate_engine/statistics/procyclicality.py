"""How much a margin moves with the market, after Murphy, Vasios and Vause. [VAR-20]"""

from typing import NamedTuple

import numpy as np

from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.errors import InvalidInput

INCREASE_DAYS = (1, 5, 30)


class Procyclicality(NamedTuple):
    """peak_to_trough: largest margin over smallest. largest_increase: by days, relative, >= 0.

    change_deviation: standard deviation of the daily relative change.
    """

    peak_to_trough: float
    largest_increase: dict[int, float]
    change_deviation: float


def procyclicality(margin_t: FloatArray) -> Procyclicality:
    """Of a margin of one portfolio held through time, two days at least, all above 0. [VAR-20]"""
    if len(margin_t) < 2 or not (np.isfinite(margin_t).all() and (margin_t > 0).all()):
        raise InvalidInput("margin", "must be above 0 on two days at least")
    change_t = margin_t[1:] / margin_t[:-1] - 1.0
    return Procyclicality(
        peak_to_trough=float(margin_t.max() / margin_t.min()),
        largest_increase={days: _largest_increase(margin_t, days) for days in INCREASE_DAYS},
        change_deviation=float(change_t.std()),
    )


def _largest_increase(margin_t: FloatArray, days: int) -> float:
    if len(margin_t) <= days:
        return 0.0
    return max(0.0, float((margin_t[days:] / margin_t[:-days]).max() - 1.0))
