"""Daily closes from CSV, plain or gzipped: whatever names a time and a close in its first line.

Accepted are a time column `date`, `timestamp` or `time` and a column `close`, in any case and among
any others. A time is ISO 8601 (a date, or a date and time, UTC where no offset is said) or seconds
or milliseconds since 1970. Several rows of one day (hourly bars) count as the latest of them, and
of the same time as the last line: a download that was resumed repeats a day that was not over.
"""

import csv
import gzip
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from margingate_engine.core.errors import InvalidInput

_TIME_COLUMNS = ("date", "timestamp", "time")
_CLOSE_COLUMN = "close"
_SECONDS_MAX = 1e11
"""Larger numbers are milliseconds: as seconds they would lie three thousand years ahead."""


def read_closes(path: Path) -> Mapping[date, float]:
    """Close by day in UTC, days in order; InvalidInput naming file, line and problem."""
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
        return _closes(path.name, text.splitlines())
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error):
        raise InvalidInput(path.name, "cannot be read as CSV") from None


def _closes(name: str, lines: Iterable[str]) -> Mapping[date, float]:
    last_by_day: dict[date, tuple[datetime, float]] = {}
    for time, close in _rows(name, lines):
        known = last_by_day.get(time.date())
        if known is None or time >= known[0]:
            last_by_day[time.date()] = (time, close)
    if not last_by_day:
        raise InvalidInput(name, "has no prices")
    return {day: last_by_day[day][1] for day in sorted(last_by_day)}


def _rows(name: str, lines: Iterable[str]) -> Iterator[tuple[datetime, float]]:
    reader = csv.reader(lines)
    columns = [each.strip().lower() for each in next(reader, [])]
    time_at = next((columns.index(each) for each in _TIME_COLUMNS if each in columns), None)
    if time_at is None or _CLOSE_COLUMN not in columns:
        words = ", ".join(_TIME_COLUMNS)
        raise InvalidInput(name, f"must name one of {words} and {_CLOSE_COLUMN} in its first line")
    close_at = columns.index(_CLOSE_COLUMN)
    for row in reader:
        if not row:
            continue
        place = f"{name}:{reader.line_num}"
        if len(row) <= max(time_at, close_at):
            raise InvalidInput(place, "is too short")
        yield _time(place, row[time_at]), _close(place, row[close_at])


def _time(place: str, text: str) -> datetime:
    try:
        seconds = float(text)
    except ValueError:
        try:
            time = datetime.fromisoformat(text.strip())
        except ValueError:
            raise InvalidInput(place, f"{text!r} is no time") from None
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    try:
        return datetime.fromtimestamp(seconds if seconds < _SECONDS_MAX else seconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidInput(place, f"{text!r} is no time") from None


def _close(place: str, text: str) -> float:
    try:
        close = float(text)
    except ValueError:
        close = math.nan
    if not 0 < close < math.inf:
        raise InvalidInput(place, f"{text!r} is no price above 0")
    return close
