"""Why a price that arrived is not taken as it is."""

from enum import IntEnum

import numpy as np

from margingate_engine.core.arrays import BoolArray, CodeArray


class Doubt(IntEnum):
    """What is wrong with a price; the numbers are those of `doubt_u` and `doubt_i` of a snapshot.

    Of several the first in this order counts. INTERPOLATED: the vol is that of its neighbours.
    """

    NONE = 0
    INDEX_JUMP = 1
    PRICE_MISSING = 2
    VOL_MISSING = 3
    VOL_BOUNDS = 4
    BASIS = 5
    FORWARD_GAP = 6
    MARK_GAP = 7
    VOL_GAP = 8
    PARITY = 9
    PRICE_JUMP = 10
    VOL_JUMP = 11
    INTERPOLATED = 12

    @staticmethod
    def among(code_i: CodeArray, doubts: "tuple[Doubt, ...]") -> BoolArray:
        """Bool over codes: is one of these."""
        is_one = np.zeros(len(Doubt), dtype=np.bool_)
        is_one[list(doubts)] = True
        return np.asarray(is_one[code_i])

    @property
    def words(self) -> str:
        """What a person reads in the detail of a refused order."""
        return WORDS[self]


WORDS = {
    Doubt.NONE: "nothing is wrong with it",
    Doubt.INDEX_JUMP: "the index jumped and is not confirmed yet",
    Doubt.PRICE_MISSING: "the last update had no price for it",
    Doubt.VOL_MISSING: "the last update had no vol for it",
    Doubt.VOL_BOUNDS: "its vol is out of bounds",
    Doubt.BASIS: "its forward is too far from the index",
    Doubt.FORWARD_GAP: "its forward differs from others of its expiry",
    Doubt.MARK_GAP: "its mark does not follow from its vol and forward",
    Doubt.VOL_GAP: "its vol is far from those of its neighbours",
    Doubt.PARITY: "call and put of its strike contradict each other",
    Doubt.PRICE_JUMP: "its price jumped and is not confirmed yet",
    Doubt.VOL_JUMP: "its vol jumped and is not confirmed yet",
    Doubt.INTERPOLATED: "its vol is interpolated between strikes far apart",
}

LEVEL_DOUBTS = (Doubt.BASIS, Doubt.FORWARD_GAP, Doubt.PRICE_JUMP)
"""Nobody knows where the price stands: no order may rest on it, and nothing is put up for it."""

SHAPE_DOUBTS = (Doubt.VOL_BOUNDS, Doubt.MARK_GAP, Doubt.VOL_GAP, Doubt.PARITY)
"""The forward may be right, the vol is not."""
