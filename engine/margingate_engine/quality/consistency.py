"""Do the prices of one update agree with each other? Masks over rows: True where they do not.

A rule judges what `asked_i` names: prices that arrived and that no rule before it refused. It
compares them with one another, so that one wrong price cannot make the others wrong.
"""

import numpy as np

from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray
from margingate_engine.market.table import InstrumentTable
from margingate_engine.quality.layout import WINDOW, QualityLayout
from margingate_engine.quality.prices import Prices, model_mark_i, quote_scale_i

_MEDIAN = WINDOW // 2


def far_from_index(
    prices: Prices, indices: tuple[FloatArray, ...], bound_i: FloatArray
) -> BoolArray:
    """Forwards and futures farther from every index than bound_i, a fraction of it.

    indices: (I,) each, what the level may be near to, in its own currency; 0 is none, and where
    there is no index at all, nothing is far.
    """
    count = len(prices.level_i)
    is_far_i, has_index_i = np.ones(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    for index_i in indices:
        has_index_i |= index_i > 0
        is_far_i &= (index_i <= 0) | (np.abs(prices.level_i - index_i) > bound_i * index_i)
    return np.asarray(is_far_i & has_index_i)


def far_from_median(
    group_i: IntArray,
    levels: tuple[FloatArray, FloatArray],
    asked_i: BoolArray,
    bound_i: FloatArray,
) -> BoolArray:
    """Forwards and futures farther from the median of their group than bound_i, a fraction.

    levels: (I,) in force, 0 for none, and arrived. Of two in the middle the one that moved less
    from its level in force counts; where neither has one, nobody knows which of them is right, and
    a level is far that is far from either.
    """
    rows = np.flatnonzero(asked_i)
    group_r, former_r, level_r = (each[rows] for each in (group_i, *levels))
    move_r = np.full(len(rows), np.inf)
    np.divide(np.abs(level_r - former_r), former_r, out=move_r, where=former_r > 0)
    order = np.lexsort((level_r, group_r))
    count_g = np.bincount(group_r, minlength=int(group_i.max(initial=-1)) + 1)
    start_g = np.cumsum(count_g) - count_g
    lower_r, upper_r = (
        order[(start_g + place_g)[group_r]] for place_g in ((count_g - 1) // 2, count_g // 2)
    )
    is_known_r = np.isfinite(np.minimum(move_r[lower_r], move_r[upper_r]))
    nearer_r = np.where(move_r[upper_r] < move_r[lower_r], upper_r, lower_r)
    far_i = np.zeros(len(asked_i), dtype=np.bool_)
    for middle_r in (nearer_r, np.where(is_known_r, nearer_r, upper_r)):
        median_r = level_r[middle_r]
        far_i[rows] |= np.abs(level_r - median_r) > bound_i[rows] * median_r
    return far_i


def far_from_model(
    table: InstrumentTable, prices: Prices, asked_i: BoolArray, bound_i: FloatArray
) -> BoolArray:
    """Options whose mark is farther from Black-76 than bound_i of forward or strike."""
    usable_i = asked_i & table.is_option_i
    gap_i = np.abs(prices.mark_i - model_mark_i(table, prices, prices.vol_i, usable_i))
    return np.asarray(usable_i & (gap_i > bound_i * quote_scale_i(table, prices, usable_i)))


def far_from_neighbours(
    layout: QualityLayout,
    prices: Prices,
    asked_i: BoolArray,
    limits: tuple[FloatArray, FloatArray],
) -> BoolArray:
    """Options whose vol is farther from the median around it than limits, over rows, allow.

    limits: a fraction of the median, and vol on top. The median is of the WINDOW vols nearest on
    the smile; where one is not asked for, the option's own stands in for it.
    """
    rows = layout.smile_rows
    vol_m, asked_m = prices.vol_i[rows], asked_i[rows]
    around_mw = np.where(asked_m[layout.window_mw], vol_m[layout.window_mw], vol_m[:, None])
    median_m = np.sort(around_mw, axis=1)[:, _MEDIAN]
    fraction_i, points_i = limits
    allowed_m = fraction_i[rows] * median_m + points_i[rows]
    far_i = np.zeros(len(asked_i), dtype=np.bool_)
    far_i[rows] = asked_m & layout.has_window_m & (np.abs(vol_m - median_m) > allowed_m)
    return far_i


def without_parity(
    layout: QualityLayout, prices: Prices, asked_i: BoolArray, bound_i: FloatArray
) -> BoolArray:
    """Calls and puts of one strike for which C - P = F - K fails by more than bound_i.

    In coins where the contract is inverse; bound_i is of forward or strike. Nobody knows which of
    the two is wrong, so both are.
    """
    table, calls, puts = layout.table, layout.call_rows, layout.put_rows
    asked_p = asked_i[calls] & asked_i[puts]
    forward_p = np.where(asked_p, (prices.forward_i[calls] + prices.forward_i[puts]) / 2, 1.0)
    worth_p = forward_p - table.strike_i[calls]
    parity_p = np.where(table.is_inverse_i[calls], worth_p / forward_p, worth_p)
    gap_p = np.abs(prices.mark_i[calls] - prices.mark_i[puts] - parity_p)
    scale_p = quote_scale_i(table, prices, asked_i & table.is_option_i)[calls]
    broken_p = asked_p & (gap_p > bound_i[calls] * scale_p)
    broken_i = np.zeros(len(asked_i), dtype=np.bool_)
    broken_i[calls[broken_p]] = broken_i[puts[broken_p]] = True
    return broken_i
