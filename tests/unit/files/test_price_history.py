"""The price files that people have."""

import gzip
import os
from datetime import date
from pathlib import Path

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_server.files.price_history import read_closes

FIRST, SECOND = date(2024, 1, 1), date(2024, 1, 2)


def written(tmp_path: Path, text: str, name: str = "prices.csv") -> Path:
    path = tmp_path / name
    content = text.encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "date,close\n2024-01-01,10\n2024-01-02,11.5\n",
        "date,close\n2024-01-01,10\n2024-01-02,7\n2024-01-02,11.5\n",
        "timestamp,open,high,low,close,volume\n2024-01-02,1,1,1,11.5,0\n2024-01-01,1,1,1,10,0\n",
        "Date,Close,Dividends\n2024-01-01 00:00:00+00:00,10,0\n2024-01-02 00:00:00+00:00,11.5,0\n",
        "time,close\n1704067200,10\n1704153600,11.5\n",
        "time,close\n1704067200000,10\n1704153600000,11.5\n",
        "timestamp,close\n2024-01-01T23:00:00Z,10\n2024-01-01T22:00:00Z,9\n2024-01-02T05:00Z,11.5\n",
        "timestamp,close\n2024-01-01T12:00:00,10\n2024-01-03T01:00:00+02:00,11.5\n\n",
    ],
)
@pytest.mark.parametrize("name", ["prices.csv", "prices.csv.gz"])
def test_a_close_for_each_day_in_order(tmp_path: Path, text: str, name: str) -> None:
    found = read_closes(written(tmp_path, text, name))
    assert list(found.items()) == [(FIRST, 10.0), (SECOND, 11.5)]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "prices.csv"),
        ("date,price\n2024-01-01,10\n", "prices.csv"),
        ("day,close\n2024-01-01,10\n", "prices.csv"),
        ("date,close\n", "prices.csv"),
        ("date,close\n2024-01-01\n", "prices.csv:2"),
        ("date,close\nyesterday,10\n", "prices.csv:2"),
        ("date,close\nnan,10\n", "prices.csv:2"),
        ("date,close\n2024-01-01,10\n2024-01-02,0\n", "prices.csv:3"),
        ("date,close\n2024-01-01,10\n2024-01-02,\n", "prices.csv:3"),
        ("date,close\n2024-01-01,inf\n", "prices.csv:2"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, field: str) -> None:
    with pytest.raises(InvalidInput) as wrong:
        read_closes(written(tmp_path, text))
    assert wrong.value.field == field


def test_what_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "torn.csv.gz").write_bytes(gzip.compress(b"date,close\n" * 50)[:-9])
    (tmp_path / "plain.csv.gz").write_bytes(b"date,close\n")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    for name in ("torn.csv.gz", "plain.csv.gz", "bytes.csv", "absent.csv"):
        with pytest.raises(InvalidInput) as wrong:
            read_closes(tmp_path / name)
        assert wrong.value.field == name


@pytest.mark.skipif("MARGINGATE_DATA" not in os.environ, reason="needs MARGINGATE_DATA")
def test_recorded_files_of_every_kind_are_read() -> None:
    for path in sorted((Path(os.environ["MARGINGATE_DATA"]) / "prices").glob("*.csv.gz")):
        assert len(read_closes(path)) > 1000, path.name
