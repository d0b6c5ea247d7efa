"""From vectors of P&L to requirements, by hand."""

from fractions import Fraction

import numpy as np
import pytest

from margingate_engine.core.arrays import IntArray
from margingate_engine.core.errors import ModelFailure
from margingate_engine.models.var.requirement import (
    blended,
    capped,
    figures,
    maintenance,
    portfolio_figures,
)
from margingate_engine.models.var.worlds import Worlds
from margingate_engine.scenarios.joint import JointScenarios
from tests.unit.engine.models.var.tables import settings


def worlds(base: int, stressed: int = 0, floor: int = 0) -> Worlds:
    """So many scenarios of each set."""
    ends = (base, base + stressed, base + stressed + floor)
    return Worlds(
        scenarios=JointScenarios.from_log_changes(("BTC",), np.zeros((ends[2], 2))),
        base=slice(0, ends[0]),
        stressed=slice(ends[0], ends[1]),
        floor=slice(ends[1], ends[2]),
    )


def rows(*sets: IntArray, null: int = 0) -> IntArray:
    """P&L of every set of worlds, and the null row."""
    return np.concatenate((*sets, [null]))


def losses(largest: int, count: int = 100) -> IntArray:
    """P&L whose losses are largest, largest - 1, ..."""
    return -np.arange(largest, largest - count, -1, dtype=np.int64)


def test_the_estimator_is_the_one_of_the_settings() -> None:
    """[VAR-10] ranked 2nd of 100; between the 1st and 2nd; mean of the largest"""
    for changes, required in (
        ({}, 999),
        ({"quantile_rule": "interpolated"}, 1000),  # 999.01, rounded up
        ({"estimator": "es"}, 1000),
        ({"estimator": "es", "confidence": "0.975"}, 1000),  # (1000 + 999 + 998 / 2) / 2.5 = 999.2
    ):
        assert figures(rows(losses(1000)), worlds(100), settings(**changes)).required == required


def test_a_quarter_of_the_stressed_estimate_is_blended_in() -> None:
    """[VAR-10] 0.75 * 999 + 0.25 * 4999 = 1999"""
    pnl = rows(losses(1000), losses(5000))
    found = figures(pnl, worlds(100, 100), settings(stressed_weight="0.25"))
    assert (found.base, found.stressed, found.floor, found.required) == (999, 4999, 0, 1999)


def test_the_floor_holds_where_it_is_larger() -> None:
    """[VAR-10]"""
    for floor, required in ((3001, 3000), (901, 999)):
        pnl = rows(losses(1000), losses(floor))
        found = figures(pnl, worlds(100, 0, 100), settings(floor_days=100))
        assert (found.floor, found.required) == (floor - 1, required)


def test_the_buffer_is_added_until_it_is_drawn() -> None:
    """[VAR-10] 999 * 1.25 = 1248.75"""
    for drawn, required in (("0", 1249), ("0.6", 1099), ("1", 999)):
        with_buffer = settings(buffer="0.25", buffer_drawn=drawn)
        assert figures(rows(losses(1000)), worlds(100), with_buffer).required == required


def test_gains_require_nothing_and_bind_nowhere() -> None:
    """[VAR-10]"""
    found = figures(rows(-losses(1000)), worlds(100), settings())
    assert (found.base, found.required, found.binding) == (0, 0, None)
    pnl = rows(-losses(1000), losses(5000))
    assert figures(pnl, worlds(100, 100), settings(stressed_weight="0.25")).required == 1250


def test_the_binding_scenario_is_one_of_the_base() -> None:
    """[VAR-08, VAR-10]"""
    assert figures(rows(losses(1000)), worlds(100), settings()).binding == 1
    assert figures(rows(losses(1000)[::-1].copy()), worlds(100), settings()).binding == 98


def test_the_null_row_is_required_of_every_set() -> None:
    """[VAR-10, VAR-13] entries lose 60 in all worlds, of which the base ones gain more than that"""
    pnl = rows(-losses(1000), losses(160), null=-60)
    found = figures(pnl, worlds(100, 100), settings(stressed_weight="0.25"))
    assert (found.base, found.stressed, found.required) == (60, 159, 85)  # 45 + 39.75
    assert figures(rows(-losses(1000), null=-60), worlds(100), settings()).required == 60


def test_rounding_is_up_and_once() -> None:
    """[VAR-10]"""
    third = Fraction(1, 3)
    made = settings(stressed_weight="0.25", buffer="0.25")
    assert blended(third, third, made) == Fraction(5, 12)


def test_groups_net_in_the_same_world_within_the_cap() -> None:
    """[VAR-11] each loses 99 where the other gains: alone 99 + 99, together 0, capped at 80 %"""
    up = np.zeros(100, dtype=np.int64)
    up[:2], up[2:4] = -99, 99
    book = {"ETH": rows(-up), "BTC": rows(up)}
    found = portfolio_figures(book, worlds(100), settings())
    assert (found.joint.required, dict(found.alone)) == (0, {"BTC": 99, "ETH": 99})
    assert found.required == 40  # 198 - 0.8 * 198 = 39.6
    assert list(found.alone) == ["BTC", "ETH"]
    free = portfolio_figures(book, worlds(100), settings(offset_cap="0"))
    assert free.required == 198


def test_the_cap_never_takes_the_requirement_below_the_joint_one() -> None:
    """[VAR-11] value at risk may be larger together than apart"""
    assert capped(100, {"BTC": 30, "ETH": 40}, settings()) == 100
    assert capped(70, {"BTC": 30, "ETH": 40}, settings()) == 70


def test_one_group_requires_what_it_requires_alone() -> None:
    """[VAR-11]"""
    assert portfolio_figures({"BTC": rows(losses(1000))}, worlds(100), settings()).required == 999
    assert portfolio_figures({}, worlds(100), settings()).required == 0


def test_a_sum_beyond_the_range_is_our_failure() -> None:
    """[VAR-11]"""
    huge = np.full(101, -(2**61), dtype=np.int64)
    with pytest.raises(ModelFailure):
        portfolio_figures({"BTC": huge, "ETH": huge}, worlds(100), settings())


def test_maintenance_is_a_fraction_rounded_up() -> None:
    """[VAR-15]"""
    assert maintenance(999, settings()) == 800
    assert maintenance(1000, settings()) == 800
    assert maintenance(999, settings(maintenance_fraction=1)) == 999
