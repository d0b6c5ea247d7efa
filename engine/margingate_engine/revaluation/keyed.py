"""Keyed features in columns, for models that have few keys per underlying."""

from dataclasses import dataclass

import numpy as np

from margingate_engine.core.arrays import IntArray
from margingate_engine.portfolio.risk_arrays import SPOT_KEY, RiskArrays

KEYS_MAX = 100
"""Most keys that an underlying may have to be worked out in columns."""

SPOT_COLUMN = 0
"""Column of the feature that coins have."""


@dataclass(frozen=True, slots=True)
class KeyedColumns:
    """column: by group, the column of each key; SPOT_KEY is the first. amount_ik: of one lot."""

    column: tuple[dict[int, int], ...]
    amount_ik: IntArray

    @classmethod
    def of(cls, arrays: RiskArrays) -> "KeyedColumns | None":
        """Columns of a model's features; None when an underlying has too many keys."""
        column: tuple[dict[int, int], ...] = tuple({SPOT_KEY: SPOT_COLUMN} for _ in arrays.groups)
        for number, features in zip(arrays.group_i, arrays.features_i, strict=True):
            for key, _ in features:
                column[number].setdefault(key, len(column[number]))
        count = max(map(len, column), default=1)
        if count > KEYS_MAX:
            return None
        amount_ik = np.zeros((len(arrays.features_i), count), dtype=np.int64)
        for row, features in enumerate(arrays.features_i):
            for key, amount in features:
                amount_ik[row, column[arrays.group_i[row]][key]] += amount
        return cls(column, amount_ik)
