"""Gains against losses between groups, on paper. [TIMS-04]"""

from margingate_engine.core.amounts import PPM
from margingate_engine.models.tims.combination import (
    EXACT_UNITS,
    ProductGroup,
    portfolio_pnl,
    with_offset,
)


def test_losses_count_whole_and_gains_by_the_offset() -> None:
    assert with_offset([(-100, 100, -100), (60, 50, -50)], 900_000) == [
        (-100 * 10 + 60 * 9) * PPM // 10,
        (100 * 9 + 50 * 9) * PPM // 10,
        -150 * PPM,
    ]


def test_an_offset_of_one_is_a_plain_sum_and_of_zero_gives_nothing_for_gains() -> None:
    assert with_offset([(-100, 100), (60, 60)], PPM) == [-40 * PPM, 160 * PPM]
    assert with_offset([(-100, 100), (60, 60)], 0) == [-100 * PPM, 0]


def test_product_groups_meet_with_the_offset_of_the_portfolio_group() -> None:
    """Gains of 80 at 50 % against losses of 100, then what is left meets a gain of 200 at 25 %."""
    first = ProductGroup([(-100,), (80,)], 500_000)
    second = ProductGroup([(200,)], PPM)
    assert portfolio_pnl([first, second], 250_000) == [(-60 + 50) * EXACT_UNITS]


def test_nothing_is_rounded() -> None:
    assert portfolio_pnl([ProductGroup([(1,)], 1)], 1) == [1]
    assert portfolio_pnl([ProductGroup([(10**30,)], PPM)], PPM) == [10**30 * EXACT_UNITS]
