"""The JSON format: the venue's own answers, alone, in a list, or gathered in one document.

Entries are told apart by what they have: `tick_size` makes an instrument, `mark_price` a price.
See docs/feeds.md for the layouts.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument
from margingate_server.feeds.file.contents import FileContents, Quote
from margingate_server.feeds.file.payloads import (
    InstrumentPayload,
    PricePayload,
    instrument_of_payload,
    quote_of_payload,
)
from margingate_server.feeds.standard_terms import standard_instrument

_SECTIONS: Final = ("instruments", "tickers", "book_summaries")
_USD_RANK: Final = {"": 0, "usd": 1, "usdc": 2, "usdt": 3}

_Payload = TypeVar("_Payload", InstrumentPayload, PricePayload)


class _Market:
    """What has been read so far of one market, from one document or several."""

    def __init__(self) -> None:
        self.instruments: dict[str, Instrument] = {}
        self.quotes: dict[str, Quote] = {}
        self.index: dict[str, float] = {}
        self.skipped: Counter[str] = Counter()

    def take(self, field: str, entry: object) -> None:
        """Add one entry; InvalidInput naming `field` when it is neither instrument nor price."""
        if not isinstance(entry, dict):
            raise InvalidInput(field, "must be an object")
        if "tick_size" in entry:
            self._take_instrument(field, _converted(field, entry, InstrumentPayload))
        elif "mark_price" in entry:
            self._take_price(field, _converted(field, entry, PricePayload))
        else:
            raise InvalidInput(field, "has neither tick_size nor mark_price")

    def _take_instrument(self, field: str, payload: InstrumentPayload) -> None:
        try:
            instrument = instrument_of_payload(payload)
        except InvalidInput as error:
            raise InvalidInput(f"{field}.{error.field}", error.problem) from None
        if isinstance(instrument, str):
            self.skipped[instrument] += 1
        elif instrument.name in self.instruments:
            self.skipped["listed before"] += 1
        else:
            self.instruments[instrument.name] = instrument

    def _take_price(self, field: str, payload: PricePayload) -> None:
        try:
            quote = quote_of_payload(payload)
        except InvalidInput as error:
            raise InvalidInput(f"{field}.{error.field}", error.problem) from None
        known = self.quotes.get(payload.instrument_name)
        if known is None or quote.time_ns > known.time_ns:
            self.quotes[payload.instrument_name] = quote

    def contents(self) -> FileContents:
        """Everything read; prices without a listed instrument are counted and left out."""
        if not self.instruments:
            self._list_standard()
        quotes = {name: quote for name, quote in self.quotes.items() if name in self.instruments}
        unlisted = len(self.quotes) - len(quotes)
        if unlisted:
            self.skipped["price of an instrument that is not listed"] += unlisted
        return FileContents(
            instruments=tuple(self.instruments.values()),
            quote_by_name=quotes,
            index_by_underlying=self.index,
            skipped=self.skipped,
        )

    def _list_standard(self) -> None:
        """List what has a price, with standard terms, when no document describes instruments."""
        for name in self.quotes:
            try:
                instrument = standard_instrument(name)
            except InvalidInput:
                continue
            if instrument is not None:
                self.instruments[name] = instrument


def parse_json(texts: tuple[str, ...]) -> FileContents:
    """The market in one or several JSON texts; InvalidInput names the field that is wrong."""
    market = _Market()
    for text in texts:
        try:
            document = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            raise InvalidInput("feed", f"is no JSON: {error}") from None
        if isinstance(document, dict) and any(section in document for section in _SECTIONS):
            for section in _SECTIONS:
                for field, entry in _entries(section, document.get(section, [])):
                    market.take(field, entry)
            market.index |= _index(document.get("index"), market.instruments)
        else:
            for field, entry in _entries("result", document):
                market.take(field, entry)
    return market.contents()


def _entries(field: str, section: object) -> Iterator[tuple[str, object]]:
    """Every entry of a section with its path: a list, a mapping by name, one entry or an answer."""
    section = _unwrapped(field, section)
    if isinstance(section, list):
        for position, entry in enumerate(section):
            yield from _entries(f"{field}[{position}]", entry)
    elif isinstance(section, dict) and "instrument_name" not in section:
        for name, entry in section.items():
            yield from _entries(f"{field}.{name}", entry)
    else:
        yield field, section


def _unwrapped(field: str, section: object) -> object:
    """What a JSON-RPC answer carries; anything else as it is."""
    if isinstance(section, dict) and "jsonrpc" in section:
        if "result" not in section:
            raise InvalidInput(field, "is an answer of the venue without a result")
        return section["result"]
    return section


def _converted(field: str, entry: dict[str, Any], payload: type[_Payload]) -> _Payload:
    """The entry as a typed payload; InvalidInput with the path of what does not fit."""
    try:
        return msgspec.convert(entry, payload)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$")
        raise InvalidInput(f"{field}{path.removesuffix('`')}", problem) from None


def _index(section: object, instruments: Mapping[str, Instrument]) -> dict[str, float]:
    """Index in USD by underlying, as an `index` section states it.

    One answer of public/get_index_price belongs to the only underlying listed; a mapping is by coin
    (`BTC`) or by the venue's index name (`btc_usd`, before `btc_usdc` and `btc_usdt`).
    """
    section = _unwrapped("index", section)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise InvalidInput("index", "must be an object")
    if "index_price" in section:
        underlyings = {instrument.underlying for instrument in instruments.values()}
        if len(underlyings) != 1:
            raise InvalidInput("index", "must be by underlying where there are several")
        return {underlyings.pop(): _price("index", section)}
    prices: dict[str, float] = {}
    for name in sorted(section, key=lambda name: _USD_RANK.get(name.partition("_")[2], 9)):
        coin, _, quote = name.partition("_")
        if quote in _USD_RANK:
            prices.setdefault(coin.upper(), _price(f"index.{name}", section[name]))
    return prices


def _price(field: str, stated: object) -> float:
    """An index price: a number, or an answer that has it as `index_price`."""
    stated = _unwrapped(field, stated)
    if isinstance(stated, dict):
        stated = stated.get("index_price")
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not stated > 0:
        raise InvalidInput(field, "must be a positive number")
    return float(stated)
