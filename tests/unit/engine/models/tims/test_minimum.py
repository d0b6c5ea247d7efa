"""The least that a contract requires. [TIMS-05, TIMS-08]"""

import pytest

from margingate_engine.models.tims.minimum import LotMinimum

MINIMUM = LotMinimum(long=20, short=37)


def test_each_side_has_its_own_rate() -> None:
    assert [MINIMUM.of(lots) for lots in (-2, 0, 3)] == [74, 0, 60]


@pytest.mark.parametrize(
    ("lots", "up", "down", "worst"),
    [
        (0, 0, 0, 0),
        (3, 2, 0, 5 * 20),
        (-3, 2, 0, 3 * 37),
        (-3, 10, 0, 7 * 20),
        (-3, 8, 0, 3 * 37),  # five long at 20 are less than three short at 37
        (3, 0, -4, 3 * 20),
        (3, 0, -6, 3 * 37),
        (1, 4, -3, 5 * 20),
        (1, 4, -4, 3 * 37),
    ],
)
def test_fills_take_it_to_the_worse_end(lots: int, up: int, down: int, worst: int) -> None:
    assert MINIMUM.worst(lots + down, lots + up) == worst


def test_no_position_between_the_ends_requires_more() -> None:
    for lots in range(-4, 5):
        for up in range(6):
            for down in range(-5, 1):
                every = [MINIMUM.of(lots + fill) for fill in range(down, up + 1)]
                assert MINIMUM.worst(lots + down, lots + up) == max(every)


def test_it_is_convex_and_zero_when_flat() -> None:
    of = [MINIMUM.of(lots) for lots in range(-5, 6)]
    assert all(a + c >= 2 * b for a, b, c in zip(of, of[1:], of[2:], strict=False))
    assert of[5] == 0
