"""Recorded payloads, where MARGINGATE_DATA says they are."""

import csv
import gzip
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from margingate_engine.core.instruments import OptionRight
from margingate_engine.core.symbols import MONTHS, parse_symbol
from tests.deribit_venue import contracts

TICKERS = "chains/mit_kalam360_btc_raw_tickers_20260627T0927Z.json.gz"
CRASH = "chains/nolic_znmahbub_btc_eth_20260205T212937Z.csv.gz"
LISTINGS = "api_raw/cryptofeed_DERIBIT.0.txt.gz"
MESSAGES = "api_raw/cryptofeed_DERIBIT.ws.1.0.txt.gz"
FIXTURES = "api_raw/lgpl_nautilus_deribit_fixtures.json.gz"
EXAMPLES = "api_raw/deribit_openapi_public_response_examples.json.gz"
ANSWERS_OF_2026 = "api_raw/nolic_maksm05_api_responses_20260522.json.gz"


def text_of(name: str) -> str:
    """A recorded file as text; skips the test without the data."""
    folder = os.environ.get("MARGINGATE_DATA")
    if not folder:
        pytest.skip("MARGINGATE_DATA does not say where recorded payloads are")
    return gzip.decompress(Path(folder, name).read_bytes()).decode()


def logged(name: str) -> Iterator[tuple[float, Any]]:
    """(epoch seconds, message) of a log of messages that arrived."""
    for line in text_of(name).splitlines():
        head, _, body = line.partition(": ")
        stamp = head.split()[-1] if head else ""
        if body.startswith("{") and stamp[:1].isdigit():
            yield float(stamp), json.loads(body)


def parts_of(document: Any) -> Iterator[Any]:
    """The document and everything in it."""
    yield document
    inner = document.values() if isinstance(document, dict) else document
    for each in inner if isinstance(document, dict | list) else ():
        yield from parts_of(each)


class RecordedMarket:
    """Tickers and instruments as recorded, each message dated when it is sent."""

    def __init__(self, entries: list[dict[str, Any]], tickers: dict[str, dict[str, Any]]) -> None:
        self._entries = entries
        self.tickers = tickers
        self.now_ms = max(each["timestamp"] for each in tickers.values())
        self.index: dict[str, float] = {}
        for name, ticker in tickers.items():
            coin = name.partition("-")[0].lower()
            self.index.setdefault(f"{coin}_usd", ticker["index_price"])

    def entries(self, currency: str) -> list[dict[str, Any]]:
        """What public/get_instruments answers."""
        return [each for each in self._entries if each["base_currency"] == currency]

    def data(self, channel: str, now_ms: int) -> Any:
        """What a channel says now."""
        kind, *words = channel.split(".")
        if kind == "ticker":
            ticker = self.tickers.get(words[0])
            return None if ticker is None else ticker | {"timestamp": now_ms}
        if kind == "deribit_price_index" and words[0] in self.index:
            price = self.index[words[0]]
            return {"index_name": words[0], "price": price, "timestamp": now_ms}
        return [] if kind in {"markprice", "instrument", "platform_state"} else None


def recorded_tickers() -> RecordedMarket:
    """330 options of BTC, raw answers of 27 June 2026."""
    document = json.loads(text_of(TICKERS))
    return RecordedMarket(document["instruments"], document["tickers"])


def recorded_crash() -> RecordedMarket:
    """1,840 options of BTC and ETH on 5 February 2026, as tickers; terms as they were usual."""
    entries, tickers = [], {}
    for row in csv.DictReader(io.StringIO(text_of(CRASH))):
        name = row["instrument_name"]
        entries.append(_entry(name))
        ask = row["ask_price"]
        tickers[name] = {
            "instrument_name": name,
            "timestamp": 1_770_326_977_000,
            "state": "open",
            "mark_price": float(row["mark_price"]),
            "mark_iv": 100 * float(row["implied_volatility"]),
            "underlying_price": float(row["underlying"]),
            "index_price": float(row["index_price"]),
            "best_bid_price": float(row["bid_price"] or 0),
            "best_ask_price": float(ask) if ask else None,
        }
    return RecordedMarket(entries, tickers)


def _entry(name: str) -> dict[str, Any]:
    """An inverse option, listed as the venue does."""
    coin, dated, strike, _ = name.split("-")
    symbol = parse_symbol(name)
    assert symbol.expiry_ns is not None
    day, month, year = int(dated[:-5]), MONTHS.index(dated[-5:-2]) + 1, 2000 + int(dated[-2:])
    expiry = contracts.expiry_in(0, symbol.expiry_ns // 10**6).replace(
        day=day, month=month, year=year
    )
    right = "C" if symbol.right is OptionRight.CALL else "P"
    return contracts.option(coin, expiry, int(strike), right)
