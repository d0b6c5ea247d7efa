"""Arrays of numbers, and how they are published."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
CodeArray = NDArray[np.int8]
ScalarT = TypeVar("ScalarT", bound=np.generic)


def read_only(array: NDArray[ScalarT]) -> NDArray[ScalarT]:
    """The same array, refusing writes from now on."""
    array.setflags(write=False)
    return array
