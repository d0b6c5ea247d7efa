"""Options on shares and indices from their quotes. [TIMS-10]"""

import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.tims.listed import ListedOption
from margingate_engine.pricing.binomial import Carry, Tree

CARRY = Carry(rate=0.05, dividend_yield=0.02)
TREE = Tree(steps=200, is_american=True)


def put(tree: Tree | None, strike: float = 100.0) -> ListedOption:
    return ListedOption(strike=strike, tau_years=0.25, is_call=False, carry=CARRY, tree=tree)


@pytest.mark.parametrize("tree", [None, TREE])
def test_the_vol_implied_gives_the_quote_back(tree: Tree | None) -> None:
    option = put(tree)
    vol = option.implied_vol(3.5, 100.0)
    assert float(option.value_v(np.array([100.0]), vol)[0]) == pytest.approx(3.5, rel=1e-9)


def test_early_exercise_leaves_less_vol_in_the_same_price() -> None:
    assert put(TREE).implied_vol(3.5, 100.0) < put(None).implied_vol(3.5, 100.0)


@pytest.mark.parametrize("tree", [None, TREE])
def test_rows_are_differences_of_values_at_the_same_vol(tree: Tree | None) -> None:
    option, move_v = put(tree), np.array([-0.1, 0.05])
    pnl_v = option.point_pnl(100.0, 0.3, move_v)
    values = [float(option.value_v(np.array([s]), 0.3)[0]) for s in (100.0, 90.0, 105.0)]
    assert pnl_v.tolist() == pytest.approx([values[1] - values[0], values[2] - values[0]])
    assert pnl_v[0] > 0 > pnl_v[1]


@pytest.mark.parametrize(
    ("field", "strike", "tau"),
    [("strike", 0.0, 1.0), ("tau_years", 1.0, 0.0), ("tau_years", 1.0, 100.1)],
)
def test_what_has_no_value_is_refused(field: str, strike: float, tau: float) -> None:
    with pytest.raises(InvalidInput) as wrong:
        ListedOption(strike=strike, tau_years=tau, is_call=True, carry=CARRY, tree=None)
    assert wrong.value.field == field


@pytest.mark.parametrize("tree", [None, TREE])
def test_a_quote_without_a_vol_is_refused(tree: Tree | None) -> None:
    with pytest.raises(InvalidInput) as wrong:
        put(tree, strike=150.0).implied_vol(40.0, 100.0)
    assert wrong.value.field == "price"
