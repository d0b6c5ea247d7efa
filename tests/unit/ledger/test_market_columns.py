"""Columns of integers as few bytes: exact for whatever 64 bits hold."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from margingate_server.ledger.market_columns import pack_column, unpack_column

LEAST, GREATEST = -(2**63), 2**63 - 1
COLUMNS = st.lists(st.integers(LEAST, GREATEST), max_size=30)


@given(COLUMNS, st.integers(1, 10**9), st.binary(max_size=5))
@example([LEAST], 1, b"")
@example([LEAST, GREATEST, LEAST, 0, -1], 1, b"")
@example([0, LEAST, 0, LEAST], 1, b"")
@example([], 1, b"rest")
def test_a_column_comes_back_as_it_was(values: list[int], divisor: int, rest: bytes) -> None:
    ticks = [abs(value) // divisor * (1 if value > 0 else -1) for value in values]
    column = np.array(ticks, dtype=np.int64) * divisor
    kept = column.copy()
    unpacked, remaining = unpack_column(memoryview(pack_column(column) + rest), len(column))
    assert unpacked.tolist() == column.tolist() == kept.tolist()
    assert unpacked.dtype == np.int64
    assert not unpacked.flags.writeable
    assert bytes(remaining) == rest


@pytest.mark.parametrize(
    ("column", "difference_bytes"),
    [
        ([], 0),
        ([0, 0, 0], 0),
        ([1, 2, 1], 1),
        # Equal neighbours, and steps of one tick whatever a tick is.
        ([10**15] * 3, 1),
        ([10**5, 3 * 10**5, 10**5, -(10**5)], 1),
        ([100_000, 100_127, 100_000 - 1], 3),
        ([0, 2**40], 1),
        ([1, 2**40], 6),
    ],
)
def test_a_difference_takes_no_more_bytes_than_the_largest_in_ticks_needs(
    column: list[int], difference_bytes: int
) -> None:
    packed = pack_column(np.array(column, dtype=np.int64))
    assert len(packed) == 9 + difference_bytes * len(column)


@given(st.binary(max_size=60), st.integers(0, 20))
def test_other_bytes_are_a_column_or_refused(packed: bytes, count: int) -> None:
    try:
        column, rest = unpack_column(memoryview(packed), count)
    except ValueError:
        return
    assert len(column) == count
    assert packed.endswith(bytes(rest))


@pytest.mark.parametrize("length", [0, 8, 9, 11])
def test_a_column_cut_short_is_refused(length: int) -> None:
    packed = pack_column(np.array([1, 2, 4], dtype=np.int64))
    assert len(packed) == 12
    with pytest.raises(ValueError, match=r".+"):
        unpack_column(memoryview(packed[:length]), 3)


def test_a_width_beyond_a_word_is_refused() -> None:
    packed = bytearray(pack_column(np.array([1], dtype=np.int64)) + bytes(20))
    packed[8] = 9
    with pytest.raises(ValueError, match="9 bytes"):
        unpack_column(memoryview(bytes(packed)), 1)
