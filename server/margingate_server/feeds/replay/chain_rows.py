"""Option chains of many instants as columns, from parquet or CSV. See docs/feeds.md."""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from margingate_engine.core.arrays import FloatArray, IntArray
from margingate_engine.core.errors import InvalidInput
from margingate_server.feeds.file.source import read_texts
from margingate_server.feeds.replay.instants import instant_ns

_PARQUET_MAGIC: Final = b"PAR1"
_PERCENT: Final = "mark_iv_pct"
_FRACTION: Final = "implied_volatility"
_NAME: Final = "instrument_name"
_UNDERLYING_NAME: Final = "underlying_name"
_NUMBERS: Final = ("mark_price", "underlying", "index_price")
_ABSENT: Final = frozenset({"", "nan", "none", "null"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRows:
    """Quotes of options (R,), ascending in time; NaN where the file has no number.

    time_ns_r: of the snapshot. names: of instruments. mark_price_r: quote currency. mark_vol_r: per
    year as a fraction. forward_r, index_r: USD. forward_names: of what the forward is the price of,
    empty where the file does not say.
    """

    time_ns_r: IntArray
    names: Sequence[str]
    mark_price_r: FloatArray
    mark_vol_r: FloatArray
    forward_r: FloatArray
    index_r: FloatArray
    forward_names: Sequence[str]


def read_chains(path: Path) -> ChainRows:
    """The rows of a file, recognised by its content; InvalidInput names what is wrong with it."""
    try:
        with path.open("rb") as file:
            is_parquet = file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC
    except OSError as error:
        raise InvalidInput("feed", f"cannot read {path}: {error.strerror or error}") from None
    columns = _parquet_columns(path) if is_parquet else _csv_columns(read_texts(path)[0])
    vol_r = columns[_PERCENT] / 100 if _PERCENT in columns else columns[_FRACTION]
    order = np.argsort(columns["timestamp"], kind="stable")
    mark_r, forward_r, index_r = (_number_column(columns[name], name) for name in _NUMBERS)
    vol_r = _number_column(vol_r, _PERCENT if _PERCENT in columns else _FRACTION)
    return ChainRows(
        time_ns_r=columns["timestamp"][order],
        names=columns[_NAME][order].tolist(),
        mark_price_r=mark_r[order],
        mark_vol_r=vol_r[order],
        forward_r=forward_r[order],
        index_r=index_r[order],
        forward_names=columns[_UNDERLYING_NAME][order].tolist(),
    )


def _number_column(number_r: FloatArray, column: str) -> FloatArray:
    """The column; InvalidInput where a number is negative or infinite."""
    if bool((np.isinf(number_r) | (number_r < 0)).any()):
        raise InvalidInput(column, "must be finite and not negative")
    return number_r


def _refuse_lacking(columns: Sequence[str], place: str) -> None:
    """InvalidInput when a column is missing that every file of chains has."""
    for column in ("timestamp", _NAME, *_NUMBERS):
        if column not in columns:
            raise InvalidInput(place, f"has no column {column}")
    if _PERCENT not in columns and _FRACTION not in columns:
        raise InvalidInput(place, f"has neither column {_PERCENT} nor {_FRACTION}")


def _parquet_columns(path: Path) -> dict[str, NDArray[Any]]:
    """Columns by name; the library is asked for only where there is such a file."""
    try:
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        problem = f"{path.name} is parquet, which takes pyarrow: pip install 'margingate[parquet]'"
        raise InvalidInput("feed", problem) from None
    try:
        present = parquet.read_schema(path).names
        _refuse_lacking(present, path.name)
        vol = _PERCENT if _PERCENT in present else _FRACTION
        names = ["timestamp", _NAME, *_NUMBERS, vol]
        names += [_UNDERLYING_NAME] if _UNDERLYING_NAME in present else []
        table = parquet.read_table(path, columns=names)
        columns: dict[str, NDArray[Any]] = {
            name: np.asarray(table[name].cast(pa.float64()).to_numpy(), dtype=np.float64)
            for name in (*_NUMBERS, vol)
        }
        instants = table["timestamp"].cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64())
        columns["timestamp"] = np.asarray(instants.to_numpy(), dtype=np.int64)
        columns[_NAME] = _text_column(table[_NAME].cast(pa.string()).to_pylist())
        columns[_UNDERLYING_NAME] = _text_column(
            table[_UNDERLYING_NAME].cast(pa.string()).to_pylist()
            if _UNDERLYING_NAME in present
            else [""] * len(columns["timestamp"])
        )
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InvalidInput("feed", f"{path} cannot be read as parquet: {error}") from None
    return columns


def _csv_columns(text: str) -> dict[str, NDArray[Any]]:
    """Columns by name of a CSV text; InvalidInput names the line (the header is 1) and column."""
    reader = csv.DictReader(io.StringIO(text), strict=True)
    _refuse_lacking(reader.fieldnames or (), "line 1")
    vol = _PERCENT if _PERCENT in (reader.fieldnames or ()) else _FRACTION
    lists: dict[str, list[Any]] = {
        name: [] for name in ("timestamp", _NAME, _UNDERLYING_NAME, *_NUMBERS, vol)
    }
    for line, row in csv_rows(reader):
        lists["timestamp"].append(instant_ns(row["timestamp"], f"line {line}, timestamp"))
        lists[_NAME].append(row[_NAME].strip())
        lists[_UNDERLYING_NAME].append((row.get(_UNDERLYING_NAME) or "").strip())
        for column in (*_NUMBERS, vol):
            lists[column].append(number_or_nan(row[column], f"line {line}, {column}"))
    columns: dict[str, NDArray[Any]] = {
        name: np.array(lists[name], dtype=np.float64) for name in (*_NUMBERS, vol)
    }
    columns["timestamp"] = np.array(lists["timestamp"], dtype=np.int64)
    for name in (_NAME, _UNDERLYING_NAME):
        columns[name] = _text_column(lists[name])
    return columns


def csv_rows(reader: "csv.DictReader[str]") -> Iterator[tuple[int, Mapping[str, str]]]:
    """Line numbers and rows by column; InvalidInput for a row that does not fit the header."""
    try:
        for row in reader:
            if None in row or None in row.values():
                raise InvalidInput(f"line {reader.line_num}", "has not as many fields as columns")
            yield reader.line_num, row
    except csv.Error as error:
        raise InvalidInput(f"line {reader.line_num}", f"is no CSV: {error}") from None


def number_or_nan(text: str, field: str) -> float:
    """The number in a field, NaN where it is empty; InvalidInput when it is none."""
    stripped = text.strip()
    if stripped.lower() in _ABSENT:
        return math.nan
    try:
        return float(stripped)
    except ValueError:
        raise InvalidInput(field, "is not a number") from None


def _text_column(texts: Sequence[str | None]) -> NDArray[Any]:
    """Texts as an array of objects, empty where there is none."""
    column = np.empty(len(texts), dtype=np.object_)
    column[:] = [text or "" for text in texts]
    return column
