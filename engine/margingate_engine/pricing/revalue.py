"""Profit and loss of one long lot of every instrument in every scenario. [SPAN-03]"""

from dataclasses import dataclass

import numpy as np

from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray
from margingate_engine.market.table import InstrumentTable
from margingate_engine.pricing import black76


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionPoint:
    """Where options of one underlying stand now, arrays over them (axis I).

    index, forward_i: USD. vol_i: per year. tau_years_i: to expiry, >= 0.
    """

    index: float
    forward_i: FloatArray
    vol_i: FloatArray
    tau_years_i: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionShocks:
    """What the scenarios (axis S) make of them: relative moves, vols (I, S) and time left."""

    move_s: FloatArray
    vol_is: FloatArray
    tau_years_i: FloatArray


def option_pnl(
    table: InstrumentTable, rows: IntArray, now: OptionPoint, shocks: OptionShocks
) -> FloatArray:
    """Unweighted P&L in USD, (I, S), of the options at `rows`, which share one index.

    Inverse options are valued at the scenario's own spot.
    """
    strike_i, is_call_i = table.strike_i[rows], table.is_call_i[rows]
    base_i = black76.value(now.forward_i, strike_i, now.vol_i, now.tau_years_i, is_call_i)
    shocked_is = black76.value(
        now.forward_i[:, None] * (1.0 + shocks.move_s)[None, :],
        strike_i[:, None],
        shocks.vol_is,
        shocks.tau_years_i[:, None],
        is_call_i[:, None],
    )
    # Spot and forward move together, so an inverse option's S'/F' is the S/F of now.
    usd_per_value_i = np.where(table.is_inverse_i[rows], now.index / now.forward_i, 1.0)
    change_is = (shocked_is - base_i[:, None]) * usd_per_value_i[:, None]
    return np.asarray(change_is * table.size_i[rows][:, None])


def future_pnl(
    size_i: FloatArray,
    mark_i: FloatArray,
    is_inverse_i: BoolArray,
    *,
    index: float,
    move_s: FloatArray,
) -> FloatArray:
    """Unweighted P&L in USD, (I, S), of futures: size F m, or size m S/F where inverse."""
    usd_i = future_delta(size_i, mark_i, is_inverse_i, index=index)
    return np.asarray(usd_i[:, None] * move_s[None, :])


def future_delta(
    size_i: FloatArray, mark_i: FloatArray, is_inverse_i: BoolArray, *, index: float
) -> FloatArray:
    """USD that one lot gains per 100 % move of its own price: size F, or size S/F where inverse."""
    return np.asarray(size_i * np.where(is_inverse_i, index / mark_i, mark_i))
