"""A recorded market as updates, one for each snapshot."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

import numpy as np

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument, InstrumentKind
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.feeds.replay.chain_rows import ChainRows
from margingate_server.feeds.replay.future_marks import MS, Marks
from margingate_server.feeds.standard_terms import standard_instrument

_UNTRADED_FORWARDS: Final = ("SYN.", "index_price")
"""How names of forwards begin that are no future one can trade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is quoted at one instant, and the instruments that are."""

    instruments: tuple[Instrument, ...]
    update: MarketUpdate


@dataclass(slots=True)
class Series:
    """Snapshots of chains with marks of futures, in order; each is made when it is asked for.

    skipped: quotes that were left out so far, by reason.
    """

    chains: Sequence[ChainRows]
    marks: Marks
    time_ns_t: tuple[int, ...]
    skipped: dict[str, int] = field(default_factory=dict)
    _known: dict[str, Instrument | None] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        chains: Sequence[ChainRows],
        marks: Marks,
        *,
        from_ns: int = 0,
        until_ns: int = 2**62,
    ) -> "Series":
        """The snapshots from an instant until before another; InvalidInput when there is none."""
        instants = {int(each) for rows in chains for each in np.unique(rows.time_ns_r)}
        time_ns_t = tuple(sorted(each for each in instants if from_ns <= each < until_ns))
        if not time_ns_t:
            raise InvalidInput("feed", "has no snapshot in the time asked for")
        return cls(chains, marks, time_ns_t)

    def __len__(self) -> int:
        return len(self.time_ns_t)

    def snapshot(self, place: int) -> Snapshot:
        """The snapshot at a place, from 0. What has no usable price is not in it."""
        time_ns = self.time_ns_t[place]
        quotes: dict[str, tuple[Instrument, tuple[float, float, float]]] = {}
        index: defaultdict[str, list[float]] = defaultdict(list)
        forwards: defaultdict[str, list[float]] = defaultdict(list)
        for rows, row in self._rows_at(time_ns):
            option = self._instrument(rows.names[row])
            if option is None or option.kind is not InstrumentKind.OPTION:
                self._skip("no option with standard terms")
                continue
            if rows.index_r[row] > 0:
                index[option.underlying].append(float(rows.index_r[row]))
            price = (
                float(rows.mark_price_r[row]),
                float(rows.mark_vol_r[row]),
                float(rows.forward_r[row]),
            )
            if not (price[0] >= 0 and price[1] > 0 and price[2] > 0):
                self._skip("no usable price")
                continue
            if (option.expiry_ns or 0) <= time_ns:
                self._skip("expired")
                continue
            quotes[option.name] = option, price
            if not rows.forward_names[row].startswith(_UNTRADED_FORWARDS):
                forwards[rows.forward_names[row]].append(price[2])
        marks = {name: median(each) for name, each in forwards.items() if name}
        marks.update(self.marks.get(time_ns // MS, {}))
        index_by_underlying = {name: median(each) for name, each in index.items()}
        quotes.update(self._futures(marks, index_by_underlying, time_ns))
        for coin, spot_price in index_by_underlying.items():
            spot = self._instrument(coin)
            if spot is not None:
                quotes[coin] = spot, (spot_price, 0.0, 0.0)
        return _snapshot(time_ns, index_by_underlying, quotes)

    def _rows_at(self, time_ns: int) -> Iterator[tuple[ChainRows, int]]:
        for rows in self.chains:
            first, last = np.searchsorted(rows.time_ns_r, [time_ns, time_ns + 1])
            for row in range(int(first), int(last)):
                yield rows, row

    def _futures(
        self, marks: Mapping[str, float], index: Mapping[str, float], time_ns: int
    ) -> Iterator[tuple[str, tuple[Instrument, tuple[float, float, float]]]]:
        """Futures with a mark that can be listed: of an underlying with an index, not expired."""
        for name, mark in sorted(marks.items()):
            future = self._instrument(name)
            if future is None or not future.is_future or future.underlying not in index:
                self._skip("no future of a quoted underlying")
            elif future.expiry_ns is not None and future.expiry_ns <= time_ns:
                self._skip("expired")
            else:
                yield future.name, (future, (mark, 0.0, 0.0))

    def _instrument(self, name: str) -> Instrument | None:
        """The instrument with standard terms; None for what has none or is no symbol."""
        if name not in self._known:
            try:
                self._known[name] = standard_instrument(name)
            except InvalidInput:
                self._known[name] = None
        return self._known[name]

    def _skip(self, reason: str) -> None:
        self.skipped[reason] = self.skipped.get(reason, 0) + 1


def _snapshot(
    time_ns: int,
    index_by_underlying: Mapping[str, float],
    quotes: Mapping[str, tuple[Instrument, tuple[float, float, float]]],
) -> Snapshot:
    prices = [price for _, price in quotes.values()]
    columns = np.ascontiguousarray(np.array(prices, dtype=np.float64).reshape(-1, 3).T)
    columns.setflags(write=False)
    update = MarketUpdate(
        market_time_ns=time_ns,
        index_by_underlying=dict(index_by_underlying),
        names=tuple(quotes),
        mark_price_i=columns[0],
        mark_vol_i=columns[1],
        forward_price_i=columns[2],
    )
    return Snapshot(instruments=tuple(each for each, _ in quotes.values()), update=update)
