"""Market files in CSV."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import InstrumentKind
from margingate_server.feeds.file.csv_format import parse_csv
from margingate_server.feeds.file.feed import FileFeed
from tests.unit.feeds.market_files import HEADER, TIME_NS, TIME_TEXT, write_csv

CALL = f"BTC-27MAR26-100000-C,0.0246,0.385,89635.44,88955.71,{TIME_TEXT}"
PUT = f"BTC-27MAR26-80000-P,0.0211,0.41,89637.44,88957.71,{TIME_TEXT}"
ETHER = f"ETH-27MAR26-3000-P,0.08,0.55,2942.4,2926.8,{TIME_TEXT}"


def test_a_row_is_an_option_with_its_prices(tmp_path: Path) -> None:
    update = FileFeed.open(write_csv(tmp_path / "market.csv", CALL, ETHER)).update(0)
    assert update.names == ("BTC", "ETH", "BTC-27MAR26-100000-C", "ETH-27MAR26-3000-P")
    assert update.mark_price_i.tolist() == [88955.71, 2926.8, 0.0246, 0.08]
    assert update.mark_vol_i.tolist() == [0.0, 0.0, 0.385, 0.55]
    assert update.forward_price_i.tolist() == [0.0, 0.0, 89635.44, 2942.4]
    assert update.market_time_ns == TIME_NS


def test_the_index_is_the_median_of_the_rows(tmp_path: Path) -> None:
    outlier = f"BTC-27MAR26-90000-C,0.05,0.38,89635.44,1.0,{TIME_TEXT}"
    update = FileFeed.open(write_csv(tmp_path / "market.csv", CALL, PUT, outlier)).update(0)
    assert update.index_by_underlying == {"BTC": 88955.71}


def test_every_update_is_the_same_and_read_only(tmp_path: Path) -> None:
    feed = FileFeed.open(write_csv(tmp_path / "market.csv", CALL))
    assert feed.update(0) is feed.update(10**18)
    assert feed.interval_seconds == 1.0
    with pytest.raises(ValueError, match="read-only"):
        feed.update(0).mark_price_i[0] = 1.0


def test_a_forward_that_is_a_future_lists_the_future_at_the_median(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "market.csv",
        CALL + ",BTC-27MAR26",
        PUT + ",BTC-27MAR26",
        ETHER + ",SYN.ETH-27MAR26",
        f"BTC-24JAN26-90000-C,0.01,0.37,88950.5,88955.71,{TIME_TEXT},index_price",
        header=HEADER + ",underlying_name",
    )
    feed = FileFeed.open(path)
    futures = [each.name for each in feed.instruments() if each.kind is InstrumentKind.FUTURE]
    assert futures == ["BTC-27MAR26"]
    update = feed.update(0)
    assert update.mark_price_i[update.names.index("BTC-27MAR26")] == pytest.approx(89636.44)


def test_a_futures_own_row_goes_before_what_its_options_say(tmp_path: Path) -> None:
    future = f"BTC-27MAR26,89000,,,88955.71,{TIME_TEXT},"
    for rows in ((future, CALL + ",BTC-27MAR26"), (CALL + ",BTC-27MAR26", future)):
        path = write_csv(tmp_path / "market.csv", *rows, header=HEADER + ",underlying_name")
        update = FileFeed.open(path).update(0)
        assert update.mark_price_i[update.names.index("BTC-27MAR26")] == 89000.0


def test_a_perpetual_is_listed_only_where_it_has_a_row(tmp_path: Path) -> None:
    perpetual = f"BTC-PERPETUAL,88960.5,,,88955.71,{TIME_TEXT}"
    without = FileFeed.open(write_csv(tmp_path / "without.csv", CALL))
    assert "BTC-PERPETUAL" not in without.update(0).names
    with_one = FileFeed.open(write_csv(tmp_path / "with.csv", perpetual))
    assert "BTC-PERPETUAL" in with_one.update(0).names


@pytest.mark.parametrize(
    "row",
    [
        f"BTC-27MAR26-90000-P,,0.41,89637.44,88957.71,{TIME_TEXT}",
        f"BTC-27MAR26-90000-P,0.02,nan,89637.44,88957.71,{TIME_TEXT}",
        f"BTC-27MAR26-90000-P,0.02,0,89637.44,88957.71,{TIME_TEXT}",
        f"BTC-27MAR26-90000-P,0.02,0.41,,88957.71,{TIME_TEXT}",
    ],
)
def test_a_row_without_a_usable_price_is_listed_and_left_out(tmp_path: Path, row: str) -> None:
    feed = FileFeed.open(write_csv(tmp_path / "market.csv", CALL, row))
    assert feed.unpriced == ("BTC-27MAR26-90000-P",)
    assert feed.update(0).names == ("BTC", "BTC-27MAR26-100000-C")


def test_rows_without_standard_terms_and_spot_are_counted(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "market.csv",
        CALL,
        f"SOL-27MAR26-100-C,0.1,0.9,120,119,{TIME_TEXT}",
        f"BTC,88955,,,88955.71,{TIME_TEXT}",
    )
    assert FileFeed.open(path).skipped == {
        "no standard terms": 1,
        "spot is listed at the index": 1,
    }


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (f"BTC-27MAR26-90000-X,0.02,0.41,89637,88957,{TIME_TEXT}", "line 3, instrument_name"),
        (f"BTC-31FEB26-90000-C,0.02,0.41,89637,88957,{TIME_TEXT}", "line 3, instrument_name"),
        (CALL, "line 3, instrument_name"),
        (f"BTC-27MAR26-90000-C,cheap,0.41,89637,88957,{TIME_TEXT}", "line 3, mark_price"),
        (f"BTC-27MAR26-90000-C,-0.1,0.41,89637,88957,{TIME_TEXT}", "line 3, mark_price"),
        (f"BTC-27MAR26-90000-C,0.1,inf,89637,88957,{TIME_TEXT}", "line 3, implied_volatility"),
        (f"BTC-27MAR26-90000-C,0.1,0.4,89637,-1,{TIME_TEXT}", "line 3, index_price"),
        ("BTC-27MAR26-90000-C,0.1,0.4,89637,88957,yesterday", "line 3, timestamp"),
        ("BTC-27MAR26-90000-C,0.1,0.4,89637,88957,2026-01-23T09:23:19", "line 3, timestamp"),
        ("BTC-27MAR26-90000-C,0.1,0.4", "line 3"),
        (f"BTC-27MAR26-90000-C,0.1,0.4,89637,88957,{TIME_TEXT},more", "line 3"),
        ('"BTC-27MAR26-90000-C', "line 3"),
    ],
)
def test_a_malformed_row_is_refused_naming_line_and_column(
    tmp_path: Path, row: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        FileFeed.open(write_csv(tmp_path / "market.csv", CALL, row))
    assert refused.value.field == field


def test_a_name_of_a_forward_that_is_no_symbol_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", CALL + ",spot?", header=HEADER + ",underlying_name")
    with pytest.raises(InvalidInput) as refused:
        FileFeed.open(path)
    assert refused.value.field == "line 2, underlying_name"


@pytest.mark.parametrize("column", HEADER.split(","))
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    header = HEADER.replace(column, "other")
    with pytest.raises(InvalidInput, match=f"no column {column}"):
        FileFeed.open(write_csv(tmp_path / "market.csv", CALL, header=header))


def test_a_file_without_prices_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no prices"):
        FileFeed.open(write_csv(tmp_path / "market.csv"))


def test_a_market_without_an_index_is_refused(tmp_path: Path) -> None:
    row = f"BTC-27MAR26-100000-C,0.0246,0.385,89635.44,,{TIME_TEXT}"
    with pytest.raises(InvalidInput) as refused:
        FileFeed.open(write_csv(tmp_path / "market.csv", row))
    assert refused.value.field == "index.BTC"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot read"):
        FileFeed.open(tmp_path / "nowhere.csv")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="has no"):
        FileFeed.open(tmp_path)


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08", b"\x1f\x8b" + bytes(40), b"\xff\xfe\x00x"])
def test_damaged_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "market.csv.gz"
    path.write_bytes(content)
    with pytest.raises(InvalidInput):
        FileFeed.open(path)


@given(st.text(alphabet=st.sampled_from('BTC-27MAR,0.1"\n\r\x00\t{}[]:é'), max_size=60))
def test_no_text_of_rows_raises_anything_but_invalid_input(rows: str) -> None:
    try:
        contents = parse_csv(f"{HEADER}\n{CALL}\n{rows}")
    except InvalidInput:
        return
    assert "BTC-27MAR26-100000-C" in contents.quote_by_name
