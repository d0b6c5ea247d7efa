"""The supervisors' table."""

import pytest
from scipy import stats

from margingate_engine.core.errors import InvalidInput
from margingate_engine.statistics.traffic_light import Zone, traffic_light, zone_of

CUMULATIVE = (
    0.0811,
    0.2858,
    0.5432,
    0.7581,
    0.8922,
    0.9588,
    0.9863,
    0.9960,
    0.9989,
    0.9997,
    0.9999,
)
ADD_ON_1996 = (0, 0, 0, 0, 0, 0.40, 0.50, 0.65, 0.75, 0.85, 1.00)
ADD_ON_2019 = (0, 0, 0, 0, 0, 0.20, 0.26, 0.33, 0.38, 0.42, 0.50)


def test_the_table_is_the_published_one() -> None:
    """[VAR-18]"""
    for exceptions, cumulative in enumerate(CUMULATIVE):
        found = traffic_light(exceptions)
        assert found.cumulative == pytest.approx(cumulative, abs=5e-5)
        assert found.cumulative == pytest.approx(stats.binom.cdf(exceptions, 250, 0.01))
        assert found.add_on_1996 == ADD_ON_1996[exceptions]
        assert found.add_on_2019 == ADD_ON_2019[exceptions]
    assert traffic_light(40).add_on_1996 == 1.0


def test_zones_begin_at_five_and_ten() -> None:
    """[VAR-18]"""
    zones = [traffic_light(exceptions).zone for exceptions in range(12)]
    assert zones == [Zone.GREEN] * 5 + [Zone.YELLOW] * 5 + [Zone.RED] * 2


def test_the_general_zone_is_the_same_at_250_days_and_99_percent() -> None:
    """[VAR-18]"""
    for exceptions in range(40):
        assert zone_of(exceptions, 250, 0.01) is traffic_light(exceptions).zone


def test_a_count_that_cannot_be_is_refused() -> None:
    for exceptions in (-1, 251):
        with pytest.raises(InvalidInput):
            traffic_light(exceptions)
