"""The tree against published values, closed forms and another lattice. [TIMS-10]"""

import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.pricing import binomial, black_scholes
from margingate_engine.pricing.binomial import STEPS_MAX, Carry, Options, Tree
from tests.reference.tims_american import american_value

TEN_PERCENT = Carry(rate=0.10, dividend_yield=0.0)


def value(
    spot: float, option: Options, vol: float, *, carry: Carry, steps: int, american: bool = True
) -> float:
    tree = Tree(steps=steps, is_american=american)
    return float(binomial.value(np.array(spot), option, np.array(vol), carry=carry, tree=tree))


def test_five_steps_are_those_of_the_textbook() -> None:
    """Hull: a five-month put, 50 / 50, r 10 %, vol 40 %, five steps: 4.49; 4.28 in the limit."""
    put = Options.single(50.0, 5 / 12, is_call=False)
    assert round(value(50.0, put, 0.4, carry=TEN_PERCENT, steps=5), 2) == 4.49
    assert round(value(50.0, put, 0.4, carry=TEN_PERCENT, steps=2_000), 2) == 4.28


def test_one_step_is_the_sum_on_paper() -> None:
    """Up 10 %, down 1/1.1, no rate: the chance of up is 10/21, an at-the-money call 100/21."""
    call = Options.single(100.0, 1.0, is_call=True)
    flat = Carry(rate=0.0, dividend_yield=0.0)
    assert value(100.0, call, np.log(1.1), carry=flat, steps=1) == pytest.approx(
        100 / 21, rel=1e-13
    )


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("carry", [TEN_PERCENT, Carry(rate=0.02, dividend_yield=0.08)])
@pytest.mark.parametrize("strike", [80.0, 100.0, 125.0])
def test_american_values_are_those_of_another_lattice(
    is_call: bool, carry: Carry, strike: float
) -> None:
    option = Options.single(strike, 0.75, is_call=is_call)
    expected = american_value(
        100.0, strike, 0.3, 0.75,
        rate=carry.rate, dividend_yield=carry.dividend_yield, is_call=is_call, steps=200,
    )  # fmt: skip
    assert value(100.0, option, 0.3, carry=carry, steps=400) == pytest.approx(expected, abs=0.015)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("strike", [80.0, 100.0, 125.0])
def test_european_exercise_converges_to_the_closed_form(is_call: bool, strike: float) -> None:
    carry = Carry(rate=0.05, dividend_yield=0.02)
    option = Options.single(strike, 0.5, is_call=is_call)
    expected = float(black_scholes.value(np.array(100.0), option, np.array(0.25), carry=carry))
    got = value(100.0, option, 0.25, carry=carry, steps=2_000, american=False)
    assert got == pytest.approx(expected, abs=0.005)


def test_a_call_without_dividends_is_never_exercised_early() -> None:
    call = Options.single(90.0, 0.5, is_call=True)
    american, european = (
        value(100.0, call, 0.2, carry=TEN_PERCENT, steps=300, american=american)
        for american in (True, False)
    )
    assert american == pytest.approx(european, rel=1e-12)


def test_a_put_far_in_the_money_is_worth_its_exercise() -> None:
    put = Options.single(150.0, 0.5, is_call=False)
    assert value(60.0, put, 0.2, carry=TEN_PERCENT, steps=100) == 90.0
    assert value(60.0, put, 0.2, carry=TEN_PERCENT, steps=100, american=False) < 90.0


def test_arrays_of_options_and_spots_broadcast_to_what_each_is_worth_alone() -> None:
    options = Options(
        np.array([[90.0], [110.0]]), np.array([[0.5], [0.0]]), np.array([[True], [False]])
    )
    spot_v = np.array([80.0, 100.0, 120.0])
    tree = Tree(steps=50, is_american=True)
    together = binomial.value(spot_v, options, np.array(0.3), carry=TEN_PERCENT, tree=tree)
    assert together.shape == (2, 3)
    for row, (strike, tau, is_call) in enumerate([(90.0, 0.5, True), (110.0, 0.0, False)]):
        for column, spot in enumerate(spot_v):
            one = Options.single(strike, tau, is_call=is_call)
            alone = value(float(spot), one, 0.3, carry=TEN_PERCENT, steps=50)
            assert together[row, column] == alone


def test_at_expiry_there_is_intrinsic_value() -> None:
    put = Options.single(110.0, 0.0, is_call=False)
    assert value(100.0, put, 0.3, carry=TEN_PERCENT, steps=10) == 10.0


def test_a_vol_too_small_for_the_steps_is_refused_by_name() -> None:
    call = Options.single(100.0, 1.0, is_call=True)
    tree = Tree(steps=100, is_american=True)
    smallest = tree.vol_min(1.0, TEN_PERCENT.net)
    assert value(100.0, call, smallest * 1.001, carry=TEN_PERCENT, steps=100) > 0
    with pytest.raises(InvalidInput) as wrong:
        value(100.0, call, smallest * 0.999, carry=TEN_PERCENT, steps=100)
    assert wrong.value.field == "vol"


@pytest.mark.parametrize("steps", [0, STEPS_MAX + 1])
def test_a_tree_has_some_steps_and_not_too_many(steps: int) -> None:
    with pytest.raises(InvalidInput) as wrong:
        Tree(steps=steps, is_american=True)
    assert wrong.value.field == "steps"


def test_a_vol_too_large_for_the_steps_is_refused_by_name() -> None:
    put = Options.single(100.0, 1.0, is_call=False)
    largest = Tree(steps=400, is_american=True).vol_max(1.0)
    assert 0 < value(100.0, put, largest, carry=TEN_PERCENT, steps=400) < 100
    with pytest.raises(InvalidInput) as wrong:
        value(100.0, put, largest * 1.001, carry=TEN_PERCENT, steps=400)
    assert wrong.value.field == "vol"


@pytest.mark.parametrize(
    ("field", "rate", "dividend_yield"), [("rate", 5.1, 0.0), ("dividend_yield", 0.0, -5.1)]
)
def test_a_carry_that_nothing_pays_is_refused_by_name(
    field: str, rate: float, dividend_yield: float
) -> None:
    with pytest.raises(InvalidInput) as wrong:
        Carry(rate=rate, dividend_yield=dividend_yield)
    assert wrong.value.field == field
