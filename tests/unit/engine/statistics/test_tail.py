"""Ranks and tails by hand, and against numpy's own quantiles."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.statistics.tail import (
    binding_scenario,
    expected_shortfall,
    interpolated_value_at_risk,
    tail_size,
    value_at_risk,
)

HUNDRED = -np.arange(1, 101, dtype=np.int64)
"""Losses of 1 to 100."""


def test_the_rank_is_counted_in_decimals() -> None:
    """[VAR-08] floor(100 (1 - 0.9)) is 9 in floats: the 11th largest loss is the right one."""
    assert value_at_risk(HUNDRED, Decimal("0.9")) == 100 - 10
    assert value_at_risk(HUNDRED, Decimal("0.99")) == 100 - 1
    assert value_at_risk(HUNDRED, Decimal("0.995")) == 100
    assert tail_size(100, Decimal("0.9")) == 10


def test_interpolation_lies_between_the_neighbours() -> None:
    """[VAR-08] place 99 * 0.01 = 0.99 from the largest: 100 less 0.99"""
    assert interpolated_value_at_risk(HUNDRED, Decimal("0.99")) == Fraction(9901, 100)


@pytest.mark.parametrize("confidence", ["0.9", "0.95", "0.975", "0.99", "0.999"])
@pytest.mark.parametrize("count", [50, 99, 250, 1000])
def test_both_conventions_are_those_of_numpy(confidence: str, count: int) -> None:
    """[VAR-08] ranked: the inverse of the distribution function; interpolated: "linear"."""
    pnl = np.random.default_rng(count).integers(-(10**12), 10**12, count)
    linear = np.quantile(-pnl.astype(float), float(confidence), method="linear")
    assert float(interpolated_value_at_risk(pnl, Decimal(confidence))) == pytest.approx(linear)
    if float(confidence) * count != int(float(confidence) * count):  # floats decide those by noise
        ranked = np.quantile(-pnl, float(confidence), method="inverted_cdf")
        assert value_at_risk(pnl, Decimal(confidence)) == ranked


def test_shortfall_takes_the_last_loss_of_the_tail_in_part() -> None:
    """[VAR-09] 100 * 0.025 = 2.5 losses: (100 + 99 + 98 / 2) / 2.5"""
    assert expected_shortfall(HUNDRED, Decimal("0.975")) == Fraction(496, 5)
    assert expected_shortfall(HUNDRED, Decimal("0.95")) == Fraction(100 + 99 + 98 + 97 + 96, 5)


def test_a_tail_of_less_than_one_scenario_is_the_largest_loss() -> None:
    """[VAR-08, VAR-09]"""
    assert expected_shortfall(HUNDRED, Decimal("0.995")) == 100
    assert value_at_risk(HUNDRED, Decimal("0.999")) == 100


def test_the_binding_scenario_is_the_first_with_that_loss() -> None:
    """[VAR-08]"""
    pnl = np.array([0, -5, -9, -5, 3, -5] + [0] * 14, dtype=np.int64)
    assert value_at_risk(pnl, Decimal("0.9")) == 5
    assert binding_scenario(pnl, Decimal("0.9")) == 1


@pytest.mark.parametrize("confidence", ["0", "1", "1.5", "-0.1"])
def test_a_confidence_outside_the_open_interval_is_refused(confidence: str) -> None:
    with pytest.raises(InvalidInput) as wrong:
        value_at_risk(HUNDRED, Decimal(confidence))
    assert wrong.value.field == "confidence"


def test_no_scenarios_have_no_tail() -> None:
    with pytest.raises(InvalidInput) as wrong:
        value_at_risk(np.array([], dtype=np.int64), Decimal("0.99"))
    assert wrong.value.field == "scenarios"
