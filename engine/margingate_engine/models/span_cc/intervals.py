"""What open orders of one combined commodity can come to, whatever fills. [SCC-16]"""

from dataclasses import dataclass, field

import numpy as np

from margingate_engine.core.arrays import IntArray
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.totals import ContractRisk, Right, shift
from margingate_engine.scenarios.span_points import POINT_COUNT

ROW_COUNT = POINT_COUNT + 1
"""The sixteen points and a null row, in which nothing moves and entry losses remain."""

_GROSS_MAX = 2**62


@dataclass(slots=True)
class CommodityHolds:
    """Additive sums over open orders, 1e-6 of the margin currency.

    worst_r: (17,) sum of min(0, entry loss + gain of the row), the null row last. up, down: what
    fills can add to (>= 0) and take from (<= 0) the delta of a period, in 1e-9. sells: option lots
    that can be sold by period and right. value_up: option value that fills can add. entry: sum of
    the entry losses, <= 0. lots: open.
    """

    worst_r: IntArray = field(default_factory=lambda: np.zeros(ROW_COUNT, dtype=np.int64))
    up: dict[int, int] = field(default_factory=dict)
    down: dict[int, int] = field(default_factory=dict)
    sells: dict[tuple[int, Right], int] = field(default_factory=dict)
    value_up: int = 0
    entry: int = 0
    gross: int = 0
    lots: int = 0

    def add(self, contract: ContractRisk, lots: int, entry: int) -> None:
        """Put an order in: open lots, signed, and what one lot loses at entry (<= 0)."""
        if entry > 0:
            raise InvalidInput("entry", "must be 0 or less: better prices are not credited")
        open_lots, side = abs(lots), 1 if lots > 0 else -1
        self.gross += open_lots * (int(np.abs(contract.loss_s).max()) - entry)
        if self.gross >= _GROSS_MAX:
            raise InvalidInput("lots", "is out of range")
        row_r = np.append(-side * contract.loss_s, 0) + entry
        self.worst_r = self.worst_r + open_lots * np.minimum(row_r, 0)
        delta = lots * contract.delta_nano
        shift(self.up if delta > 0 else self.down, contract.period, delta)
        if contract.right is not None and lots < 0:
            shift(self.sells, (contract.minimum_period, contract.right), open_lots)
        self.value_up += max(0, lots * contract.option_value)
        self.entry += open_lots * entry
        self.lots += open_lots
