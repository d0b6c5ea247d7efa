"""The newest prices of everything listed: written by the connection, taken by the server.

One value an instrument is kept, so nothing grows however fast the venue sends and however rarely
the server asks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final

import msgspec
import numpy as np

from margingate_engine.core.amounts import NANO
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument, InstrumentKind
from margingate_engine.core.symbols import parse_symbol
from margingate_server.feeds.deribit import channels, payloads
from margingate_server.feeds.deribit.listing import Listing
from margingate_server.feeds.deribit.order import MessageOrder
from margingate_server.feeds.deribit.payloads import NS_PER_MILLISECOND
from margingate_server.feeds.deribit.quote import (
    PERCENT,
    Mark,
    index_problem,
    mark_of_ticker,
    mark_problem,
    ticker_problem,
)
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.feeds.observer import FeedObserver

FORWARD_LAG_NS_MAX: Final = 5 * NANO
"""How much older than an option's mark its forward may be; tickers bring it every two seconds."""

_OPEN: Final = "open"


@dataclass(frozen=True, slots=True)
class Taken:
    """What changed since the last time, and everything listed then."""

    instruments: tuple[Instrument, ...]
    update: MarketUpdate


class Prices:
    """Takes the venue's data message by message and gives out what is new; safe between threads."""

    def __init__(self, observer: FeedObserver) -> None:
        self._observer = observer
        self._lock = Lock()
        self._listing = Listing()
        self._instruments: tuple[Instrument, ...] = ()
        self._order = MessageOrder()
        self._market_time_ns = 0
        self._mark_by_name: dict[str, Mark] = {}
        self._forward_by_name: dict[str, tuple[int, float]] = {}
        self._fresh_names: dict[str, None] = {}
        self._fresh_index: dict[str, float] = {}
        self._withheld_names: set[str] = set()
        self._closed_names: set[str] = set()
        self._locked_indices: set[str] = set()
        self._takers: Mapping[str, Callable[[str, msgspec.Raw, int], bool]] = {
            channels.TICKER: self._take_ticker,
            channels.MARK_PRICES: self._take_marks,
            channels.INDEX: self._take_index,
            channels.VOLATILITY_INDEX: self._take_volatility_index,
            channels.INSTRUMENT_STATE: self._take_instrument_state,
            channels.PLATFORM_STATE: self._take_platform_state,
        }

    @property
    def listing(self) -> Listing:
        """What is listed now."""
        with self._lock:
            return self._listing

    def reconnected(self) -> None:
        """Forget who is closed or locked: the listing that follows says it anew."""
        with self._lock:
            self._closed_names.clear()
            self._locked_indices.clear()

    def relist(self, listing: Listing) -> None:
        """Take this listing; prices of what left it are forgotten."""
        with self._lock:
            self._listing = listing.after(self._listing, self._market_time_ns)
            names = frozenset(self._listing.instruments)
            self._order.forget(names)
            for kept in (self._mark_by_name, self._forward_by_name, self._fresh_names):
                for name in kept.keys() - names:
                    del kept[name]
            self._withheld_names &= names
            self._closed_names &= names
            self._tell_halts()

    def take(self, channel: str, data: msgspec.Raw, now_ns: int) -> bool:
        """Take one message; whether it says that the listing has changed.

        Raises msgspec.DecodeError when the data is not what the channel carries.
        """
        kind = channels.kind_of(channel)
        if not kind:
            self._observer.dropped("unknown_channel", channel)
            return False
        self._observer.received(kind)
        with self._lock:
            return self._takers[kind](channel, data, now_ns)

    def drain(self) -> Taken | None:
        """What is new since the last call; None before the first price of anything."""
        with self._lock:
            if not self._market_time_ns:
                return None
            update = self._fresh_update()
            self._fresh_names, self._fresh_index = {}, {}
            return Taken(self._instruments, update)

    def has_started(self) -> bool:
        """True once every underlying has an index, and a mark that nobody took yet."""
        with self._lock:
            underlyings = self._listing.index_by_underlying.keys()
            marked = {
                self._listing.instruments[name].underlying
                for name in self._fresh_names
                if name in self._forward_by_name
            }
            return bool(underlyings) and underlyings <= (self._fresh_index.keys() & marked)

    def _take_ticker(self, channel: str, data: msgspec.Raw, now_ns: int) -> bool:
        ticker = payloads.TICKER.decode(data)
        name = ticker.instrument_name
        if channel.split(".")[1] != name:
            return self._dropped("invalid", channel)
        instrument = self._listing.instruments.get(name)
        if instrument is None:
            self._dropped("unknown_instrument", name)
            return self._may_be_ours(name)
        if not self._is_in_order((channel, name), ticker.timestamp, now_ns):
            return False
        has_changed = self._hear_state(name, is_open=ticker.state == _OPEN)
        problem = ticker_problem(ticker, instrument)
        if problem:
            self._withheld_names.add(name)
            self._dropped(problem, name)
            return has_changed
        self._withheld_names.discard(name)
        time_ns = ticker.timestamp * NS_PER_MILLISECOND
        self._forward_by_name[name] = (time_ns, ticker.underlying_price or 0.0)
        self._put(name, mark_of_ticker(ticker, time_ns))
        return has_changed

    def _take_marks(self, channel: str, data: msgspec.Raw, now_ns: int) -> bool:
        is_any_unknown = False
        for entry in payloads.MARKS.decode(data):
            try:
                mark = payloads.MARK.decode(entry)
            except msgspec.DecodeError as error:
                self._dropped("invalid", f"{channel}: {error}")
                continue
            name = mark.instrument_name
            instrument = self._listing.instruments.get(name)
            if instrument is None or instrument.kind is not InstrumentKind.OPTION:
                self._dropped("unknown_instrument", name)
                is_any_unknown = is_any_unknown or self._may_be_ours(name)
                continue
            if not self._is_in_order((channel, name), mark.timestamp, now_ns):
                continue
            problem = mark_problem(mark) or ("withheld" if name in self._withheld_names else "")
            if problem:
                self._dropped(problem, name)
                continue
            time_ns = mark.timestamp * NS_PER_MILLISECOND
            self._put(name, Mark(time_ns, mark.mark_price or 0.0, mark.iv or 0.0))
        return is_any_unknown

    def _take_index(self, channel: str, data: msgspec.Raw, now_ns: int) -> bool:
        index = payloads.INDEX.decode(data)
        underlyings = self._underlyings_of(index.index_name)
        if not underlyings or not channel.endswith(f".{index.index_name}"):
            return self._dropped("unknown_instrument", channel)
        if not self._is_in_order((channel, ""), index.timestamp, now_ns):
            return False
        problem = index_problem(index.price)
        if problem:
            return self._dropped(problem, channel)
        time_ns = index.timestamp * NS_PER_MILLISECOND
        self._observer.lagged((now_ns - time_ns) / NANO)
        self._market_time_ns = max(self._market_time_ns, time_ns)
        for underlying in underlyings:
            self._fresh_index[underlying] = index.price or 0.0
        return False

    def _take_volatility_index(self, channel: str, data: msgspec.Raw, now_ns: int) -> bool:
        index = payloads.VOLATILITY_INDEX.decode(data)
        if not self._is_in_order((channel, ""), index.timestamp, now_ns):
            return False
        problem = index_problem(index.volatility)
        if problem:
            return self._dropped(problem, channel)
        for underlying in self._underlyings_of(index.index_name):
            vol_annual = (index.volatility or 0.0) / PERCENT
            self._observer.volatility_index_changed(underlying, vol_annual)
        return False

    def _take_instrument_state(self, _channel: str, data: msgspec.Raw, _now_ns: int) -> bool:
        notice = payloads.INSTRUMENT_STATE.decode(data)
        return self._may_be_ours(notice.instrument_name)

    def _take_platform_state(self, _channel: str, data: msgspec.Raw, _now_ns: int) -> bool:
        notice = payloads.PLATFORM_STATE.decode(data)
        if notice.price_index is None or notice.locked is None:
            return True
        if notice.locked:
            self._locked_indices.add(notice.price_index)
        else:
            self._locked_indices.discard(notice.price_index)
        self._tell_halts()
        return True

    def _put(self, name: str, mark: Mark) -> None:
        """Keep a mark unless a newer one came by another channel."""
        known = self._mark_by_name.get(name)
        if known is not None and known.time_ns > mark.time_ns:
            return
        self._mark_by_name[name] = mark
        self._fresh_names[name] = None
        self._market_time_ns = max(self._market_time_ns, mark.time_ns)

    def _fresh_update(self) -> MarketUpdate:
        """The prices that came since the last time, spot at the index."""
        rows: dict[str, tuple[float, float, float]] = {}
        for underlying, price in self._fresh_index.items():
            if underlying in self._listing.instruments:
                rows[underlying] = (price, 0.0, 0.0)
        for name in self._fresh_names:
            mark, (forward_ns, forward) = (
                self._mark_by_name[name],
                self._forward_by_name.get(name, (0, 0.0)),
            )
            is_option = self._listing.instruments[name].kind is InstrumentKind.OPTION
            if is_option and forward_ns < mark.time_ns - FORWARD_LAG_NS_MAX:
                self._dropped("old_forward", name)
                continue
            rows[name] = (mark.price, mark.vol, forward) if is_option else (mark.price, 0.0, 0.0)
        columns = np.ascontiguousarray(
            np.array(list(rows.values()), dtype=np.float64).reshape(-1, 3).T
        )
        columns.setflags(write=False)
        return MarketUpdate(
            market_time_ns=self._market_time_ns,
            index_by_underlying=self._fresh_index,
            names=tuple(rows),
            mark_price_i=columns[0],
            mark_vol_i=columns[1],
            forward_price_i=columns[2],
        )

    def _hear_state(self, name: str, *, is_open: bool) -> bool:
        """Note whether a ticker calls its instrument open; True when that is news."""
        if is_open == (name not in self._closed_names):
            return False
        if is_open:
            self._closed_names.discard(name)
        else:
            self._closed_names.add(name)
        self._tell_halts()
        return True

    def _tell_halts(self) -> None:
        self._instruments = self._listing.halted_instruments(
            self._closed_names, self._locked_indices
        )

    def _underlyings_of(self, index_name: str) -> tuple[str, ...]:
        """Coins that an index values in USD."""
        indices = self._listing.index_by_underlying
        return tuple(underlying for underlying, name in indices.items() if name == index_name)

    def _may_be_ours(self, name: str) -> bool:
        """True for a symbol of an underlying that is listed; combos have none."""
        try:
            return parse_symbol(name).underlying in self._listing.index_by_underlying
        except InvalidInput:
            return False

    def _is_in_order(self, stream: tuple[str, str], timestamp_ms: int, now_ns: int) -> bool:
        problem = self._order.problem(stream, timestamp_ms, now_ns)
        if problem:
            self._dropped(problem, stream[0])
        return not problem

    def _dropped(self, reason: str, detail: str) -> bool:
        """Count it; False, for a message that says nothing of the listing."""
        self._observer.dropped(reason, detail)
        return False
