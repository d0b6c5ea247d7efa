"""Arrays that grow at their end."""

import numpy as np
from numpy.typing import DTypeLike

from margingate_engine.core.arrays import IntArray


class Growing:
    """A one-dimensional array of integers; what was not set is `filler`."""

    def __init__(self, dtype: DTypeLike = np.int64, filler: int = 0) -> None:
        self._all = np.full(64, filler, dtype=dtype)
        self._filler = filler
        self._count = 0

    def __setitem__(self, place: int, value: int) -> None:
        if place >= len(self._all):
            more = np.full(max(place + 1, len(self._all)), self._filler, dtype=self._all.dtype)
            self._all = np.concatenate((self._all, more))
        self._count = max(self._count, place + 1)
        self._all[place] = value

    def first(self, count: int) -> IntArray:
        """The first so many, as they are now."""
        if count > len(self._all):
            self[count - 1] = self._filler
        return self._all[:count]
