"""Orders as the engine sees them: whole lots, integer prices."""

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLeg:
    """One leg.

    row: number of the instrument in the InstrumentTable. lots: > 0. limit_nano: price in 1e-9 of
    the quote currency, >= 0; None for a market order.
    """

    row: int
    side: Side
    lots: int
    limit_nano: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order of 1 to 32 legs, decided all or none."""

    order_id: str
    legs: tuple[OrderLeg, ...]
    execution: Execution = Execution.SINGLE
