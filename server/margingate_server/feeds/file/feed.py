"""A market frozen at the instant of a file, behind the Feed protocol."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument, InstrumentKind
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.feeds.file.contents import FileContents
from margingate_server.feeds.file.csv_format import parse_csv
from margingate_server.feeds.file.json_format import parse_json
from margingate_server.feeds.file.source import read_texts
from margingate_server.feeds.standard_terms import standard_instrument

_JSON_STARTS: Final = ("{", "[")


class FileFeed:
    """Instruments and prices of a file; every update is the same."""

    def __init__(self, contents: FileContents) -> None:
        """A feed of `contents`; InvalidInput when nothing in them has a price."""
        if not contents.quote_by_name:
            raise InvalidInput("feed", "has no prices of listed instruments")
        market_time_ns = max(quote.time_ns for quote in contents.quote_by_name.values())
        listed = tuple(
            instrument
            for instrument in contents.instruments
            if instrument.expiry_ns is None or instrument.expiry_ns > market_time_ns
        )
        index = _index_by_underlying(contents)
        self._instruments = _with_spot(listed, index)
        self._update = _update(self._instruments, contents, index, market_time_ns)
        self._skipped = dict(contents.skipped)
        if len(listed) < len(contents.instruments):
            self._skipped["expired at the market time"] = len(contents.instruments) - len(listed)

    @classmethod
    def open(cls, path: str | Path) -> "FileFeed":
        """The market in a file (JSON or CSV, gzip or not) or a folder of the venue's JSON answers.

        Raises InvalidInput naming the field or line that is wrong.
        """
        texts = read_texts(Path(path))
        if len(texts) > 1 or texts[0].lstrip().startswith(_JSON_STARTS):
            return cls(parse_json(texts))
        return cls(parse_csv(texts[0]))

    @property
    def interval_seconds(self) -> float:
        """How long to wait between two calls of `update`."""
        return 1.0

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many entries of the file are not listed, by reason."""
        return self._skipped

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Names that are listed and have no usable price in the file."""
        priced = set(self._update.names)
        return tuple(each.name for each in self._instruments if each.name not in priced)

    def instruments(self) -> tuple[Instrument, ...]:
        """Everything the file lists, and spot of its underlyings."""
        return self._instruments

    def update(self, now_ns: int) -> MarketUpdate:  # noqa: ARG002 - a file knows one instant only
        """The file's prices at the file's own instant, whatever `now_ns` is."""
        return self._update

    def stop(self) -> None:
        """Nothing is held: the file was closed when it was read."""


def _index_by_underlying(contents: FileContents) -> dict[str, float]:
    """Index in USD by underlying: as stated, else the median over the quotes that say one."""
    stated: defaultdict[str, list[float]] = defaultdict(list)
    for instrument in contents.instruments:
        quote = contents.quote_by_name.get(instrument.name)
        if quote is not None and quote.index_price:
            stated[instrument.underlying].append(quote.index_price)
    medians = {underlying: median(prices) for underlying, prices in stated.items()}
    return medians | dict(contents.index_by_underlying)


def _with_spot(
    listed: tuple[Instrument, ...], index: Mapping[str, float]
) -> tuple[Instrument, ...]:
    """The listing and spot of every underlying with an index that has standard terms."""
    names = {instrument.name for instrument in listed}
    spots = (standard_instrument(coin) for coin in sorted(index) if coin not in names)
    return (*(spot for spot in spots if spot is not None), *listed)


def _update(
    instruments: tuple[Instrument, ...],
    contents: FileContents,
    index: Mapping[str, float],
    market_time_ns: int,
) -> MarketUpdate:
    """The update of every instrument with a usable price; InvalidInput when an index is missing."""
    names: list[str] = []
    prices: list[tuple[float, float, float]] = []
    for instrument in instruments:
        if instrument.kind is InstrumentKind.SPOT:
            if instrument.underlying in index:
                names.append(instrument.name)
                prices.append((index[instrument.underlying], 0.0, 0.0))
            continue
        quote = contents.quote_by_name.get(instrument.name)
        if quote is None or not quote.is_usable_for(instrument):
            continue
        if instrument.underlying not in index:
            raise InvalidInput(f"index.{instrument.underlying}", "is missing")
        is_option = instrument.kind is InstrumentKind.OPTION
        names.append(instrument.name)
        prices.append(
            (
                quote.mark_price or 0.0,
                (quote.mark_vol or 0.0) if is_option else 0.0,
                (quote.forward_price or 0.0) if is_option else 0.0,
            )
        )
    columns = np.ascontiguousarray(np.array(prices, dtype=np.float64).reshape(-1, 3).T)
    columns.setflags(write=False)
    return MarketUpdate(
        market_time_ns=market_time_ns,
        index_by_underlying=dict(index),
        names=tuple(names),
        mark_price_i=columns[0],
        mark_vol_i=columns[1],
        forward_price_i=columns[2],
    )
