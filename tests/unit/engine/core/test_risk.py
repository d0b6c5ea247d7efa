import pytest

from margingate_engine.core.errors import ModelFailure
from margingate_engine.core.reasons import RejectReason
from margingate_engine.core.risk import Risk

FROM_MARGIN = {
    RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY,
    RejectReason.INSUFFICIENT_INITIAL_MARGIN,
    RejectReason.STILL_UNDERMARGINED,
}


def test_headroom_is_equity_less_initial_margin_and_zero_is_margined() -> None:
    assert Risk(equity=5, initial=5, maintenance=1).is_margined
    short_of_one = Risk(equity=4, initial=5, maintenance=1)
    assert short_of_one.headroom == -1
    assert not short_of_one.is_margined


@pytest.mark.parametrize(("initial", "maintenance"), [(-1, 0), (0, -1)])
def test_a_negative_requirement_is_our_fault(initial: int, maintenance: int) -> None:
    with pytest.raises(ModelFailure):
        Risk(equity=0, initial=initial, maintenance=maintenance)


def test_only_reasons_from_margin_and_cash_are_remembered() -> None:
    assert {reason for reason in RejectReason if reason.is_from_margin} == FROM_MARGIN
