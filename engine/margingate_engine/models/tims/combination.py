"""From P&L of class groups to P&L of portfolio groups, point by point. [TIMS-04]"""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from typing import NamedTuple

from margingate_engine.core.amounts import PPM

EXACT_UNITS = PPM * PPM
"""Exact units per unit of P&L: both offsets are whole multiples of 1e-6."""


class ProductGroup(NamedTuple):
    """P&L of the class groups of one product group, (10,) each, and the offset between them."""

    pnl_v_by_class: Sequence[Sequence[int]]
    offset_ppm: int


def with_offset(pnl_gv: Iterable[Sequence[int]], offset_ppm: int) -> list[int]:
    """P&L per point of groups together, in 1e-6 of their unit: losses whole, gains times offset.

    Never falls when a P&L rises, and is concave in the P&L: with 0 <= offset <= 1 a unit more of
    gain counts at most as much as a unit less of loss.
    """
    counted_gv = ([pnl * (PPM if pnl < 0 else offset_ppm) for pnl in pnl_v] for pnl_v in pnl_gv)
    return reduce(added, counted_gv)


def added(first_v: Sequence[int], second_v: Sequence[int]) -> list[int]:
    """The sum point by point."""
    return list(map(add, first_v, second_v))


def portfolio_pnl(products: Iterable[ProductGroup], offset_ppm: int) -> list[int]:
    """P&L per point of a portfolio group, in EXACT_UNITS, nothing rounded."""
    products_pv = (with_offset(each.pnl_v_by_class, each.offset_ppm) for each in products)
    return with_offset(products_pv, offset_ppm)
