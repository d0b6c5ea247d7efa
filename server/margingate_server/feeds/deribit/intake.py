"""Takes the venue's data message by message, and says what was not taken."""

from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Final

import msgspec

from margingate_engine.core.amounts import NANO
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.symbols import parse_symbol
from margingate_server.feeds.deribit import channels, payloads
from margingate_server.feeds.deribit.listing import Listing
from margingate_server.feeds.deribit.order import MessageOrder
from margingate_server.feeds.deribit.payloads import NS_PER_MILLISECOND
from margingate_server.feeds.deribit.prices import Prices, Taken
from margingate_server.feeds.deribit.quote import (
    PERCENT,
    Mark,
    index_problem,
    is_without_vol,
    mark_of_ticker,
    mark_problem,
    ticker_problem,
)
from margingate_server.feeds.observer import FeedObserver

_OPEN: Final = "open"
_PRICED: Final = (channels.TICKER, channels.INDEX)


class Intake:
    """Between the connection, which takes, and the server, which drains, each in its thread."""

    def __init__(self, observer: FeedObserver) -> None:
        self._observer = observer
        self._lock = Lock()
        self._prices = Prices()
        self._order = MessageOrder()
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
            return self._prices.listing

    def reconnected(self) -> None:
        """A new connection begins; a listing follows."""
        with self._lock:
            self._prices.forget_halts()

    def relist(self, listing: Listing) -> None:
        """Take prices of this listing from here on."""
        with self._lock:
            self._prices.relist(listing)
            self._order.forget(frozenset(self._prices.listing.instruments))

    def quiet_channels(self, subscribed: Iterable[str], since_ns: int) -> set[str]:
        """Channels of prices that should have spoken since, and did not."""
        priced = (each for each in subscribed if channels.kind_of(each) in _PRICED)
        with self._lock:
            return self._order.quiet(priced, since_ns)

    def has_started(self) -> bool:
        """True once every underlying has prices that nobody took yet."""
        with self._lock:
            return self._prices.has_started()

    def drain(self) -> Taken | None:
        """What is new since the last call; None before the first price of anything."""
        with self._lock:
            taken = self._prices.drain()
            for name in taken.without_forward if taken is not None else ():
                self._dropped("old_forward", name)
            return taken

    def take(self, channel: str, data: msgspec.Raw, now_ns: int) -> bool:
        """Take one message; whether it says that the listing may have changed.

        now_ns: of the server's clock. Raises msgspec.DecodeError when the data is not what the
        channel carries.
        """
        kind = channels.kind_of(channel)
        if not kind:
            return self._dropped("unknown_channel", channel)
        self._observer.received(kind)
        with self._lock:
            return self._takers[kind](channel, data, now_ns)

    def _take_ticker(self, channel: str, data: msgspec.Raw, now_ns: int) -> bool:
        ticker = payloads.TICKER.decode(data)
        name = ticker.instrument_name
        if not channel.startswith(f"{channels.TICKER}.{name}."):
            return self._dropped("invalid", channel)
        instrument = self._prices.listing.instruments.get(name)
        if instrument is None:
            self._dropped("unknown_instrument", name)
            return self._may_be_ours(name)
        if not self._is_in_order((channel, name), ticker.timestamp, now_ns):
            return False
        has_changed = self._prices.hear_state(name, is_open=ticker.state == _OPEN)
        problem = ticker_problem(ticker, instrument)
        if problem:
            self._prices.withhold(name)
            self._dropped(problem, name)
        else:
            mark = mark_of_ticker(ticker, ticker.timestamp * NS_PER_MILLISECOND)
            self._prices.put_ticker(name, mark, ticker.underlying_price or 0.0)
            if is_without_vol(ticker, instrument):
                self._dropped("missing", name)
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
            instrument = self._prices.listing.instruments.get(name)
            if instrument is None or instrument.kind is not InstrumentKind.OPTION:
                self._dropped("unknown_instrument", name)
                is_any_unknown = is_any_unknown or self._may_be_ours(name)
            elif self._is_in_order((channel, name), mark.timestamp, now_ns):
                problem = mark_problem(mark)
                if not problem and self._prices.is_withheld(name):
                    problem = "withheld"
                if problem:
                    self._dropped(problem, name)
                    continue
                time_ns = mark.timestamp * NS_PER_MILLISECOND
                self._prices.put_mark(name, Mark(time_ns, mark.mark_price or 0.0, mark.iv or 0.0))
        return is_any_unknown

    def _take_index(self, channel: str, data: msgspec.Raw, now_ns: int) -> bool:
        index = payloads.INDEX.decode(data)
        if channel != f"{channels.INDEX}.{index.index_name}":
            return self._dropped("invalid", channel)
        if not self._prices.has_index(index.index_name):
            return self._dropped("unknown_instrument", channel)
        if not self._is_in_order((channel, ""), index.timestamp, now_ns):
            return False
        problem = index_problem(index.price)
        if problem:
            return self._dropped(problem, channel)
        time_ns = index.timestamp * NS_PER_MILLISECOND
        self._observer.lagged((now_ns - time_ns) / NANO)
        self._prices.put_index(index.index_name, index.price or 0.0, time_ns)
        return False

    def _take_volatility_index(self, channel: str, data: msgspec.Raw, now_ns: int) -> bool:
        index = payloads.VOLATILITY_INDEX.decode(data)
        if not self._is_in_order((channel, ""), index.timestamp, now_ns):
            return False
        problem = index_problem(index.volatility)
        if problem:
            return self._dropped(problem, channel)
        for underlying, name in self._prices.listing.index_by_underlying.items():
            if name == index.index_name:
                vol_annual = (index.volatility or 0.0) / PERCENT
                self._observer.volatility_index_changed(underlying, vol_annual)
        return False

    def _take_instrument_state(self, _channel: str, data: msgspec.Raw, _now_ns: int) -> bool:
        notice = payloads.INSTRUMENT_STATE.decode(data)
        return self._may_be_ours(notice.instrument_name)

    def _take_platform_state(self, _channel: str, data: msgspec.Raw, _now_ns: int) -> bool:
        notice = payloads.PLATFORM_STATE.decode(data)
        if notice.price_index is not None and notice.locked is not None:
            self._prices.hear_lock(notice.price_index, is_locked=notice.locked)
        return True

    def _may_be_ours(self, name: str) -> bool:
        """True for a symbol of an underlying that is listed; combos have none."""
        try:
            return parse_symbol(name).underlying in self._prices.listing.index_by_underlying
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
