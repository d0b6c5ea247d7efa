"""Recorded messages of the venue through the intake."""

import json

import msgspec
import pytest

from margingate_engine.core.instruments import InstrumentKind, Settlement
from margingate_server.feeds.deribit.intake import Intake
from margingate_server.feeds.deribit.listing import ListingReader
from margingate_server.feeds.deribit.payloads import MESSAGE
from tests.deribit_venue.recorded import (
    ANSWERS_OF_2026,
    EXAMPLES,
    FIXTURES,
    LISTINGS,
    MESSAGES,
    TICKERS,
    logged,
    parts_of,
    text_of,
)
from tests.deribit_venue.recorder import Recorder
from tests.unit.feeds.deribit.listings import raw


def test_a_recorded_log_of_2021_is_taken_ticker_by_ticker() -> None:
    reader = ListingReader(("BTC", "ETH"))
    for _, answer in logged(LISTINGS):
        reader.take(raw(answer["result"]))
    recorder = Recorder()
    intake = Intake(recorder)
    intake.relist(reader.listing())
    assert len(reader.listing().instruments) > 800
    newest: dict[str, float] = {}
    for seconds, said in logged(MESSAGES):
        message = MESSAGE.decode(json.dumps(said))
        if message.params is None:
            continue
        intake.take(message.params.channel, message.params.data, int(seconds * 1e9))
        if message.params.channel.startswith("ticker."):
            data = said["params"]["data"]
            newest[data["instrument_name"]] = data["mark_price"]
    taken = intake.drain()
    assert taken is not None
    marks = zip(taken.update.names, taken.update.mark_price_i.tolist(), strict=True)
    assert dict(marks) == newest
    assert len(newest) == 10
    assert recorder.received_by_kind["ticker"] == 89
    assert set(recorder.dropped_by_reason) == {"unknown_channel"}  # books and trades


@pytest.mark.parametrize("name", [FIXTURES, EXAMPLES, ANSWERS_OF_2026, TICKERS])
def test_nothing_the_venue_ever_sent_is_more_than_a_drop(name: str) -> None:
    """Whatever is in a recorded document, as the data of every kind of channel."""
    channels = (
        *("ticker.BTC-PERPETUAL.100ms", "markprice.options.btc_usd"),
        *("deribit_price_index.btc_usd", "deribit_volatility_index.btc_usd"),
        *("instrument.state.any.any", "platform_state", "book.BTC-PERPETUAL.100ms"),
    )
    intake = Intake(Recorder())
    reader = ListingReader(("BTC", "ETH"))
    parts = list(parts_of(json.loads(text_of(name))))
    listings = takings = 0
    for part in parts:
        try:
            reader.take(raw(part))
        except msgspec.DecodeError:
            continue
        listings += 1
    intake.relist(reader.listing())
    for part in parts:
        for channel in channels:
            try:
                intake.take(channel, raw(part), 1_782_552_300_000_000_000)
            except msgspec.DecodeError:
                continue
            takings += 1
    assert len(parts) > 100
    assert listings
    assert takings >= len(parts)  # what no channel carries can be taken from every unknown one


def test_the_listing_of_2026_is_taken_whole() -> None:
    documents = json.loads(text_of(ANSWERS_OF_2026))
    reader = ListingReader(("BTC", "ETH"))
    for name in (
        "deribit_get_instruments_btc_future.json",
        "deribit_get_instruments_btc_option.json",
    ):
        reader.take(raw(documents[name]["result"]))
    listing = reader.listing()
    assert listing.left_out == {}
    kinds = [each.kind for each in listing.instruments.values()]
    assert kinds.count(InstrumentKind.FUTURE) == 12
    assert kinds.count(InstrumentKind.PERPETUAL) == 1
    assert kinds.count(InstrumentKind.OPTION) == 5
    assert {each.settlement for each in listing.instruments.values()} == {Settlement.INVERSE}


def test_combos_of_2026_are_left_out_and_other_venues_fixtures_understood() -> None:
    documents = json.loads(text_of(FIXTURES))
    reader = ListingReader(("BTC", "ETH"))
    for name in (
        "http_get_instruments_future_combo.json",
        "http_get_instruments_option_combo.json",
    ):
        reader.take(raw(documents[name]["result"]))
    assert reader.listing().instruments == {}
    assert set(reader.listing().left_out) == {"combo"}
