"""Rows of a sparse matrix, written anew in any order, against a dictionary of rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from margingate_engine.revaluation.slots import Slots

CELLS_MAX, COLUMNS = 6, 5
ROWS = st.dictionaries(st.integers(0, COLUMNS - 1), st.integers(1, 9), max_size=COLUMNS)
WRITES = st.lists(
    st.tuples(st.integers(0, CELLS_MAX - 1), ROWS, st.booleans()), min_size=1, max_size=40
)


def dense(slots: Slots, number: int = 0) -> list[list[int]]:
    entries = (slots.values(number), slots.columns(), slots.starts())
    return csr_matrix(entries, shape=(len(slots), COLUMNS)).toarray().tolist()


@given(WRITES)
def test_each_row_is_what_was_written_last_whenever_they_are_looked_at(
    writes: list[tuple[int, dict[int, int], bool]],
) -> None:
    slots, expected = Slots(width=2), list[dict[int, int]]()
    for wanted, row, is_looked_at in writes:
        cell = min(wanted, len(expected))
        if cell == len(expected):
            assert slots.extend() == cell
            expected.append({})
        slots.put(cell, [*row], [*row.values()], [-each for each in row.values()])
        expected[cell] = row
        if is_looked_at:
            assert len(slots.starts()) == len(expected) + 1
    rows = [[row.get(column, 0) for column in range(COLUMNS)] for row in expected]
    assert dense(slots) == rows
    assert dense(slots, 1) == [[-each for each in row] for row in rows]


def test_a_row_that_fits_moves_no_other() -> None:
    slots = Slots()
    for cell in range(3):
        slots.extend()
        slots.put(cell, [0, 1], [cell, cell])
    before = slots.starts()
    slots.put(1, [2, 3, 4], [7, 7, 7])
    assert slots.starts() is before
    assert dense(slots)[1] == [0, 0, 7, 7, 7]
    slots.put(1, [], [])
    assert dense(slots)[1] == [0] * COLUMNS


def test_entries_of_no_use_are_zeros_of_the_first_column() -> None:
    slots = Slots()
    slots.extend()
    slots.put(0, [3], [5])
    slots.put(0, [], [])
    assert np.count_nonzero(slots.values()) == np.count_nonzero(slots.columns()) == 0


@pytest.mark.parametrize("width", [1, 2])
def test_there_is_nothing_before_the_first_row(width: int) -> None:
    slots = Slots(width)
    assert len(slots) == len(slots.columns()) == len(slots.values(width - 1)) == 0
    assert slots.starts().tolist() == [0]
