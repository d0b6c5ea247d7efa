"""Market files in the venue's own JSON."""

from pathlib import Path
from typing import Any

import pytest

from margingate_engine.core.amounts import NANO
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import InstrumentKind, OptionRight, Settlement, TickStep
from margingate_server.feeds.file.feed import FileFeed
from tests.unit.feeds.market_files import (
    TIME_MS,
    answer,
    option_payload,
    perpetual_payload,
    ticker,
    write_json,
)

OPTION = "BTC-27MAR26-100000-C"


def opened(folder: Path, document: Any) -> FileFeed:
    return FileFeed.open(write_json(folder / "market.json", document))


def test_an_instrument_has_the_venues_own_terms(tmp_path: Path) -> None:
    feed = opened(
        tmp_path,
        {
            "instruments": [option_payload(tick_size=0.0002, min_trade_amount=0.3)],
            "tickers": [ticker()],
        },
    )
    option = next(each for each in feed.instruments() if each.name == OPTION)
    assert option.kind is InstrumentKind.OPTION
    assert option.settlement is Settlement.INVERSE
    assert (option.contract_nano, option.lot_nano, option.tick_nano) == (NANO, 300_000_000, 200_000)
    assert option.tick_steps == (TickStep(above_nano=5_000_000, tick_nano=500_000),)
    assert option.expiry_ns == 1_774_598_400 * NANO
    assert option.strike_nano == 100_000 * NANO
    assert option.right is OptionRight.CALL
    assert not option.is_halted


def test_an_update_has_fractions_where_the_venue_has_percent(tmp_path: Path) -> None:
    update = opened(tmp_path, {"instruments": [option_payload()], "tickers": [ticker()]}).update(0)
    position = update.names.index(OPTION)
    assert update.mark_price_i[position] == 0.0246
    assert update.mark_vol_i[position] == pytest.approx(0.385)
    assert update.forward_price_i[position] == 89635.44
    assert update.market_time_ns == TIME_MS * 10**6


def test_a_future_has_a_mark_and_neither_vol_nor_forward(tmp_path: Path) -> None:
    price = ticker(instrument_name="BTC-PERPETUAL", mark_price=88950.5, mark_iv=None)
    update = opened(tmp_path, {"instruments": [perpetual_payload()], "tickers": [price]}).update(0)
    position = update.names.index("BTC-PERPETUAL")
    assert update.mark_price_i[position] == 88950.5
    assert (update.mark_vol_i[position], update.forward_price_i[position]) == (0.0, 0.0)


def test_spot_of_an_underlying_is_listed_at_the_index(tmp_path: Path) -> None:
    feed = opened(tmp_path, {"instruments": [option_payload()], "tickers": [ticker()]})
    update = feed.update(0)
    spot = next(each for each in feed.instruments() if each.name == "BTC")
    assert spot.kind is InstrumentKind.SPOT
    assert update.mark_price_i[update.names.index("BTC")] == update.index_by_underlying["BTC"]


def test_a_listed_spot_pair_becomes_the_coin_with_its_own_terms(tmp_path: Path) -> None:
    pair = {
        "instrument_name": "BTC_USDC",
        "kind": "spot",
        "instrument_type": "linear",
        "tick_size": 1.0,
        "min_trade_amount": 0.0005,
    }
    other = pair | {"instrument_name": "BTC_USDT"}
    coin_of_coins = pair | {"instrument_name": "USDC_USDT"}
    feed = opened(
        tmp_path,
        {"instruments": [option_payload(), pair, other, coin_of_coins], "tickers": [ticker()]},
    )
    spots = [each for each in feed.instruments() if each.kind is InstrumentKind.SPOT]
    assert [(each.name, each.lot_nano, each.tick_nano) for each in spots] == [
        ("BTC", 500_000, NANO)
    ]
    assert feed.skipped == {"listed before": 1, "spot of a dollar coin": 1}


