"""The supervisors' zones."""

from margingate_engine.statistics.traffic_light import DAYS, Zone, zone_of


def test_zones_of_the_published_table_begin_at_five_and_ten() -> None:
    """[VAR-18]"""
    zones = [zone_of(exceptions, DAYS, 0.01) for exceptions in range(40)]
    assert zones == [Zone.GREEN] * 5 + [Zone.YELLOW] * 5 + [Zone.RED] * 30


def test_a_wider_tail_or_more_days_allow_more_exceptions() -> None:
    """[VAR-18]"""
    assert zone_of(10, DAYS, 0.05) is Zone.GREEN
    assert zone_of(5, 4 * DAYS, 0.01) is Zone.GREEN
