"""What a model must be able to do so that accounts are margined in columns."""

from typing import Protocol, runtime_checkable

from margingate_engine.core.arrays import IntArray
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_engine.portfolio.risk_arrays import GroupArrays


@runtime_checkable
class ManyMargins(Protocol):
    """A model whose account requirement is the sum of its groups', each a function of totals.

    Totals of many accounts' cells (axis C) of one group: rows_cr with coins and worst fills, the
    null row last; highest_ck and lowest_ck, keyed features at both ends of the fills, axis K being
    few keys, that of coins first; minimum_c, what shorts require at least.
    """

    def cell_requirements(
        self,
        group: GroupArrays,
        rows_cr: IntArray,
        highest_ck: IntArray,
        lowest_ck: IntArray,
        minimum_c: IntArray,
    ) -> IntArray:
        """The requirement of each cell, the integer that `requirements` says of the group."""
        ...

    def cell_maintenances(self, group: GroupArrays, requirement_c: IntArray) -> IntArray:
        """Maintenance of cells from requirements of positions alone."""
        ...


def many_margins(model: MarginModel) -> ManyMargins | None:
    """The model as one for columns; None when it is none."""
    return model if isinstance(model, ManyMargins) else None
