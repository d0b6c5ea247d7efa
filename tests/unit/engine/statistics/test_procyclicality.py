import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.statistics.procyclicality import procyclicality


def test_by_hand() -> None:
    """[VAR-20]"""
    margin = np.array([10.0, 12.0, 9.0, 9.9, 8.0, 16.0, 18.0])
    found = procyclicality(margin)
    assert found.peak_to_trough == 18 / 8
    assert found.largest_increase == pytest.approx({1: 1.0, 5: 0.6, 30: 0.0})
    assert found.change_deviation == pytest.approx(np.std([0.2, -0.25, 0.1, 8 / 9.9 - 1, 1, 0.125]))


def test_a_margin_that_only_falls_has_no_increase() -> None:
    """[VAR-20]"""
    found = procyclicality(np.linspace(10.0, 1.0, 40))
    assert found.largest_increase == {1: 0.0, 5: 0.0, 30: 0.0}


@pytest.mark.parametrize("margin", [[1.0], [1.0, 0.0], [1.0, np.nan]])
def test_what_has_no_ratio_is_refused(margin: list[float]) -> None:
    with pytest.raises(InvalidInput):
        procyclicality(np.array(margin))
