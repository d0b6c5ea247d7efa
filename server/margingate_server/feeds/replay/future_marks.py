"""Marks of futures and perpetuals beside the chains, from CSV. See docs/feeds.md."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from margingate_engine.core.errors import InvalidInput
from margingate_server.feeds.file.source import read_texts
from margingate_server.feeds.replay.chain_rows import csv_rows, number_or_nan
from margingate_server.feeds.replay.instants import instant_ns

MS: Final = 10**6
_NAMES: Final = ("futures_instrument_name", "instrument_name")
_MARKS: Final = ("mark_price", "snapshot_term_mark_price", "perp_futures_mark_price")
_MS_COLUMN: Final = "snapshot_timestamp_ms"

Marks = Mapping[int, Mapping[str, float]]
"""Mark by name of a future, by the instant in milliseconds, to which files agree."""


def read_marks(path: Path) -> Marks:
    """Marks of a file; InvalidInput names the line and column that is wrong.

    A row without a mark is left out.
    """
    reader = csv.DictReader(io.StringIO(read_texts(path)[0]), strict=True)
    columns = reader.fieldnames or ()
    name_column = _first_of(_NAMES, columns)
    mark_column = _first_of(_MARKS, columns)
    time_column = _first_of((_MS_COLUMN, "timestamp"), columns)
    marks: dict[int, dict[str, float]] = {}
    for line, row in csv_rows(reader):
        field = f"line {line}, {time_column}"
        if time_column == _MS_COLUMN:
            time_ms = _whole(row[time_column], field)
        else:
            time_ms = instant_ns(row[time_column], field) // MS
        mark = number_or_nan(row[mark_column], f"line {line}, {mark_column}")
        if mark > 0:
            marks.setdefault(time_ms, {})[row[name_column].strip()] = mark
    return marks


def _first_of(wanted: Sequence[str], columns: Sequence[str]) -> str:
    for column in wanted:
        if column in columns:
            return column
    raise InvalidInput("line 1", f"has no column {' or '.join(wanted)}")


def _whole(text: str, field: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidInput(field, "is not a whole number") from None
