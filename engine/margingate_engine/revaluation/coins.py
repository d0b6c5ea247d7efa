"""What coin balances are worth and lose, of many at once: the integers of GroupArrays."""

import numpy as np

from margingate_engine.core.arrays import IntArray
from margingate_engine.core.floors import floor_products
from margingate_engine.portfolio.risk_arrays import (
    COIN_ROW_DIVISOR,
    COIN_VALUE_DIVISOR,
    GroupArrays,
)


def coin_rows_cs(group: GroupArrays, coin_pico_c: IntArray) -> IntArray:
    """Weighted P&L of coin balances per scenario, (C, S), as GroupArrays.coin_rows."""
    rows_cs = np.empty((len(coin_pico_c), len(group.coin_factor_s)), dtype=np.int64)
    for scenario, factor in enumerate(group.coin_factor_s):
        rows_cs[:, scenario] = floor_products(coin_pico_c, factor, COIN_ROW_DIVISOR)
    return rows_cs


def coin_values(group: GroupArrays, coin_pico_c: IntArray) -> IntArray:
    """Values of coin balances without a cap, as GroupArrays.coin_value."""
    longs_c, shorts_c = np.maximum(coin_pico_c, 0), np.minimum(coin_pico_c, 0)
    return floor_products(longs_c, group.owned_rate, COIN_VALUE_DIVISOR) + floor_products(
        shorts_c, group.owed_rate, COIN_VALUE_DIVISOR
    )


def beyond_cap(group: GroupArrays, coin_pico_c: IntArray) -> IntArray:
    """What of the values of coin balances does not count, as GroupArrays.beyond_cap."""
    if group.cap is None:
        return np.zeros(len(coin_pico_c), dtype=np.int64)
    return np.maximum(coin_values(group, coin_pico_c) - group.cap, 0)
