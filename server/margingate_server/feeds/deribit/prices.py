"""The newest prices of everything listed, and what of them is new.

One value an instrument is kept, so nothing grows however fast the venue sends and however rarely
the server asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from margingate_engine.core.amounts import NANO
from margingate_engine.core.instruments import Instrument, InstrumentKind
from margingate_server.feeds.deribit.forwards import Forwards
from margingate_server.feeds.deribit.listing import Listing
from margingate_server.feeds.deribit.quote import Mark, index_problem
from margingate_server.feeds.feed import MarketUpdate

CROSS_NS_MAX: Final = 600 * NANO // 1_000
"""How far apart in time two indices may be for their ratio to be a price. Each comes once a second,
so that one is within half a second of the other; what the coin moves in between is an error."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What changed since the last time, and everything listed then.

    without_forward: options whose mark was not given out because their forward is too old.
    """

    instruments: tuple[Instrument, ...]
    update: MarketUpdate
    without_forward: tuple[str, ...]


class Prices:
    """Times are the venue's own. What is not listed has no price: callers see to that."""

    def __init__(self) -> None:
        self.listing = Listing()
        self.market_time_ns = 0
        self._instruments: tuple[Instrument, ...] = ()
        self._mark_by_name: dict[str, Mark] = {}
        self._forwards = Forwards()
        self._ticked_names: set[str] = set()
        self._fresh_names: dict[str, None] = {}
        self._fresh_index: dict[str, float] = {}
        self._index: dict[str, tuple[int, float]] = {}
        self._withheld_names: set[str] = set()
        self._closed_names: set[str] = set()
        self._locked_indices: set[str] = set()

    def relist(self, listing: Listing) -> None:
        """Take this listing; prices of what left it are forgotten."""
        self.listing = listing.after(self.listing, self.market_time_ns)
        names = self.listing.instruments.keys()
        kept: dict[str, Mark] | dict[str, None]
        for kept in (self._mark_by_name, self._fresh_names):
            for name in kept.keys() - names:
                del kept[name]
        self._forwards.keep(self.listing.instruments)
        self._ticked_names &= names
        self._withheld_names &= names
        self._closed_names &= names
        self._tell_halts()

    def forget_halts(self) -> None:
        """Forget who is closed or locked: the listing that follows says it anew."""
        self._closed_names.clear()
        self._locked_indices.clear()

    def has_index(self, index_name: str) -> bool:
        """True for an index that something here is valued by."""
        listing = self.listing
        return index_name in listing.index_by_underlying.values() or any(
            index_name in names for names in listing.crosses.values()
        )

    def put_index(self, index_name: str, price: float, time_ns: int) -> None:
        """A price of an index, for every coin that it values alone or with another index."""
        self._index[index_name] = (time_ns, price)
        self.market_time_ns = max(self.market_time_ns, time_ns)
        for underlying, name in self.listing.index_by_underlying.items():
            if name == index_name:
                self._fresh_index[underlying] = price
        for coin, names in self.listing.crosses.items():
            if index_name in names and names[0] in self._index and names[1] in self._index:
                (usd_ns, usd), (cross_ns, cross) = (self._index[name] for name in names)
                is_price = not index_problem(usd / cross)
                if is_price and abs(usd_ns - cross_ns) <= CROSS_NS_MAX:
                    self._fresh_index[coin] = usd / cross

    def put_ticker(self, name: str, mark: Mark, forward: float) -> None:
        """A sound ticker: the mark, and of an option the USD forward that belongs to it."""
        self._withheld_names.discard(name)
        self._ticked_names.add(name)
        instrument = self.listing.instruments[name]
        if instrument.kind is InstrumentKind.OPTION:
            self._forwards.put(instrument, mark.time_ns, forward)
        self.put_mark(name, mark)

    def put_mark(self, name: str, mark: Mark) -> None:
        """A mark, unless a newer one came by another channel."""
        known = self._mark_by_name.get(name)
        if known is None or known.time_ns <= mark.time_ns:
            self._mark_by_name[name] = mark
            self._fresh_names[name] = None
            self.market_time_ns = max(self.market_time_ns, mark.time_ns)

    def withhold(self, name: str) -> None:
        """Take no marks of an instrument by other channels before its next sound ticker."""
        self._withheld_names.add(name)

    def is_withheld(self, name: str) -> bool:
        """True while the last ticker of an instrument was not sound."""
        return name in self._withheld_names

    def hear_state(self, name: str, *, is_open: bool) -> bool:
        """Note whether an instrument is open; True when that is news."""
        if is_open == (name not in self._closed_names):
            return False
        (self._closed_names.discard if is_open else self._closed_names.add)(name)
        self._tell_halts()
        return True

    def hear_lock(self, index_name: str, *, is_locked: bool) -> None:
        """Note whether what follows an index is locked."""
        (self._locked_indices.add if is_locked else self._locked_indices.discard)(index_name)
        self._tell_halts()

    def has_started(self) -> bool:
        """True once every underlying has an index and some instrument's ticker, not taken yet."""
        marked = {
            self.listing.instruments[name].underlying
            for name in self._fresh_names.keys() & self._ticked_names
        }
        underlyings = self.listing.index_by_underlying.keys()
        return bool(underlyings) and underlyings <= self._fresh_index.keys() & marked

    def drain(self) -> Taken | None:
        """What is new since the last call; None before the first price of anything."""
        if not self.market_time_ns:
            return None
        fresh = self._fresh_rows()
        rows = {name: row for name, row in fresh.items() if row is not None}
        columns = np.array(list(rows.values()), dtype=np.float64).reshape(-1, 3).T
        columns = np.ascontiguousarray(columns)
        columns.setflags(write=False)
        update = MarketUpdate(
            market_time_ns=self.market_time_ns,
            index_by_underlying=self._fresh_index,
            names=tuple(rows),
            mark_price_i=columns[0],
            mark_vol_i=columns[1],
            forward_price_i=columns[2],
        )
        self._fresh_names, self._fresh_index = {}, {}
        return Taken(self._instruments, update, tuple(fresh.keys() - rows.keys()))

    def _fresh_rows(self) -> Mapping[str, tuple[float, float, float] | None]:
        """(mark, vol, forward) by name, spot at the index; None where the forward is too old."""
        rows: dict[str, tuple[float, float, float] | None] = {
            underlying: (price, 0.0, 0.0)
            for underlying, price in self._fresh_index.items()
            if underlying in self.listing.instruments
        }
        for name in self._fresh_names:
            mark = self._mark_by_name[name]
            instrument = self.listing.instruments[name]
            if instrument.kind is not InstrumentKind.OPTION:
                rows[name] = (mark.price, 0.0, 0.0)
                continue
            forward = self._forwards.at(instrument, mark.time_ns)
            rows[name] = None if forward is None else (mark.price, mark.vol, forward)
        return rows

    def _tell_halts(self) -> None:
        self._instruments = self.listing.halted_instruments(
            self._closed_names, self._locked_indices
        )
