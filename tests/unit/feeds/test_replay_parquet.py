"""Recorded chains in parquet, which takes a library that is not always there."""

import sys
from pathlib import Path

import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_server.feeds.replay.chain_rows import ChainRows, read_chains
from margingate_server.feeds.replay.manifest import read_replay
from tests.unit.feeds.replay_files import three_snapshots
from tests.unit.feeds.test_file_real_chains import recorded

SIX_HOURLY = "timeseries/nolic_znmahbub_6hourly_20260126_20260309.parquet"


def as_parquet(csv_path: Path, path: Path) -> Path:
    """The same rows as a CSV of chains, as pandas writes them."""
    pa = pytest.importorskip("pyarrow")
    csv = pytest.importorskip("pyarrow.csv")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = csv.read_csv(csv_path)
    moments = table["timestamp"].cast(pa.timestamp("ms", tz="UTC"))
    names = table["instrument_name"].cast(pa.dictionary(pa.int8(), pa.string()))
    table = table.set_column(table.schema.get_field_index("timestamp"), "timestamp", moments)
    place = table.schema.get_field_index("instrument_name")
    parquet.write_table(table.set_column(place, "instrument_name", names), path)
    return path


def assert_same(one: ChainRows, other: ChainRows) -> None:
    assert (one.names, one.forward_names) == (other.names, other.forward_names)
    for name in ("time_ns_r", "mark_price_r", "mark_vol_r", "forward_r", "index_r"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_parquet_says_the_same_as_csv(tmp_path: Path) -> None:
    csv_path = three_snapshots(tmp_path / "chains.csv")
    assert_same(
        read_chains(as_parquet(csv_path, tmp_path / "chains.parquet")), read_chains(csv_path)
    )


def test_without_the_library_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = as_parquet(three_snapshots(tmp_path / "chains.csv"), tmp_path / "chains.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InvalidInput, match=r"margingate\[parquet\]") as refused:
        read_chains(path)
    assert refused.value.field == "feed"


def test_what_only_begins_like_parquet_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "chains.parquet"
    path.write_bytes(b"PAR1 and nothing of it")
    with pytest.raises(InvalidInput) as refused:
        read_chains(path)
    assert refused.value.field == "feed"


def test_a_file_that_is_not_there_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nothing"):
        read_replay(tmp_path / "nothing.parquet")


def test_the_recorded_crash_is_whole() -> None:
    pytest.importorskip("pyarrow")
    series = read_replay(recorded(SIX_HOURLY)).series
    assert len(series) == 170
    crash = next(place for place, ns in enumerate(series.time_ns_t) if ns > 1_770_327_000 * 10**9)
    snapshot = series.snapshot(crash)
    assert round(snapshot.update.index_by_underlying["BTC"]) == 64_774
    assert len(snapshot.update.names) > 1_800
    assert series.skipped == {}
