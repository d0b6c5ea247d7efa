"""What coin balances are worth and lose, of many at once: the integers of GroupArrays."""

import numpy as np

from margingate_engine.core.floors import floor_products
from margingate_engine.market.table import IntArray
from margingate_engine.portfolio.risk_arrays import (
    COIN_ROW_DIVISOR,
    COIN_VALUE_DIVISOR,
    PPM,
    GroupArrays,
)


def coin_rows_cs(group: GroupArrays, coin_pico_c: IntArray) -> IntArray:
    """Weighted P&L of coin balances per scenario, (C, S), as GroupArrays.coin_rows."""
    rows_cs = np.empty((len(coin_pico_c), len(group.coin_factor_s)), dtype=np.int64)
    for scenario, factor in enumerate(group.coin_factor_s):
        rows_cs[:, scenario] = floor_products(coin_pico_c, factor, COIN_ROW_DIVISOR)
    return rows_cs


def coin_values(group: GroupArrays, coin_pico_c: IntArray) -> IntArray:
    """Values of coin balances in equity, as GroupArrays.coin_value."""
    long_rate = group.index_nano * (PPM - group.haircut_ppm)
    short_rate = group.index_nano * (PPM + group.haircut_ppm)
    longs_c = floor_products(np.maximum(coin_pico_c, 0), long_rate, COIN_VALUE_DIVISOR)
    return longs_c + floor_products(np.minimum(coin_pico_c, 0), short_rate, COIN_VALUE_DIVISOR)