@pytest.mark.parametrize(
    "document",
    [
        {"instruments": [option_payload()], "tickers": {OPTION: ticker()}},
        {"instruments": answer([option_payload()]), "tickers": [answer(ticker())]},
        {"instruments": [answer(option_payload())], "tickers": {OPTION: answer(ticker())}},
        {"instruments": {"BTC": answer([option_payload()])}, "book_summaries": answer([ticker()])},
        [answer([option_payload()]), answer([ticker()])],
        {"first.json": answer([option_payload()]), "second.json": answer(ticker())},
    ],
    ids=["by name", "answers", "answers inside", "summaries", "list", "by file"],
)
def test_every_documented_layout_says_the_same(tmp_path: Path, document: Any) -> None:
    feed = opened(tmp_path, document)
    assert [each.name for each in feed.instruments()] == ["BTC", OPTION]
    assert feed.update(0).mark_price_i.tolist() == [88955.71, 0.0246]


def test_a_folder_of_answers_is_one_market(tmp_path: Path) -> None:
    write_json(tmp_path / "get_instruments_btc.json", answer([option_payload()]))
    write_json(tmp_path / "ticker.json.gz", answer(ticker()), is_packed=True)
    (tmp_path / "notes.txt").write_text("not read")
    assert FileFeed.open(tmp_path).update(0).names == ("BTC", OPTION)


def test_a_book_summary_takes_the_delivery_price_for_the_index(tmp_path: Path) -> None:
    summary = ticker(index_price=None, timestamp=None) | {
        "creation_timestamp": TIME_MS + 5,
        "estimated_delivery_price": 88000.0,
    }
    update = opened(tmp_path, answer([summary])).update(0)
    assert update.index_by_underlying == {"BTC": 88000.0}
    assert update.market_time_ns == (TIME_MS + 5) * 10**6


