"""Acerbi and Szekely's two statistics for expected shortfall. [VAR-19]

Source: C. Acerbi, B. Szekely, "Backtesting expected shortfall", 2014. Both are near 0 where the
shortfall was right, and negative where it was too small. How far below 0 is too far depends on the
tail and the number of days, and has to be simulated from the model itself.
"""

import numpy as np

from margingate_engine.core.arrays import BoolArray, FloatArray
from margingate_engine.core.errors import InvalidInput


def exceeding_losses(
    pnl_t: FloatArray, shortfall_t: FloatArray, is_exception_t: BoolArray
) -> float | None:
    """Z1 = 1 + mean over exceptions of P&L / shortfall: their size alone; None without any."""
    _refuse_no_shortfall(shortfall_t)
    if not is_exception_t.any():
        return None
    return float(1.0 + (pnl_t[is_exception_t] / shortfall_t[is_exception_t]).mean())


def unconditional(
    pnl_t: FloatArray, shortfall_t: FloatArray, is_exception_t: BoolArray, tail: float
) -> float:
    """Z2 = 1 + sum over exceptions of P&L / shortfall / (T tail): size and number together."""
    _refuse_no_shortfall(shortfall_t)
    sum_of_ratios = float((pnl_t[is_exception_t] / shortfall_t[is_exception_t]).sum())
    return 1.0 + sum_of_ratios / (len(pnl_t) * tail)


def _refuse_no_shortfall(shortfall_t: FloatArray) -> None:
    if not (np.isfinite(shortfall_t).all() and (shortfall_t > 0).all()):
        raise InvalidInput("shortfall", "must be above 0 every day")
