"""Requirements of portfolio groups on paper. [TIMS-04 to TIMS-09]"""

import numpy as np
import pytest

from margingate_engine.core.amounts import PPM
from margingate_engine.core.arrays import IntArray
from margingate_engine.models.tims.groups import GroupTree
from margingate_engine.models.tims.requirement import (
    MINIMUM_BINDS,
    NO_POINT,
    PortfolioGroupRequirement,
    UnderlyingMargin,
    maintenance,
    portfolio_requirements,
)

TREE = GroupTree(
    class_group_by_underlying={"SPX": "index", "SPY": "index", "NDX": "tech", "IBM": "IBM"},
    product_group_by_class={"index": "broad", "tech": "broad", "IBM": "single"},
    portfolio_group_by_product={"broad": "shares", "single": "other"},
    offset_ppm_by_product_group={"broad": 900_000, "single": 0},
    offset_ppm_by_portfolio_group={"shares": 500_000, "other": 0},
)


def rows(first: int, last: int) -> IntArray:
    """Ten points: the first loss or gain, zeros, the last; and the null row."""
    return np.array([first, *[0] * 8, last, 0])


def held(first: int, last: int, *, basis: int = 0, minimum: int = 0) -> UnderlyingMargin:
    return UnderlyingMargin.of_positions(rows(first, last), basis=basis, minimum=minimum)


def required(**margins: UnderlyingMargin) -> tuple[PortfolioGroupRequirement, ...]:
    return portfolio_requirements(TREE, margins)


def test_underlyings_of_one_class_group_offset_in_full() -> None:
    """[TIMS-04]"""
    (shares,) = required(SPX=held(-1_000, 900), SPY=held(990, -950))
    assert (shares.name, shares.scan, shares.point) == ("shares", 50, 10)
    assert shares.underlyings == ("SPX", "SPY")


def test_class_groups_offset_by_the_product_groups_part() -> None:
    (shares,) = required(SPX=held(-1_000, 0), NDX=held(1_000, 0))
    assert (shares.scan, shares.point) == (100, 1)


def test_portfolio_groups_are_summed_and_never_offset() -> None:
    """[TIMS-06]"""
    other, shares = required(SPX=held(-1_000, 300), IBM=held(5_000, -700))
    assert (other.name, other.total, other.point) == ("other", 700, 10)
    assert (shares.name, shares.total, shares.point) == ("shares", 1_000, 1)


def test_what_is_left_of_a_unit_is_rounded_up_once() -> None:
    """Gains of 1 at 90 % leave a tenth of a loss of 1."""
    (shares,) = required(SPX=held(-1, 0), NDX=held(1, 0))
    assert shares.scan == 1
    assert required(SPX=held(-9, 0), NDX=held(10, 0))[0].scan == 0


def test_nothing_lost_is_nothing_required() -> None:
    (shares,) = required(SPX=held(10, 10))
    assert (shares.total, shares.point, shares.is_exact) == (0, NO_POINT, True)


def test_the_minimum_is_a_floor_under_scan_and_basis() -> None:
    """[TIMS-06]"""
    (shares,) = required(SPX=held(-100, 0, basis=30, minimum=100), NDX=held(-100, 0, minimum=131))
    assert (shares.total, shares.point) == (231, MINIMUM_BINDS)
    (shares,) = required(SPX=held(-100, 0, basis=31, minimum=100), NDX=held(-100, 0, minimum=131))
    assert (shares.total, shares.point) == (231, 1)


def test_the_first_of_points_that_lose_the_same_is_named() -> None:
    (shares,) = required(SPX=held(-100, -100))
    assert shares.point == 1


def test_maintenance_is_a_part_of_each_group_rounded_up() -> None:
    found = required(SPX=held(-101, 0), IBM=held(-1, 0))
    assert maintenance(found, 800_000) == 81 + 1
    assert maintenance(found, PPM) == 102


def test_orders_count_at_the_worst_of_every_point_and_their_losses_once() -> None:
    """[TIMS-07] Loss on entry 5, rows -40 and +60: row worsts -45 and 0, null row -5."""
    spx = UnderlyingMargin.with_orders(
        rows(-100, 20), np.array([-45, *[-5] * 8, 0, -5]), basis=0, minimum=0
    )
    (shares,) = required(SPX=spx)
    assert (shares.scan, shares.entry, shares.total) == (140, -5, 145)
    assert shares.is_exact


def test_an_entry_loss_is_not_scaled_with_a_gain_that_it_would_lower() -> None:
    """NDX gains 1,000 at 90 %: filled, its order costs 50 and does nothing else."""
    ndx = UnderlyingMargin.with_orders(rows(1_000, 0), np.full(11, -50), basis=0, minimum=0)
    (shares,) = required(SPX=held(-1_000, 0), NDX=ndx)
    assert shares.total == 100 + 50
    assert not shares.is_exact


@pytest.mark.parametrize(
    ("change", "is_exact"),
    [({}, True), ({"basis": 1}, False), ({"minimum": 1_000}, False), ({"is_single": False}, False)],
)
def test_what_may_be_more_than_any_fills_make_is_said_to_be(
    change: dict[str, int], is_exact: bool
) -> None:
    parts = {"basis": 0, "minimum": 0, **change}
    spx = UnderlyingMargin.with_orders(rows(-100, 0), np.full(11, -10), **parts)  # type: ignore[arg-type]
    assert required(SPX=spx)[0].is_exact is is_exact


def test_adding_up_gives_integers_of_any_size() -> None:
    most = -(2**62)
    (shares,) = required(SPX=held(most, 0), SPY=held(most, 0))
    assert shares.total == 2**63


def test_rows_are_ten_points_and_a_null_row() -> None:
    with pytest.raises(AssertionError):
        UnderlyingMargin.of_positions(np.zeros(10, dtype=np.int64), basis=0, minimum=0)