def test_prices_without_instruments_get_standard_terms(tmp_path: Path) -> None:
    feed = opened(tmp_path, {"tickers": [ticker()]})
    assert [(each.name, each.lot_nano) for each in feed.instruments()] == [
        ("BTC", NANO // 10_000),
        (OPTION, NANO // 10),
    ]


def test_the_latest_of_two_prices_counts_wherever_it_stands(tmp_path: Path) -> None:
    later, earlier = ticker(timestamp=TIME_MS + 1, mark_price=0.03), ticker()
    for tickers in ([later, earlier], [earlier, later]):
        update = opened(tmp_path, {"instruments": [option_payload()], "tickers": tickers}).update(0)
        assert update.mark_price_i[update.names.index(OPTION)] == 0.03


@pytest.mark.parametrize(
    "index",
    [
        {"index_price": 90000.5, "estimated_delivery_price": 1.0},
        {"BTC": 90000.5},
        {"btc_usdc": 80000.0, "btc_usd": {"index_price": 90000.5}, "btc_eurr": 70000.0},
        answer({"index_price": 90000.5}),
    ],
)
def test_a_stated_index_goes_before_the_tickers(tmp_path: Path, index: Any) -> None:
    document = {"instruments": [option_payload()], "tickers": [ticker()], "index": index}
    assert opened(tmp_path, document).update(0).index_by_underlying == {"BTC": 90000.5}


def test_the_index_is_the_median_of_the_tickers(tmp_path: Path) -> None:
    names = ("BTC-27MAR26-100000-C", "BTC-27MAR26-90000-C", "BTC-27MAR26-80000-C")
    tickers = [
        ticker(instrument_name=name, index_price=price)
        for name, price in zip(names, (100.0, 90.0, 1.0), strict=True)
    ]
    assert opened(tmp_path, {"tickers": tickers}).update(0).index_by_underlying == {"BTC": 90.0}


def test_what_is_not_listed_is_counted_by_reason(tmp_path: Path) -> None:
    instruments = [
        option_payload(),
        option_payload(instrument_name="BTC-CS-27MAR26-90000_100000", kind="option_combo"),
        option_payload(instrument_name="BTC-FS-27MAR26_PERP", kind="future_combo"),
        option_payload(instrument_name="BTC-27MAR26-90000-C"),
        option_payload(instrument_name="BTC-27MAR26-90000-P", strike=90000, option_type="call"),
        option_payload(instrument_name="BTC-28MAR26-100000-C"),
        option_payload(instrument_name="BTC_USDC-27MAR26-100000-C"),
        option_payload(instrument_name="BTC-2027", kind="election"),
        option_payload(instrument_name="BTC-2027"),
        perpetual_payload(kind="option"),
    ]
    prices = [ticker(), ticker(instrument_name="BTC-27MAR26-55000-P")]
    feed = opened(tmp_path, {"instruments": instruments, "tickers": prices})
    assert [each.name for each in feed.instruments()] == ["BTC", OPTION]
    assert feed.skipped == {
        "combo": 2,
        "terms contradict the symbol": 5,
        "kind election": 1,
        "name is no symbol": 1,
        "price of an instrument that is not listed": 1,
    }


def test_what_expired_by_the_market_time_is_not_listed(tmp_path: Path) -> None:
    gone = option_payload(
        instrument_name="BTC-23JAN26-100000-C", expiration_timestamp=1_769_155_200_000
    )
    feed = opened(tmp_path, {"instruments": [gone, option_payload()], "tickers": [ticker()]})
    assert [each.name for each in feed.instruments()] == ["BTC", OPTION]
    assert feed.skipped == {"expired at the market time": 1}


@pytest.mark.parametrize("change", [{"is_active": False}, {"state": "locked"}])
def test_what_the_venue_does_not_trade_is_halted(tmp_path: Path, change: dict[str, Any]) -> None:
    feed = opened(tmp_path, {"instruments": [option_payload(**change)], "tickers": [ticker()]})
    assert [each.is_halted for each in feed.instruments() if each.name == OPTION] == [True]


@pytest.mark.parametrize(
    "change",
    [{"mark_price": None}, {"mark_iv": None}, {"mark_iv": 0.0}, {"underlying_price": None}],
)
def test_an_option_without_a_usable_price_is_listed_and_left_out(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    feed = opened(tmp_path, {"instruments": [option_payload()], "tickers": [ticker(**change)]})
    assert OPTION in {each.name for each in feed.instruments()}
    assert feed.update(0).names == ("BTC",)
    assert feed.unpriced == (OPTION,)


def test_a_worthless_option_has_a_price_and_a_worthless_future_has_none(tmp_path: Path) -> None:
    worthless_future = ticker(instrument_name="BTC-PERPETUAL", mark_price=0)
    document = {
        "instruments": [option_payload(), perpetual_payload()],
        "tickers": [ticker(mark_price=0), worthless_future],
    }
    assert opened(tmp_path, document).update(0).names == ("BTC", OPTION)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"instruments": [option_payload(tick_size="x")]}, "instruments[0].tick_size"),
        ({"instruments": [option_payload(min_trade_amount=0)]}, "instruments[0].lot_size"),
        ({"instruments": [option_payload(tick_size=1e-10)]}, "instruments[0].tick_size"),
        ({"instruments": [{"tick_size": 1}]}, "instruments[0].tick_size"),
        (
            {"instruments": [option_payload(tick_size_steps=[{}])]},
            "instruments[0].tick_size_steps[0]",
        ),
        ({"tickers": {OPTION: ticker(mark_price="1")}}, f"tickers.{OPTION}.mark_price"),
        ({"tickers": {"x": {OPTION: ticker(mark_iv=-1)}}}, f"tickers.x.{OPTION}.mark_iv"),
        ({"tickers": [ticker(mark_price=-0.1)]}, "tickers[0].mark_price"),
        ({"tickers": [ticker(timestamp=None)]}, "tickers[0].timestamp"),
        ({"tickers": [ticker(), 5]}, "tickers[1]"),
        ({"tickers": [{"instrument_name": "BTC"}]}, "tickers[0]"),
        ({"tickers": {"jsonrpc": "2.0", "error": {"code": 10028}}}, "tickers"),
        ({"tickers": [ticker(index_price=None)]}, "index.BTC"),
        ({"tickers": [ticker()], "index": 5}, "index"),
        ({"tickers": [ticker()], "index": {"BTC": "many"}}, "index.BTC"),
        ({"tickers": [ticker()], "index": {"BTC": 0}}, "index.BTC"),
        ({"tickers": [ticker()], "index": {"index_price": 1.0}}, "index"),
        ({"instruments": [option_payload()]}, "feed"),
        ([], "feed"),
    ],
)
def test_a_malformed_document_is_refused_naming_the_field(
    tmp_path: Path, document: Any, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        opened(tmp_path, document)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "text", ["{", '{"tickers": [NaN]}', '{"tickers": [1e999]}', "[1] 2", "[" * 9999]
)
def test_a_text_that_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "market.json"
    path.write_text(text)
    with pytest.raises(InvalidInput):
        FileFeed.open(path)
