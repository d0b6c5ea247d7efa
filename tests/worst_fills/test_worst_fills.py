"""A short run of `make worst-fills`, and that it would notice."""

import pytest

from margingate_engine.portfolio.order_totals import OrderTotals
from tests.property.model_worlds import PARAMETERS
from tests.worst_fills.trial import trial

BOOKS = 12


@pytest.mark.parametrize("model", ["span", *PARAMETERS])
def test_what_open_orders_hold_covers_each_of_their_fills(model: str) -> None:
    trials = [trial(model, seed) for seed in range(1, BOOKS + 1)]
    assert not [each.seed for each in trials if each.is_below]
    assert any(each.worst > 0 for each in trials)


@pytest.mark.parametrize("model", ["span", "tims", "var"])
def test_a_hold_that_forgets_its_rows_is_noticed(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(totals: OrderTotals, _effect: object, lots: int) -> None:
        totals.lots += lots

    monkeypatch.setattr(OrderTotals, "add", forgetful)
    assert any(trial(model, seed).is_below for seed in range(1, BOOKS + 1))
