"""The ten valuation points. [TIMS-01]"""

from decimal import Decimal

import pytest

from margingate_engine.models.tims.points import POINT_COUNT, valuation_points


@pytest.mark.parametrize(
    ("down", "up", "percents"),
    [
        ("0.08", "0.06", "-8 -6.4 -4.8 -3.2 -1.6 1.2 2.4 3.6 4.8 6"),
        ("0.1", "0.1", "-10 -8 -6 -4 -2 2 4 6 8 10"),
        ("0.15", "0.15", "-15 -12 -9 -6 -3 3 6 9 12 15"),
    ],
)
def test_points_of_the_rule_come_out_to_the_last_digit(down: str, up: str, percents: str) -> None:
    points = valuation_points(Decimal(down), Decimal(up))
    assert points.move_s.tolist() == [float(Decimal(each) / 100) for each in percents.split()]
    assert len(points) == POINT_COUNT == 10


def test_vols_stay_and_every_point_counts_whole() -> None:
    points = valuation_points(Decimal("0.08"), Decimal("0.06"))
    assert not points.vol_direction_s.any()
    assert (points.weight_s == 1).all()


def test_points_are_described_in_percent() -> None:
    words = valuation_points(Decimal("0.5"), Decimal("0.06")).descriptions
    assert words[:2] == ("price -50%", "price -40%")
    assert words[-2:] == ("price +4.8%", "price +6%")
