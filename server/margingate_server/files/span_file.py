"""What a SPAN parameter file holds, whatever its format. [SCC-18]"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from margingate_engine.core.arrays import IntArray, read_only
from margingate_engine.core.errors import InvalidInput, MissingData
from margingate_engine.models.span_cc.parameters import SpanCcParameters
from margingate_engine.models.span_cc.totals import ContractRisk, Right
from margingate_engine.scenarios.span_points import POINT_COUNT

MICRO_MAX = 10**15
"""Array values and prices reach no further: a milliard of the margin currency."""

_RIGHTS: tuple[Right | None, ...] = (None, Right.CALL, Right.PUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRow:
    """One contract of a file, before it is known what commodity it belongs to.

    loss: (16,) in 1e-6 of the margin currency. delta_nano: composite delta times scaling factor.
    """

    key: str
    loss: Sequence[int]
    delta_nano: int
    period: int
    right: Right | None
    minimum_period: int
    option_value: int


@dataclass(slots=True)
class ContractColumns:
    """Contracts as columns that grow, axis I; money in 1e-6 of the margin currency."""

    keys: dict[str, int] = field(default_factory=dict)
    family_i: "array[int]" = field(default_factory=lambda: array("q"))
    loss_is: "array[int]" = field(default_factory=lambda: array("q"))
    delta_nano_i: "array[int]" = field(default_factory=lambda: array("q"))
    period_i: "array[int]" = field(default_factory=lambda: array("q"))
    right_i: "array[int]" = field(default_factory=lambda: array("b"))
    minimum_period_i: "array[int]" = field(default_factory=lambda: array("q"))
    option_value_i: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, path: str, row: ContractRow, family: int) -> None:
        """Put a contract in; InvalidInput naming `path` for a contract that is there already."""
        if row.key in self.keys:
            raise InvalidInput(path, f"names {row.key} a second time")
        self.keys[row.key] = len(self.keys)
        self.family_i.append(family)
        self.loss_is.extend(row.loss)
        self.delta_nano_i.append(row.delta_nano)
        self.period_i.append(row.period)
        self.right_i.append(_RIGHTS.index(row.right))
        self.minimum_period_i.append(row.minimum_period)
        self.option_value_i.append(row.option_value)


class SpanContracts:
    """Contracts of a file by key `exchange/product/type/right/period/option period/strike`."""

    def __init__(self, columns: ContractColumns, codes: Sequence[str]) -> None:
        """Take the columns over. codes: the commodity of every contract, in their order."""
        self._columns, self._codes = columns, codes
        loss_is = np.frombuffer(columns.loss_is, dtype=np.int64) if columns.keys else np.zeros(0)
        self._loss_is: IntArray = read_only(loss_is.astype(np.int64).reshape(-1, POINT_COUNT))

    def __len__(self) -> int:
        return len(self._columns.keys)

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key, in the order of the file."""
        return tuple(self._columns.keys)

    def code(self, key: str) -> str:
        """The combined commodity of a contract; MissingData for a key that the file has not."""
        return self._codes[self._row(key)]

    def risk(self, key: str) -> ContractRisk:
        """Published array and delta of one lot; MissingData for a key that the file has not."""
        row, columns = self._row(key), self._columns
        return ContractRisk(
            loss_s=self._loss_is[row],
            delta_nano=columns.delta_nano_i[row],
            period=columns.period_i[row],
            right=_RIGHTS[columns.right_i[row]],
            minimum_period=columns.minimum_period_i[row],
            option_value=columns.option_value_i[row],
        )

    def _row(self, key: str) -> int:
        row = self._columns.keys.get(key)
        if row is None:
            raise MissingData(key)
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanFile:
    """Parameters and contracts of one file.

    business_date: CCYYMMDD. refused: what the file says and the algorithm cannot do, by commodity,
    product or spread, with the reason: contracts of such a commodity have no requirement, and such
    a spread no credit.
    """

    business_date: int
    is_settlement: bool
    parameters: SpanCcParameters
    contracts: SpanContracts
    refused: Mapping[str, str]

    def position_risk(self, key: str) -> tuple[str, ContractRisk]:
        """Commodity and risk of a contract; InvalidInput with the reason where it is refused."""
        code = self.contracts.code(key)
        if code in self.refused:
            raise InvalidInput(code, self.refused[code])
        return code, self.contracts.risk(key)
