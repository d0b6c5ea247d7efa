"""Three numbers that answer most questions about an account."""

from dataclasses import dataclass
from enum import Enum

from margingate_engine.core.errors import ModelFailure


class Exactness(Enum):
    """Whether a requirement over open orders is the worst case itself or an upper bound of it."""

    EXACT = "exact"
    BOUND = "bound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """Margin of an account, in 1e-6 USD.

    equity: signed, rounded down. initial, maintenance: >= 0, rounded up; initial covers open
    orders.
    """

    equity: int
    initial: int
    maintenance: int

    def __post_init__(self) -> None:
        """A requirement is never negative."""
        if self.initial < 0 or self.maintenance < 0:
            raise ModelFailure("negative requirement")

    @property
    def headroom(self) -> int:
        """Equity less initial margin, 1e-6 USD; negative when under-margined."""
        return self.equity - self.initial

    @property
    def is_margined(self) -> bool:
        """True when equity covers initial margin."""
        return self.headroom >= 0
