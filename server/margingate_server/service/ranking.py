"""Accounts in the order of how near they are to liquidation."""

from enum import Enum

import numpy as np

from margingate_engine.core.arrays import FloatArray, IntArray
from margingate_engine.monitoring.states import margin_ratios
from margingate_engine.revaluation.account_figures import AccountFigures


class Ranking(Enum):
    """What comes first."""

    MARGIN_RATIO = "margin_ratio"
    HEADROOM = "headroom"


def ranked(figures: AccountFigures, by: Ranking, count: int) -> list[int]:
    """Places of at most `count` accounts in the figures, the worst first, equals by id.

    Whose figures are not known has no place.
    """
    assert count > 0
    known_a = np.flatnonzero(figures.is_known_a)
    better_a = _better(figures, by)[known_a]
    if len(known_a) > count:
        last = np.partition(better_a, count - 1)[count - 1]
        known_a, better_a = known_a[better_a <= last], better_a[better_a <= last]
    accounts = figures.accounts
    places = zip(better_a.tolist(), known_a.tolist(), strict=True)
    ordered = sorted(places, key=lambda each: (each[0], accounts[each[1]]))
    return [place for _, place in ordered[:count]]


def _better(figures: AccountFigures, by: Ranking) -> IntArray | FloatArray:
    """A number that is the greater the better an account stands; of ratios as people read them."""
    if by is Ranking.HEADROOM:
        return figures.headroom_a
    return -margin_ratios(figures)
