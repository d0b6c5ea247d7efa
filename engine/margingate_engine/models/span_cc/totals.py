"""What a portfolio of one combined commodity adds up to. [SCC-01]"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, TypeVar

import numpy as np

from margingate_engine.core.arrays import IntArray
from margingate_engine.core.errors import InvalidInput
from margingate_engine.scenarios.span_points import POINT_COUNT

KeyT = TypeVar("KeyT")
_GROSS_MAX = 2**62


class Right(Enum):
    """Kind of option; a contract that is none has no right."""

    CALL = "C"
    PUT = "P"


class ContractRisk(NamedTuple):
    """One lot held long, as a SPAN file publishes it; money in 1e-6 of the margin currency.

    loss_s: (16,) array values, extremes weighted already: a loss is positive. delta_nano: composite
    delta times scaling factor, in 1e-9. period: whose deltas they are (CCYYMMDD). right: None for
    what is no option. minimum_period: of the option itself. option_value: at the mark, 0 for
    futures-style options.
    """

    loss_s: IntArray
    delta_nano: int
    period: int
    right: Right | None
    minimum_period: int
    option_value: int


@dataclass(slots=True)
class CommodityTotals:
    """Additive sums over positions; exact, whatever their order.

    pnl_s: (16,) gain positive, in 1e-6. delta_by_period: composite deltas in 1e-9, long positive;
    a period whose deltas net to nothing is not there. shorts: short options in lots by period and
    right. option_value: long less short, in 1e-6. gross: sum of the largest |array values|, which
    keeps pnl_s inside int64. lots: of all contracts, without sign.
    """

    pnl_s: IntArray = field(default_factory=lambda: np.zeros(POINT_COUNT, dtype=np.int64))
    delta_by_period: dict[int, int] = field(default_factory=dict)
    shorts: dict[tuple[int, Right], int] = field(default_factory=dict)
    option_value: int = 0
    gross: int = 0
    lots: int = 0

    @classmethod
    def of(cls, positions: Iterable[tuple[ContractRisk, int]]) -> "CommodityTotals":
        """Sums over (contract, signed lots); each contract at most once."""
        totals = cls()
        for contract, lots in positions:
            totals.add(contract, lots)
        return totals

    def add(self, contract: ContractRisk, lots: int) -> None:
        """Put a whole position in, signed lots, long positive."""
        if contract.loss_s.shape != (POINT_COUNT,):
            raise InvalidInput("loss_s", f"must have {POINT_COUNT} values")
        self.gross += abs(lots) * int(np.abs(contract.loss_s).max())
        if self.gross >= _GROSS_MAX:
            raise InvalidInput("lots", "is out of range")
        self.pnl_s = self.pnl_s - lots * contract.loss_s
        shift(self.delta_by_period, contract.period, lots * contract.delta_nano)
        if contract.right is not None and lots < 0:
            shift(self.shorts, (contract.minimum_period, contract.right), -lots)
        self.option_value += lots * contract.option_value
        self.lots += abs(lots)

    @property
    def is_empty(self) -> bool:
        """True when nothing is held."""
        return not self.lots

    @property
    def net_delta_nano(self) -> int:
        """Sum of the deltas of all periods, in 1e-9."""
        return sum(self.delta_by_period.values())


def shift(sums: dict[KeyT, int], key: KeyT, change: int) -> None:
    """Add to a sum, forgetting sums of zero."""
    total = sums.get(key, 0) + change
    if total:
        sums[key] = total
    else:
        sums.pop(key, None)
