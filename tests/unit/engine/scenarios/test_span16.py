import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.scenarios.scenario_set import ScenarioSet
from margingate_engine.scenarios.span16 import span16

# Move in thirds of the price scan range, vol direction, weight; as printed in the methodology.
PUBLISHED = (
    (0, 1, 1), (0, -1, 1), (1, 1, 1), (1, -1, 1), (-1, 1, 1), (-1, -1, 1), (2, 1, 1), (2, -1, 1),
    (-2, 1, 1), (-2, -1, 1), (3, 1, 1), (3, -1, 1), (-3, 1, 1), (-3, -1, 1), (6, 0, 0.35),
    (-6, 0, 0.35),
)  # fmt: skip


def test_the_sixteen_scenarios_stand_in_their_published_order() -> None:
    """[SPAN-01]"""
    scenarios = span16(0.3, 2.0, 0.35)
    assert len(scenarios) == 16
    for number, (thirds, direction, weight) in enumerate(PUBLISHED):
        assert scenarios.move_s[number] == pytest.approx(thirds * 0.1, abs=1e-15)
        assert scenarios.vol_direction_s[number] == direction
        assert scenarios.weight_s[number] == weight


def test_descriptions_name_move_and_direction() -> None:
    words = span16(0.15, 3.0, 0.33).descriptions
    assert words[0] == "price 0, vol up"
    assert words[13] == "price -3/3, vol down"
    assert words[14:] == ("price +3x, weight 0.33", "price -3x, weight 0.33")


def test_no_scenario_lets_a_price_fall_to_zero() -> None:
    with pytest.raises(InvalidInput) as wrong:
        span16(0.5, 2.0, 0.3)
    assert wrong.value.field == "price_scan_range"


def test_scenarios_of_different_lengths_are_refused() -> None:
    with pytest.raises(InvalidInput, match="length"):
        ScenarioSet(
            descriptions=("one",),
            move_s=np.zeros(2),
            vol_direction_s=np.zeros(2, dtype=np.int64),
            weight_s=np.ones(2),
        )
