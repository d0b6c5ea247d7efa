"""Acerbi and Szekely's statistics by hand and in the long run."""

import numpy as np
import pytest
from scipy import stats

from margingate_engine.core.errors import InvalidInput
from margingate_engine.statistics.shortfall_tests import exceeding_losses, unconditional


def test_by_hand() -> None:
    """[VAR-19] losses of 2 and 3 against shortfalls of 2 and 1.5, in 10 days with a 10 % tail"""
    pnl = np.array([1.0, -2.0, 0.5, -3.0, 1, 1, 1, 1, 1, 1])
    shortfall = np.array([2.0, 2.0, 2.0, 1.5, 2, 2, 2, 2, 2, 2])
    is_exception = pnl < -1.0
    assert exceeding_losses(pnl, shortfall, is_exception) == pytest.approx(1 - (1 + 2) / 2)
    assert unconditional(pnl, shortfall, is_exception, 0.1) == pytest.approx(1 - (1 + 2) / 1.0)


def test_both_are_near_zero_for_the_right_shortfall_and_negative_for_half_of_it() -> None:
    """[VAR-19]"""
    pnl = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    var = stats.norm.ppf(0.99)
    shortfall = np.full(len(pnl), stats.norm.pdf(var) / 0.01)
    is_exception = pnl < -var
    assert exceeding_losses(pnl, shortfall, is_exception) == pytest.approx(0.0, abs=1e-3)
    assert unconditional(pnl, shortfall, is_exception, 0.01) == pytest.approx(0.0, abs=1e-3)
    assert unconditional(pnl, shortfall / 2, is_exception, 0.01) == pytest.approx(-1.0, abs=2e-3)


def test_without_exceptions_the_first_says_nothing_and_the_second_is_one() -> None:
    """[VAR-19]"""
    pnl, shortfall, none = np.ones(5), np.ones(5), np.zeros(5, dtype=np.bool_)
    assert exceeding_losses(pnl, shortfall, none) is None
    assert unconditional(pnl, shortfall, none, 0.01) == 1.0


def test_a_shortfall_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput):
        unconditional(np.ones(2), np.zeros(2), np.zeros(2, dtype=np.bool_), 0.01)
