"""Recorded markets, where MARGINGATE_DATA says they are."""

import os
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument, InstrumentKind
from margingate_engine.core.symbols import parse_symbol
from margingate_engine.pricing import black76
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.feeds.file.feed import FileFeed

NS_PER_YEAR = 365 * 86400 * 10**9
VENUE_JSON = "chains/mit_kalam360_btc_raw_tickers_20260627T0927Z.json.gz"
CALM_CSV = "chains/nolic_znmahbub_btc_eth_20260123T092319Z.csv.gz"


def recorded(name: str) -> Path:
    folder = os.environ.get("MARGINGATE_DATA")
    if not folder:
        pytest.skip("MARGINGATE_DATA does not say where recorded markets are")
    return Path(folder, name)


def mark_errors(instruments: tuple[Instrument, ...], update: MarketUpdate) -> list[float]:
    """Distance of each option's mark from the Black-76 value of its vol and forward, in coins."""
    by_name = {each.name: each for each in instruments}
    options = [
        (by_name[name], *prices)
        for name, *prices in zip(
            update.names,
            update.mark_price_i,
            update.mark_vol_i,
            update.forward_price_i,
            strict=True,
        )
        if by_name[name].kind is InstrumentKind.OPTION
    ]
    terms, mark, vol, forward = zip(*options, strict=True)
    forward_i = np.array(forward)
    value_i = black76.value(
        forward_i,
        np.array([(each.strike_nano or 0) / 1e9 for each in terms]),
        np.array(vol),
        np.array([((each.expiry_ns or 0) - update.market_time_ns) / NS_PER_YEAR for each in terms]),
        np.array([each.name.endswith("C") for each in terms]),
    )
    return list(np.abs(value_i / forward_i - np.array(mark)))


def test_the_venues_own_json_has_every_option_and_its_steps() -> None:
    feed = FileFeed.open(recorded(VENUE_JSON))
    options = [each for each in feed.instruments() if each.kind is InstrumentKind.OPTION]
    assert len(options) == 330
    assert len({each.expiry_ns for each in options}) == 7
    assert {each.lot_nano for each in options} == {100_000_000}
    assert {each.tick_nano_at(6_000_000) for each in options} == {500_000}
    assert feed.skipped == {}
    assert feed.unpriced == ()
    assert feed.update(0).index_by_underlying == {"BTC": 60245.61}


def test_the_marks_of_the_venues_json_are_black_76_of_its_vols() -> None:
    feed = FileFeed.open(recorded(VENUE_JSON))
    errors = mark_errors(feed.instruments(), feed.update(0))
    assert len(errors) == 330
    assert max(errors) < 3e-4


def test_the_calm_csv_has_two_whole_chains_and_their_futures() -> None:
    feed = FileFeed.open(recorded(CALM_CSV))
    kinds = [(each.underlying, each.kind) for each in feed.instruments()]
    counted = {pair: kinds.count(pair) for pair in product(("BTC", "ETH"), InstrumentKind)}
    assert counted == {
        ("BTC", InstrumentKind.SPOT): 1,
        ("BTC", InstrumentKind.FUTURE): 6,
        ("BTC", InstrumentKind.PERPETUAL): 0,
        ("BTC", InstrumentKind.OPTION): 660,
        ("ETH", InstrumentKind.SPOT): 1,
        ("ETH", InstrumentKind.FUTURE): 6,
        ("ETH", InstrumentKind.PERPETUAL): 0,
        ("ETH", InstrumentKind.OPTION): 694,
    }
    assert feed.unpriced == ()


def test_the_marks_of_the_calm_csv_are_black_76_of_its_vols() -> None:
    feed = FileFeed.open(recorded(CALM_CSV))
    errors = mark_errors(feed.instruments(), feed.update(0))
    assert len(errors) == 1354
    assert max(errors) < 1e-4


def test_names_of_the_recorded_listings_say_their_terms() -> None:
    for chain in (VENUE_JSON, CALM_CSV):
        for instrument in FileFeed.open(recorded(chain)).instruments():
            symbol = parse_symbol(instrument.name)
            assert symbol.expiry_ns == instrument.expiry_ns
            assert symbol.strike_nano == instrument.strike_nano


def test_a_file_of_several_answers_by_name_is_one_market() -> None:
    feed = FileFeed.open(recorded("api_raw/nolic_maksm05_api_responses_20260522.json.gz"))
    kinds = [each.kind for each in feed.instruments()]
    assert kinds.count(InstrumentKind.FUTURE) == 12
    assert kinds.count(InstrumentKind.PERPETUAL) == 1
    assert kinds.count(InstrumentKind.OPTION) == 5
    lots = {each.kind: each.lot_nano for each in feed.instruments()}
    assert lots[InstrumentKind.FUTURE] == lots[InstrumentKind.PERPETUAL] == 10 * 10**9


@pytest.mark.parametrize(
    "name",
    [
        "chains/mit_heston_btc_chain_20251205.csv.gz",
        "chains/nolic_mikehyland_btc_futures_tickers_20260122T1230Z.csv.gz",
        "chains/bsd_quantflow_volsurface_btc_20260521T1004Z.json.gz",
        "chains/mit_pips_eth_partial_20220127T0100Z.json.gz",
        "api_raw/cryptofeed_DERIBIT.0.txt.gz",
        "api_raw/mpl_tardis_node_deribit_messages_2019.ts.gz",
        "prices",
    ],
)
def test_files_of_other_shapes_are_refused_and_never_misread(name: str) -> None:
    with pytest.raises(InvalidInput):
        FileFeed.open(recorded(name))
