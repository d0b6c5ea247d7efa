import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.floors import WHOLE_MAX, floor_products

VALUES = st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=20)


def exact(values: list[int], factor: int, divisor: int) -> list[int]:
    return [min(max(each * factor // divisor, -WHOLE_MAX), WHOLE_MAX) for each in values]


def found(values: list[int], factor: int, divisor: int) -> list[int]:
    return floor_products(np.array(values, dtype=np.int64), factor, divisor).tolist()  # type: ignore[no-any-return]


@given(VALUES, st.integers(-(10**27), 10**27), st.integers(1, 10**27))
def test_products_are_rounded_down_as_whole_numbers_are(
    values: list[int], factor: int, divisor: int
) -> None:
    assert found(values, factor, divisor) == exact(values, factor, divisor)


@given(
    st.lists(st.integers(-(10**7), 10**7), min_size=1),
    st.integers(-(10**11), 10**11),
    st.integers(0, 27),
)
def test_quotients_that_are_whole_or_nearly_so_are_rounded_down_exactly(
    values: list[int], cents: int, power: int
) -> None:
    values = [each * 10**9 + off for each in values for off in (-1, 0, 1)]
    assert found(values, cents * 10**7, 10**power) == exact(values, cents * 10**7, 10**power)


@pytest.mark.parametrize("divisor", [2**61 - 1, 2**61, 2**61 + 1, 2**62 + 1])
def test_a_divisor_of_any_size_is_no_matter(divisor: int) -> None:
    values = [divisor - 1, divisor, divisor + 1, -divisor, 1 - divisor, 2**62]
    for factor in (1, -1, 7, -7):
        assert found(values, factor, divisor) == exact(values, factor, divisor)
