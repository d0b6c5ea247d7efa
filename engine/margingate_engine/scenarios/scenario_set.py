"""A list of worlds to look at."""

from dataclasses import dataclass

from margingate_engine.core.arrays import FloatArray, IntArray
from margingate_engine.core.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioSet:
    """Scenarios of one group, arrays over scenarios (axis S).

    move_s: relative price move, > -1. vol_direction_s: +1, 0 or -1. weight_s: of the P&L, (0, 1].
    """

    descriptions: tuple[str, ...]
    move_s: FloatArray
    vol_direction_s: IntArray
    weight_s: FloatArray

    def __post_init__(self) -> None:
        """Refuse what no price can do."""
        count = len(self.descriptions)
        if not (len(self.move_s) == len(self.vol_direction_s) == len(self.weight_s) == count):
            raise InvalidInput("scenarios", "differ in length")
        if (self.move_s <= -1).any():
            raise InvalidInput("price_scan_range", "lets a price fall to zero")

    def __len__(self) -> int:
        return len(self.descriptions)
