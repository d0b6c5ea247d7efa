"""What shorts require at least over the fills of orders, of many cells at once. [SPAN-14]"""

import numpy as np

from margingate_engine.core.arrays import IntArray
from margingate_engine.revaluation.effects import EffectColumns
from margingate_engine.revaluation.group_cells import Entries


def worst_minimum_c(
    minimum_c: IntArray, orders: Entries, effects: EffectColumns, minimum_i: IntArray
) -> IntArray:
    """The minimum of each cell at its worst fills, entry losses with it, 1e-6 USD.

    minimum_c: that of positions alone. minimum_i: of a short lot of each instrument.
    """
    cells = len(minimum_c)
    if not len(orders.lots_n):
        return minimum_c
    row_n = effects.row_e[orders.column_n]
    cell_n = np.repeat(np.arange(cells), np.diff(orders.start_c))
    is_first_n = np.ones(len(row_n), dtype=np.bool_)
    is_first_n[1:] = (row_n[1:] != row_n[:-1]) | (cell_n[1:] != cell_n[:-1])
    first_p = np.flatnonzero(is_first_n)
    entry_p, change_p = (
        np.add.reduceat(orders.lots_n * each_e[orders.column_n], first_p)
        for each_e in (effects.entry_e, effects.minimum_e)
    )
    own_p = minimum_i[row_n[first_p]] * orders.held_n[first_p]
    floor_p = np.minimum(entry_p, own_p + change_p) - np.minimum(0, own_p)
    worst_c = minimum_c.copy()
    np.subtract.at(worst_c, cell_n[first_p], floor_p)
    return worst_c
