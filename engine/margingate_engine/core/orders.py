"""Side of an order, and how its legs may fill."""

from enum import Enum, IntEnum


class Side(IntEnum):
    """Sign of the position change."""

    BUY = 1
    SELL = -1


class Execution(Enum):
    """How the legs of an order may fill."""

    SINGLE = "single"
    ATOMIC_COMBO = "atomic_combo"
    INDEPENDENT_LEGS = "independent_legs"
