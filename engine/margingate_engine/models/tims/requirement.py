"""From margins of underlyings to requirements of portfolio groups. [TIMS-04 to TIMS-09]"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from margingate_engine.core.amounts import PPM, ceil_div
from margingate_engine.core.arrays import IntArray
from margingate_engine.models.tims.combination import (
    EXACT_UNITS,
    ProductGroup,
    added,
    portfolio_pnl,
)
from margingate_engine.models.tims.groups import GroupTree
from margingate_engine.models.tims.points import POINT_COUNT

NO_POINT = 0
MINIMUM_BINDS = -1


class UnderlyingMargin(NamedTuple):
    """What one underlying brings into its portfolio group, 1e-6 USD.

    pnl_v: P&L at the ten points, gains positive, coins included, over the worst fills but for their
    entry losses. entry: those, <= 0. basis, minimum: charges at worst, >= 0. has_orders: whether
    any fill is open; is_single: whether each may fill alone, no leg of a combo among them.
    """

    pnl_v: tuple[int, ...]
    entry: int
    basis: int
    minimum: int
    has_orders: bool
    is_single: bool

    @classmethod
    def of_positions(cls, rows_r: IntArray, *, basis: int, minimum: int) -> "UnderlyingMargin":
        """Of positions alone. rows_r: the ten points and the null row."""
        assert len(rows_r) == POINT_COUNT + 1, "ten points and a null row"
        return cls(tuple(rows_r[:-1].tolist()), 0, basis, minimum, False, True)  # noqa: FBT003

    @classmethod
    def with_orders(
        cls,
        rows_r: IntArray,
        worst_r: IntArray,
        *,
        basis: int,
        minimum: int,
        is_single: bool = True,
    ) -> "UnderlyingMargin":
        """Of positions with what open orders do to each row at worst. [TIMS-07]

        worst_r: sum of min(0, entry loss + row) of the orders, the null row last, all <= 0. basis,
        minimum: the largest that fills make them.
        """
        assert len(rows_r) == len(worst_r) == POINT_COUNT + 1, "ten points and a null row"
        entry = int(worst_r[-1])
        pnl_v = tuple((rows_r + worst_r - entry)[:-1].tolist())
        return cls(pnl_v, entry, basis, minimum, True, is_single)  # noqa: FBT003


class PortfolioGroupRequirement(NamedTuple):
    """Requirement of a portfolio group, 1e-6 USD, all but `entry` >= 0.

    total = max(scan + basis, minimum) - entry. point: number from 1 of the first that loses most,
    NO_POINT where none loses, MINIMUM_BINDS where the minimum is larger. is_exact: some fills make
    it as large as this.
    """

    name: str
    underlyings: tuple[str, ...]
    scan: int
    basis: int
    minimum: int
    entry: int
    point: int
    is_exact: bool

    @property
    def total(self) -> int:
        """What the portfolio group requires, what fills lose on entry included."""
        return max(self.scan + self.basis, self.minimum) - self.entry


def portfolio_requirements(
    groups: GroupTree, margins: Mapping[str, UnderlyingMargin]
) -> tuple[PortfolioGroupRequirement, ...]:
    """One requirement per portfolio group with an underlying of `margins`, by name.

    margins: by underlying; every one must have its place in `groups`.
    """
    members: dict[str, list[str]] = {}
    for underlying in sorted(margins):
        members.setdefault(groups.portfolio_group_of(underlying), []).append(underlying)
    return tuple(
        _requirement(groups, name, {each: margins[each] for each in members[name]})
        for name in sorted(members)
    )


def maintenance(requirements: Sequence[PortfolioGroupRequirement], fraction_ppm: int) -> int:
    """Maintenance margin of positions without orders, 1e-6 USD, rounded up per group. [TIMS-06]"""
    return sum(ceil_div(each.total * fraction_ppm, PPM) for each in requirements)


def _requirement(
    groups: GroupTree, name: str, margins: Mapping[str, UnderlyingMargin]
) -> PortfolioGroupRequirement:
    pnl_v_by_class = _class_pnl(groups, margins)
    offset_ppm = groups.offset_ppm_by_portfolio_group[name]
    products = list(_products(groups, pnl_v_by_class))
    exact_v = portfolio_pnl(products, offset_ppm)
    lowest = min(exact_v)
    scan = ceil_div(max(0, -lowest), EXACT_UNITS)
    basis = sum(each.basis for each in margins.values())
    minimum = sum(each.minimum for each in margins.values())
    point = exact_v.index(lowest) + 1 if scan else NO_POINT
    if minimum > scan + basis:
        point = MINIMUM_BINDS
    counts_whole = all(p == PPM for p in (offset_ppm, *(each.offset_ppm for each in products)))
    no_gains = point > 0 and all(pnl_v[point - 1] <= 0 for pnl_v in pnl_v_by_class.values())
    has_orders = any(each.has_orders for each in margins.values())
    is_scan_exact = (counts_whole or no_gains or point == NO_POINT) and not basis
    is_single = all(each.is_single for each in margins.values())
    return PortfolioGroupRequirement(
        name=name,
        underlyings=tuple(margins),
        scan=scan,
        basis=basis,
        minimum=minimum,
        entry=sum(each.entry for each in margins.values()),
        point=point,
        is_exact=not has_orders or (point >= 0 and is_single and is_scan_exact),
    )


def _class_pnl(
    groups: GroupTree, margins: Mapping[str, UnderlyingMargin]
) -> dict[str, Sequence[int]]:
    """P&L per class group: the whole sum of its underlyings, gains against losses."""
    pnl_v_by_class: dict[str, Sequence[int]] = {}
    for underlying, margin in margins.items():
        name = groups.class_group_by_underlying[underlying]
        before_v = pnl_v_by_class.get(name)
        pnl_v_by_class[name] = added(before_v, margin.pnl_v) if before_v else margin.pnl_v
    return pnl_v_by_class


def _products(
    groups: GroupTree, pnl_v_by_class: Mapping[str, Sequence[int]]
) -> Iterator[ProductGroup]:
    by_product: dict[str, list[Sequence[int]]] = {}
    for name in sorted(pnl_v_by_class):
        product = groups.product_group_by_class[name]
        by_product.setdefault(product, []).append(pnl_v_by_class[name])
    for product in sorted(by_product):
        yield ProductGroup(by_product[product], groups.offset_ppm_by_product_group[product])
