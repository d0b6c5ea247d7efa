"""Recorded chains as snapshots: what is quoted when, and what is left out."""

from pathlib import Path

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_server.feeds.replay.chain_rows import read_chains
from margingate_server.feeds.replay.future_marks import read_marks
from margingate_server.feeds.replay.series import Series
from tests.unit.feeds.replay_files import (
    CALL,
    COLUMNS,
    FIRST,
    FIRST_NS,
    FUTURE,
    HOUR_NS,
    PUT,
    at,
    row,
    three_snapshots,
    write_chains,
)


def series_of(path: Path) -> Series:
    return Series.of([read_chains(path)], {})


def prices(series: Series, place: int) -> dict[str, tuple[float, float, float]]:
    update = series.snapshot(place).update
    columns = (update.mark_price_i, update.mark_vol_i, update.forward_price_i)
    return {
        name: (float(mark), float(vol), float(forward))
        for name, mark, vol, forward in zip(update.names, *columns, strict=True)
    }


@pytest.mark.parametrize("name", ["chains.csv", "chains.csv.gz"])
def test_snapshots_come_in_the_order_of_their_times_whatever_the_order_of_rows(
    tmp_path: Path, name: str
) -> None:
    series = series_of(three_snapshots(tmp_path / name))
    assert series.time_ns_t == (FIRST_NS, FIRST_NS + 6 * HOUR_NS, FIRST_NS + 12 * HOUR_NS)
    assert [series.snapshot(place).update.market_time_ns for place in range(3)] == [
        *series.time_ns_t
    ]


def test_an_option_is_priced_with_its_own_rows_forward_and_the_index_is_the_median(
    tmp_path: Path,
) -> None:
    series = series_of(three_snapshots(tmp_path / "chains.csv"))
    quoted = prices(series, 0)
    assert quoted[CALL] == (0.02, 0.4, 90_000.0)
    assert quoted[PUT] == (0.012, 0.55, 89_100.0)
    assert series.snapshot(0).update.index_by_underlying == {"BTC": 89_025.0}
    assert quoted["BTC"] == (89_025.0, 0.0, 0.0)


def test_a_future_that_options_name_is_marked_at_their_forward_and_synthetic_ones_are_not_listed(
    tmp_path: Path,
) -> None:
    quoted = prices(series_of(three_snapshots(tmp_path / "chains.csv")), 0)
    assert quoted[FUTURE] == (90_000.0, 0.0, 0.0)
    assert set(quoted) == {CALL, PUT, FUTURE, "BTC"}


def test_what_has_expired_is_not_quoted(tmp_path: Path) -> None:
    path = write_chains(tmp_path / "chains.csv", row(at(0), PUT), row(at(4), PUT), row(at(4)))
    series = series_of(path)
    assert PUT in prices(series, 0)
    assert PUT not in prices(series, 1)
    assert series.skipped == {"expired": 1}


@pytest.mark.parametrize("broken", [{"mark": ""}, {"vol": "nan"}, {"forward": 0}, {"vol": 0}])
def test_a_quote_without_a_usable_price_is_left_out_and_counted(
    tmp_path: Path, broken: dict[str, object]
) -> None:
    path = write_chains(
        tmp_path / "chains.csv", row(FIRST, **broken), row(FIRST, "BTC-27MAR26-90000-C")
    )
    series = series_of(path)
    assert CALL not in prices(series, 0)
    assert series.skipped == {"no usable price": 1}


@pytest.mark.parametrize("name", ["DOGE-27MAR26-1-C", "nonsense", "BTC-PERPETUAL"])
def test_what_is_no_option_with_standard_terms_is_left_out_and_counted(
    tmp_path: Path, name: str
) -> None:
    series = series_of(write_chains(tmp_path / "chains.csv", row(FIRST, name), row(FIRST)))
    assert set(prices(series, 0)) == {CALL, FUTURE, "BTC"}
    assert series.skipped == {"no option with standard terms": 1}


def test_marks_of_futures_come_from_files_of_both_forms_and_go_before_the_options_forward(
    tmp_path: Path,
) -> None:
    term = tmp_path / "term.csv"
    term.write_text(
        "timestamp,currency,futures_instrument_name,snapshot_term_mark_price\n"
        f"2026-01-28T04:00:00.951444+00:00,BTC,{FUTURE},90123.5\n"
        f"{FIRST},BTC,BTC-30JAN26,\n"
    )
    perpetual = tmp_path / "perpetual.csv"
    perpetual.write_text(
        "snapshot_timestamp_ms,instrument_name,perp_futures_mark_price\n"
        "1769572800951,BTC-PERPETUAL,89010.5\n1769572800951,ETH-PERPETUAL,3000\n"
        "1769572800999,BTC-PERPETUAL,1\n"
    )
    marks = {time: dict(each) for time, each in read_marks(term).items()}
    for time, each in read_marks(perpetual).items():
        marks.setdefault(time, {}).update(each)
    series = Series.of([read_chains(three_snapshots(tmp_path / "chains.csv"))], marks)
    quoted = prices(series, 0)
    assert quoted[FUTURE] == (90_123.5, 0.0, 0.0)
    assert quoted["BTC-PERPETUAL"] == (89_010.5, 0.0, 0.0)
    assert "ETH-PERPETUAL" not in quoted, "there is no index of its coin"
    assert len(series) == 3, "marks make no snapshot of their own"


def test_a_span_of_time_takes_its_beginning_and_not_its_end(tmp_path: Path) -> None:
    rows = read_chains(three_snapshots(tmp_path / "chains.csv"))
    middle = Series.of([rows], {}, from_ns=FIRST_NS + 6 * HOUR_NS, until_ns=FIRST_NS + 12 * HOUR_NS)
    assert middle.time_ns_t == (FIRST_NS + 6 * HOUR_NS,)
    with pytest.raises(InvalidInput, match="no snapshot"):
        Series.of([rows], {}, from_ns=FIRST_NS + 13 * HOUR_NS)


@pytest.mark.parametrize(
    ("columns", "line", "field"),
    [
        (COLUMNS.replace("mark_price", "mark"), row(FIRST), "line 1"),
        (COLUMNS.replace("mark_iv_pct", "vol"), row(FIRST), "line 1"),
        (COLUMNS, row("2026-01-28 04:00"), "line 2, timestamp"),
        (COLUMNS, row("yesterday"), "line 2, timestamp"),
        (COLUMNS, row(FIRST, mark="x"), "line 2, mark_price"),
        (COLUMNS, row(FIRST, mark=-1), "mark_price"),
        (COLUMNS, row(FIRST, index="inf"), "index_price"),
        (COLUMNS, row(FIRST) + ",more", "line 2"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_line_and_column(
    tmp_path: Path, columns: str, line: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_chains(write_chains(tmp_path / "chains.csv", line, columns=columns))
    assert refused.value.field == field


def test_vols_may_be_fractions(tmp_path: Path) -> None:
    path = write_chains(
        tmp_path / "chains.csv",
        row(FIRST, vol=0.4),
        columns=COLUMNS.replace("mark_iv_pct", "implied_volatility"),
    )
    assert prices(series_of(path), 0)[CALL] == (0.02, 0.4, 90_000.0)
