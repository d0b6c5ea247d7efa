"""A seeded market: prices that move a little with every step, of everything that is listed.

What has expired keeps its last price, and is quoted at it until it settles.
"""

import math
import random
from collections.abc import Iterator
from fractions import Fraction

from margingate.v1 import market_service_pb2 as messages
from tests.crash.contracts import COINS, DAY_NS, NEAR, SECOND_NS, listing, stamp
from tests.integration.main_job.wire import read_instrument
from tests.reference.black76 import option_value
from tests.reference.contracts import Instrument
from tests.reference.rounding import nano

STEP_NS = 15 * 10**7
"""Market time of one step: faster than it is, but a restart takes long enough to catch up."""

MOVE = 0.001
"""Typical relative move of an index in one step."""


class Market:
    """Prices of every step; the same seed and steps give the same."""

    def __init__(self, seed: str, start_ns: int) -> None:
        self.listing = listing(start_ns)
        self.instruments = {each.instrument: read_instrument(each) for each in self.listing}
        self.marks: dict[str, Fraction] = {}
        self._source = random.Random(seed)
        self._start_ns = start_ns
        self._step = 0
        self._last: dict[str, tuple[float, float, float]] = {}
        self._settlement: dict[tuple[str, int], str] = {}
        self._index = {coin.name: coin.index for coin in COINS}
        self.quotes = messages.PublishQuotesRequest()
        self.move()

    def move(self) -> messages.PublishQuotesRequest:
        """The quotes of the next step, which are then `quotes`."""
        self._step += 1
        for coin in COINS:
            factor = math.exp(self._source.gauss(0, MOVE))
            # Drawn back to where it began: strikes are listed once.
            pull = (coin.index / self._index[coin.name]) ** 0.02
            self._index[coin.name] = round(self._index[coin.name] * factor * pull, 2)
        self.quotes = self._quoted()
        return self.quotes

    def expired(self) -> Iterator[messages.SettlementPrice]:
        """Settlement prices of what has expired by the quotes; the same whenever asked."""
        time = self.quotes.market_time
        time_ns = time.seconds * SECOND_NS + time.nanos
        for coin in COINS:
            for tau_ns in NEAR.values():
                expiry_ns = self._start_ns + tau_ns
                if expiry_ns <= time_ns:
                    known = self._settlement.setdefault(
                        (coin.name, expiry_ns), f"{self._index[coin.name]:.2f}"
                    )
                    yield messages.SettlementPrice(
                        underlying=coin.name, expiry_time=stamp(expiry_ns), price=known
                    )

    def _quoted(self) -> messages.PublishQuotesRequest:
        time_ns = self._start_ns + self._step * STEP_NS
        quotes = messages.PublishQuotesRequest(
            market_time=stamp(time_ns),
            indices=[
                messages.IndexQuote(underlying=name, price=price)
                for name, price in self._index.items()
            ],
        )
        marks = {}
        for instrument in self.instruments.values():
            if instrument.expiry_ns is None or instrument.expiry_ns > time_ns:
                self._last[instrument.symbol] = self._price(instrument, time_ns)
            mark, vol, forward = self._last[instrument.symbol]
            marks[instrument.symbol] = nano(mark)
            if instrument.is_spot:
                continue
            quotes.instruments.append(instrument.symbol)
            quotes.mark_prices.append(mark)
            quotes.mark_vols.append(vol)
            quotes.forward_prices.append(forward)
        self.marks = marks
        return quotes

    def _price(self, instrument: Instrument, time_ns: int) -> tuple[float, float, float]:
        """Mark, vol and forward as an update states them."""
        index = self._index[instrument.underlying]
        if not instrument.is_option:
            return index, 0.0, 0.0
        assert instrument.expiry_ns is not None
        years = max(instrument.expiry_ns - time_ns, 0) / (365 * DAY_NS)
        vol = 0.55 + 0.4 * math.log(float(instrument.strike) / index) ** 2
        value = option_value(
            nano(index), instrument.strike, vol * math.sqrt(years), call=instrument.call
        )
        usd = float(value)
        return (round(usd / index, 8) if instrument.inverse else round(usd, 4)), vol, index
