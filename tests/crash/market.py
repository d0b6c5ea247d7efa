"""A seeded market: prices that move a little with every step, of everything that is listed."""

import math
import random
from fractions import Fraction

from margingate.v1 import market_service_pb2 as messages
from tests.crash.contracts import COINS, DAY_NS, listing, stamp
from tests.integration.main_job.wire import read_instrument
from tests.reference.black76 import option_value
from tests.reference.contracts import Instrument
from tests.reference.rounding import nano

STEP_NS = 10**7
"""Market time of one step: less than a step lasts, so that the market is never ahead."""

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
            mark, vol, forward = self._price(instrument, time_ns)
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
