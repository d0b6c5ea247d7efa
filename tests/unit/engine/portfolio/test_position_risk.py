"""How near a position with a wallet is to liquidation. [MON-15]"""

import pytest

from margingate_engine.core.risk import Risk
from margingate_engine.portfolio.position_risk import STRAIN_PPM_MAX, PositionRisk


def of(equity: int, initial: int = 2_000, maintenance: int = 1_000) -> PositionRisk:
    return PositionRisk(0, 0, Risk(equity=equity, initial=initial, maintenance=maintenance))


@pytest.mark.parametrize(
    ("equity", "strain_ppm"),
    [
        *((5_000, 0), (2_000, 0), (1_999, 1_000), (1_200, 800_000), (1_001, 999_000)),
        *((1_000, 1_000_000), (999, 1_001_000), (-1_000, 3_000_000)),
    ],
)
def test_a_strain_says_how_much_is_lost_of_what_lies_between_the_margins(
    equity: int, strain_ppm: int
) -> None:
    assert of(equity).strain_ppm == strain_ppm
    assert of(equity).is_liquidatable == (strain_ppm >= 1_000_000)


def test_a_unit_above_maintenance_is_not_a_whole_strain_however_large_both_margins_are() -> None:
    assert of(10**15 + 1, 2 * 10**15, 10**15).strain_ppm == 999_999
    assert of(10**15, 2 * 10**15, 10**15).strain_ppm == 1_000_000


def test_where_both_margins_are_the_same_it_is_all_or_nothing() -> None:
    assert [of(each, 1_000, 1_000).strain_ppm for each in (1_001, 1_000)] == [0, 1_000_000]


def test_what_requires_nothing_has_none() -> None:
    assert of(-5, 0, 0).strain_ppm == 0


def test_no_strain_is_beyond_the_integers_of_many_accounts() -> None:
    assert of(-(2**61), 1_001, 1_000).strain_ppm == STRAIN_PPM_MAX
