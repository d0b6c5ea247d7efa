"""What the venue lists, as far as the service knows how to margin it."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import msgspec

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument, InstrumentKind
from margingate_server.feeds.deribit.payloads import LISTED, LISTING
from margingate_server.feeds.file.payloads import instrument_of_payload
from margingate_server.feeds.standard_terms import standard_instrument

LEFT_OUT: Final = {
    "combo": "combo",
    "name is no symbol": "no_symbol",
    "spot of a dollar coin": "dollar_coin",
    "terms contradict the symbol": "contradicts_symbol",
}
"""Words of our own for why an entry is not listed; what is not here is of an unknown kind."""

_INDEX_RANK: Final = {"usd": 0, "usdc": 1, "usdt": 2}
_UNRANKED: Final = len(_INDEX_RANK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Instruments by name, spot under its coin, and the indices that they follow.

    index_by_underlying: the venue's name of the index that values a coin in USD.
    crosses: by dollar coin, a coin's index in USD and the same coin's in the dollar coin, whose
    ratio the dollar coin is worth: the venue has no index of it.
    option_index_names: indices that listed options follow. index_by_name: the index of each
    instrument. left_out: entries of the venue that are not here, by reason. gone_names: of those
    here, what the venue does not list any more.
    """

    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    index_by_underlying: Mapping[str, str] = field(default_factory=dict)
    crosses: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    option_index_names: tuple[str, ...] = ()
    index_by_name: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    gone_names: frozenset[str] = frozenset()

    def after(self, former: "Listing", market_time_ns: int) -> "Listing":
        """This one, with what was listed before, is not any more and has not expired, halted.

        A position in it is still there, and its last price grows old.
        """
        gone = {
            name: replace(instrument, is_halted=True)
            for name, instrument in former.instruments.items()
            if name not in self.instruments
            and (instrument.expiry_ns is None or instrument.expiry_ns > market_time_ns)
        }
        if not gone:
            return self
        indices = {name: former.index_by_name[name] for name in gone}
        return replace(
            self,
            instruments={**self.instruments, **gone},
            index_by_name={**self.index_by_name, **indices},
            gone_names=frozenset(gone),
        )

    def halted_instruments(
        self, closed_names: Collection[str], locked_indices: Collection[str]
    ) -> tuple[Instrument, ...]:
        """Every instrument, halted also where it is closed or its index locked."""
        return tuple(
            replace(instrument, is_halted=True)
            if not instrument.is_halted
            and (name in closed_names or self.index_by_name[name] in locked_indices)
            else instrument
            for name, instrument in self.instruments.items()
        )


class Entry(NamedTuple):
    """What one entry of the venue comes to: an instrument with its index, or why there is none."""

    symbol: str
    instrument: Instrument | None = None
    index_name: str = ""
    reason: str = ""


class ListingReader:
    """Gathers a listing from several answers of public/get_instruments.

    `entries` has what each entry came to, by its text, for the next reader: of thousands few differ
    from one listing to the next, and reading all of them would keep the prices waiting.
    """

    def __init__(
        self,
        underlyings: Collection[str],
        dollar_coins: Collection[str] = (),
        known: Mapping[bytes, Entry] | None = None,
    ) -> None:
        """Coins whose instruments are listed, and dollar coins that are listed beside them.

        known: `entries` of a former reader of the same underlyings.
        """
        self.entries: dict[bytes, Entry] = {}
        self._known = known or {}
        self._underlyings = underlyings
        self._dollar_coins = dollar_coins
        self._instruments: dict[str, Instrument] = {}
        self._index_by_name: dict[str, str] = {}
        self._symbol_by_name: dict[str, str] = {}
        self._left_out: Counter[str] = Counter()
        self._seen: set[str] = set()

    def take(self, answer: msgspec.Raw) -> None:
        """Add what one answer lists; msgspec.DecodeError when it is no list."""
        for raw in LISTING.decode(answer):
            text = bytes(raw)
            entry = self._known.get(text) or self._read(raw)
            self.entries[text] = entry
            if not entry.symbol or entry.symbol not in self._seen:
                self._seen.add(entry.symbol)
                self._put(entry)

    def listing(self) -> Listing:
        """Everything read so far."""
        options = (
            self._index_by_name[name]
            for name, instrument in self._instruments.items()
            if instrument.kind is InstrumentKind.OPTION
        )
        index_by_underlying = self._index_by_underlying()
        crosses = self._crosses(index_by_underlying)
        coins = {coin: standard_instrument(coin) for coin in crosses}
        spot = {coin: instrument for coin, instrument in coins.items() if instrument is not None}
        return Listing(
            instruments=spot | self._instruments,
            index_by_underlying=index_by_underlying,
            crosses=crosses,
            option_index_names=tuple(dict.fromkeys(options)),
            index_by_name={coin: crosses[coin][1] for coin in spot} | self._index_by_name,
            left_out=dict(self._left_out),
        )

    def _read(self, raw: msgspec.Raw) -> Entry:
        """What an entry comes to; without a symbol when it cannot be read."""
        try:
            payload = LISTED.decode(raw)
        except msgspec.DecodeError:
            return Entry("", reason="unreadable")
        symbol = payload.instrument_name
        try:
            instrument = instrument_of_payload(payload)
        except InvalidInput:
            return Entry(symbol, reason="invalid")
        if isinstance(instrument, str):
            return Entry(symbol, reason=LEFT_OUT.get(instrument, "unknown_kind"))
        if instrument.underlying not in self._underlyings:
            return Entry(symbol, reason="underlying")
        index_name = payload.price_index or f"{instrument.underlying.lower()}_usd"
        return Entry(symbol, instrument, index_name)

    def _put(self, entry: Entry) -> None:
        """List or count it; of several spot pairs of a coin the first by name, USDC before USDT."""
        if entry.instrument is None:
            self._left_out[entry.reason] += 1
            return
        name = entry.instrument.name
        if name in self._instruments and self._symbol_by_name[name] < entry.symbol:
            return
        self._instruments[name] = entry.instrument
        self._symbol_by_name[name] = entry.symbol
        self._index_by_name[name] = entry.index_name

    def _crosses(self, index_by_underlying: Mapping[str, str]) -> dict[str, tuple[str, str]]:
        """By way of the first underlying that has an index in USD; none without one."""
        in_usd = (name for name in index_by_underlying.values() if name.endswith("_usd"))
        name = min(in_usd, default="")
        coin = name.removesuffix("_usd")
        return {each: (name, f"{coin}_{each.lower()}") for each in self._dollar_coins if name}

    def _index_by_underlying(self) -> dict[str, str]:
        """Of the indices of an underlying's instruments the one in USD, else in a dollar coin."""
        names: dict[str, set[str]] = {}
        for name, instrument in self._instruments.items():
            names.setdefault(instrument.underlying, set()).add(self._index_by_name[name])
        return {underlying: _best(of) for underlying, of in names.items()}


def _best(index_names: Iterable[str]) -> str:
    """The index nearest to USD; among equals the first by name."""
    return min(
        index_names,
        key=lambda name: (_INDEX_RANK.get(name.rpartition("_")[2], _UNRANKED), name),
    )
