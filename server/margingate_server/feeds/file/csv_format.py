"""The CSV format: one row an instrument, terms from the standard table. See docs/feeds.md."""

import csv
import io
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from statistics import median

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument, InstrumentKind
from margingate_server.feeds.file.contents import FileContents, Quote
from margingate_server.feeds.standard_terms import standard_instrument

REQUIRED_COLUMNS = (
    "instrument_name",
    "mark_price",
    "implied_volatility",
    "underlying",
    "index_price",
    "timestamp",
)

_UNTRADED_FORWARDS = ("SYN.", "index_price")
"""How names of forwards begin that are no future one can trade."""

_ABSENT = frozenset({"", "nan", "none", "null"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_csv(text: str) -> FileContents:
    """The market in a CSV text; InvalidInput names the line (the header is 1) and the column."""
    instruments: dict[str, Instrument] = {}
    quotes: dict[str, Quote] = {}
    options_by_future: defaultdict[str, list[Quote]] = defaultdict(list)
    futures: dict[str, Instrument] = {}
    skipped: Counter[str] = Counter()
    for line, row in _rows(text):
        instrument = _instrument(line, row, "instrument_name")
        if instrument is None:
            skipped["no standard terms"] += 1
            continue
        if instrument.kind is InstrumentKind.SPOT:
            skipped["spot is listed at the index"] += 1
            continue
        if instrument.name in quotes:
            raise InvalidInput(f"line {line}, instrument_name", "appears twice")
        instruments[instrument.name] = instrument
        quotes[instrument.name] = quote = _quote(line, row)
        future = _future_of(line, row)
        if future is not None:
            futures[future.name] = future
            options_by_future[future.name].append(quote)
    for name, future in futures.items():
        if name not in quotes:
            instruments[name] = future
            quotes[name] = _future_quote(options_by_future[name])
    return FileContents(
        instruments=tuple(instruments.values()),
        quote_by_name=quotes,
        index_by_underlying={},
        skipped=skipped,
    )


def _rows(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Line numbers and rows by column; InvalidInput for a header or a row that does not fit."""
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        columns = reader.fieldnames or ()
        for column in REQUIRED_COLUMNS:
            if column not in columns:
                raise InvalidInput("line 1", f"has no column {column}")
        for row in reader:
            if None in row or None in row.values():
                raise InvalidInput(
                    f"line {reader.line_num}", "has not as many fields as the header"
                )
            yield reader.line_num, row
    except csv.Error as error:
        raise InvalidInput(f"line {reader.reader.line_num}", f"is no CSV: {error}") from None


def _instrument(line: int, row: Mapping[str, str], column: str) -> Instrument | None:
    """The instrument a column names, with standard terms; None where there are none for it."""
    try:
        return standard_instrument(row[column].strip())
    except InvalidInput as error:
        raise InvalidInput(f"line {line}, {column}", error.problem) from None


def _future_of(line: int, row: Mapping[str, str]) -> Instrument | None:
    """The dated future whose price the row gives as its underlying; None where it is not listed."""
    name = (row.get("underlying_name") or "").strip()
    if not name or name.startswith(_UNTRADED_FORWARDS):
        return None
    future = _instrument(line, row, "underlying_name")
    return future if future is not None and future.kind is InstrumentKind.FUTURE else None


def _quote(line: int, row: Mapping[str, str]) -> Quote:
    """The prices of a row."""
    return Quote(
        time_ns=_time_ns(line, row["timestamp"]),
        mark_price=_number(line, row, "mark_price"),
        mark_vol=_number(line, row, "implied_volatility"),
        forward_price=_number(line, row, "underlying"),
        index_price=_number(line, row, "index_price"),
    )


def _future_quote(options: list[Quote]) -> Quote:
    """A future marked at the forward its options name: the median over their rows."""
    forwards = [quote.forward_price for quote in options if quote.forward_price]
    return Quote(
        time_ns=max(quote.time_ns for quote in options),
        mark_price=median(forwards) if forwards else None,
    )


def _number(line: int, row: Mapping[str, str], column: str) -> float | None:
    """The number in a column, None where it is empty; InvalidInput when it is none or negative."""
    text = row[column].strip()
    if text.lower() in _ABSENT:
        return None
    try:
        number = float(text)
    except ValueError:
        raise InvalidInput(f"line {line}, {column}", "is not a number") from None
    if not math.isfinite(number) or number < 0:
        raise InvalidInput(f"line {line}, {column}", "must be finite and not negative")
    return number


def _time_ns(line: int, text: str) -> int:
    """The instant of an ISO 8601 timestamp with its zone."""
    try:
        moment = datetime.fromisoformat(text.strip())
        since_epoch = moment - _EPOCH
    except (ValueError, TypeError):
        problem = "must be an ISO 8601 instant with its zone"
        raise InvalidInput(f"line {line}, timestamp", problem) from None
    return since_epoch // timedelta(microseconds=1) * 1000
