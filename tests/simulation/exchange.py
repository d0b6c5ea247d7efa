"""The market of a world: prices that move, get lost and come late, and who was told what when."""

import math
from random import Random

import numpy as np

from margingate_engine.core.amounts import NANO
from margingate_engine.core.instruments import Instrument, InstrumentKind, OptionRight, Settlement
from margingate_engine.market.table import NEVER_NS
from margingate_server.feeds.feed import MarketUpdate
from tests.simulation.instruments import AT_START, BY_NAME, INDEX, LISTED_LATER, UNMODELLED
from tests.simulation.simulated_clock import Instant, SimulatedClock

YEAR_SECONDS = 365 * 86_400


class Exchange:
    """Prices by name. received: when the server last took each name's price."""

    def __init__(self, random: Random, clock: SimulatedClock) -> None:
        self._random = random
        self._clock = clock
        self.index = dict(INDEX)
        self.vol = 0.6
        self.listed = list(AT_START)
        self.to_list = list(LISTED_LATER)
        self.received: dict[str, Instant] = {}
        self.taken: dict[str, int] = {}
        self._settled_at: dict[tuple[str, int], int] = {}

    def move(self) -> None:
        """Let prices go somewhere; now and then far."""
        width = 0.1 if self._random.random() < 0.15 else 0.006
        for coin in self.index:
            self.index[coin] = round(self.index[coin] * math.exp(self._random.gauss(0, width)), 2)
        self.vol = min(1.5, max(0.2, self.vol + self._random.gauss(0, 0.02)))

    def mark(self, instrument: Instrument) -> float:
        """A price that is not absurd."""
        index = self.index[instrument.underlying]
        if instrument.kind is InstrumentKind.SPOT:
            return index
        years = self._years(instrument)
        forward = index * (1 + 0.05 * years)
        if instrument.kind is not InstrumentKind.OPTION:
            return round(forward, 2)
        assert instrument.strike_nano is not None
        strike = instrument.strike_nano / NANO
        sign = 1 if instrument.right is OptionRight.CALL else -1
        spread = self.vol * math.sqrt(years) * forward
        distance = (forward - strike) / spread if spread else 0.0
        usd = max(0.0, sign * (forward - strike)) + 0.4 * spread * math.exp(-(distance**2))
        coins = usd / forward if instrument.settlement is Settlement.INVERSE else usd
        return round(coins, 4)

    def update(
        self, names: list[str] | None = None, coins: list[str] | None = None
    ) -> MarketUpdate:
        """Prices of everything, or of these names and coins alone."""
        every = [each.name for each in self.listed if each.kind is not InstrumentKind.SPOT]
        chosen = every if names is None else names
        quoted = [BY_NAME[name] for name in chosen]
        is_option = np.array([e.kind is InstrumentKind.OPTION for e in quoted], dtype=np.bool_)
        forwards = [
            round(self.index[e.underlying] * (1 + 0.05 * self._years(e)), 4) for e in quoted
        ]
        return MarketUpdate(
            market_time_ns=self._clock.true_ns(),
            index_by_underlying={
                c: self.index[c] for c in (self.index if coins is None else coins)
            },
            names=tuple(chosen),
            mark_price_i=np.array([self.mark(each) for each in quoted], dtype=np.float64),
            mark_vol_i=np.where(is_option, round(self.vol, 4), 0.0),
            forward_price_i=np.where(is_option, np.array(forwards, dtype=np.float64), 0.0),
        )

    def was_taken(self, update: MarketUpdate, received: Instant) -> None:
        """The server has these prices since `received`; what has expired keeps its last one."""
        for name, price in update.index_by_underlying.items():
            self.received[f"index {name}"] = received
            self.taken[f"index {name}"] = round(price * NANO)
        for name, mark in zip(update.names, update.mark_price_i.tolist(), strict=True):
            if (BY_NAME[name].expiry_ns or NEVER_NS) <= update.market_time_ns:
                continue
            self.received[name] = received
            self.taken[name] = round(mark * NANO)

    def forgotten(self) -> None:
        """A new process has no prices."""
        self.received.clear()
        self.taken.clear()

    def limit_nano(self, name: str) -> int:
        """A limit on tick around the mark, at which something may trade."""
        instrument = BY_NAME[name]
        wanted = round(self.mark(instrument) * self._random.uniform(0.97, 1.03) * NANO)
        tick_nano = instrument.tick_nano_at(wanted)
        return max(1, wanted // tick_nano) * tick_nano

    def traded(self) -> list[str]:
        """What may be traded; now and then everything that is listed."""
        if self._random.random() < 0.05:
            return [each.name for each in self.listed]
        now_ns = self._clock.true_ns()
        return [
            each.name
            for each in self.listed
            if each.underlying != UNMODELLED and (each.expiry_ns or now_ns + 1) > now_ns
        ]

    def expired(self) -> list[tuple[str, int]]:
        """Underlyings with expiries that have passed."""
        now_ns = self._clock.true_ns()
        expiries = {(e.underlying, e.expiry_ns) for e in self.listed if e.expiry_ns is not None}
        return sorted((coin, ns) for coin, ns in expiries if ns <= now_ns)

    def settlement_nano(self, coin: str, expiry_ns: int) -> int:
        """What contracts settle at, 1e-9 USD; the venue says it once and for all."""
        index_nano = round(self.index[coin] * NANO)
        return self._settled_at.setdefault((coin, expiry_ns), index_nano)

    def settles_at(self, name: str) -> int:
        """What an expired instrument settles at, 1e-9 USD."""
        instrument = BY_NAME[name]
        assert instrument.expiry_ns is not None
        return self.settlement_nano(instrument.underlying, instrument.expiry_ns)

    def _years(self, instrument: Instrument) -> float:
        if instrument.expiry_ns is None:
            return 0.0
        left_ns = instrument.expiry_ns - self._clock.true_ns()
        return max(0.0, left_ns / NANO / YEAR_SECONDS)
