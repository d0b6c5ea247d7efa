"""A computed BTC and ETH market, with dollar coins, behind the Feed protocol."""

from typing import Final

import numpy as np

from margingate_engine.core.amounts import NANO
from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.instruments import Instrument
from margingate_engine.core.times import YEAR_NS
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.feeds.simulated.chain import Chain
from margingate_server.feeds.simulated.expiries import (
    Expiry,
    listed_expiries,
    trading_day,
    trading_day_start_ns,
)
from margingate_server.feeds.simulated.fitted import FITTED
from margingate_server.feeds.simulated.path import LAST_SECOND, RandomPath, Reversion
from margingate_server.feeds.simulated.strikes import Ladder
from margingate_server.feeds.simulated.surface import forward_ratio
from margingate_server.feeds.standard_terms import standard_instrument

_COINS: Final = ("BTC", "ETH")

_DOLLAR_COINS: Final = {"USDC": 1.0, "USDT": 0.9996}
"""Spot alone, at prices in USD that stay."""

_REVERSIONS: Final = (
    Reversion(vol_annual=0.45, half_life_days=90.0),
    Reversion(vol_annual=0.65, half_life_days=90.0),
    Reversion(vol_annual=0.80, half_life_days=15.0),
)
"""Of the index of BTC, the index of ETH, and the level of all vols."""

_CORRELATION: Final = ((1.0, 0.85, -0.3), (0.85, 1.0, -0.3), (-0.3, -0.3, 1.0))

_VOL_LOG_MAX: Final = 0.5
"""The level of vols stays between 0.61 and 1.65 of the fitted one: no arbitrage there."""

_DOLLAR_PRICES: Final = np.array([[*_DOLLAR_COINS.values()], [0.0, 0.0], [0.0, 0.0]])
"""Mark, vol and forward (3, I) of the dollar coins."""

_HISTORY_DAYS: Final = 400
"""No expiry is listed for longer."""

_INDEX_DECIMALS: Final = 2

_Ladders = dict[tuple[str, Expiry], Ladder]


class SimulatedFeed:
    """Prices that are a pure function of seed, start and the whole seconds since.

    A series is listed with strikes around its forward. At 08:00 UTC expired series leave, new ones
    come, and where a forward has run away from its strikes some are added. Listed strikes stay.
    """

    def __init__(self, seed: int, start_ns: int, *, is_frozen: bool = False) -> None:
        """A market that begins at `start_ns` at the fitted prices, and stays there when frozen."""
        self._path = RandomPath(seed, _REVERSIONS, np.array(_CORRELATION))
        self._start_ns = start_ns
        self._is_frozen = is_frozen
        self._day = trading_day(start_ns) - 1
        self._ladders: _Ladders = {}
        self._chains: tuple[Chain, ...] = ()
        self._names: tuple[str, ...] = ()
        self._instruments: tuple[Instrument, ...] = ()
        self._list(trading_day(start_ns))

    @property
    def interval_seconds(self) -> float:
        """How long to wait between two calls of `update`."""
        return 1.0

    def instruments(self) -> tuple[Instrument, ...]:
        """Everything listed at the last update or the start; the same tuple until it changes."""
        return self._instruments

    def update(self, now_ns: int) -> MarketUpdate:
        """Prices at `now_ns`, of everything listed then; before the start, those of the start.

        Relists when 08:00 UTC has passed since the last update: `instruments` says what came.
        """
        market_time_ns = self._start_ns if self._is_frozen else max(now_ns, self._start_ns)
        day = trading_day(market_time_ns)
        if day != self._day:
            self._list(day)
        index_u, vol_factor = self._levels(market_time_ns)
        columns = np.hstack(
            [
                chain.prices(FITTED[coin], float(index), vol_factor, market_time_ns)
                for coin, chain, index in zip(_COINS, self._chains, index_u, strict=True)
            ]
            + [_DOLLAR_PRICES]
        )
        columns.setflags(write=False)
        return MarketUpdate(
            market_time_ns=market_time_ns,
            index_by_underlying={
                **dict(zip(_COINS, index_u.tolist(), strict=True)),
                **_DOLLAR_COINS,
            },
            names=self._names,
            mark_price_i=columns[0],
            mark_vol_i=columns[1],
            forward_price_i=columns[2],
        )

    def stop(self) -> None:
        """Nothing is held."""

    def _levels(self, market_time_ns: int) -> tuple[FloatArray, float]:
        """Index in USD (U,) and the factor on all vols at an instant."""
        second = min((market_time_ns - self._start_ns) // NANO, LAST_SECOND - 1)
        *index_logs, vol_log = self._path.at(second)
        start_u = np.array([FITTED[coin].index for coin in _COINS])
        index_u = np.round(start_u * np.exp(index_logs), _INDEX_DECIMALS)
        return index_u, float(np.exp(np.clip(vol_log, -_VOL_LOG_MAX, _VOL_LOG_MAX)))

    def _list(self, day: int) -> None:
        """Bring the listing to a day, through every day since the one it stands at.

        A day before it starts over; what is too long ago to matter is not walked through.
        """
        first = max(trading_day(self._start_ns), day - _HISTORY_DAYS)
        if not first <= self._day < day:
            self._ladders, self._day = {}, first - 1
        for each in range(self._day + 1, day + 1):
            self._ladders = self._ladders_of(each)
        self._day = day
        self._chains = tuple(Chain.listing(coin, self._strikes_of(coin)) for coin in _COINS)
        known = {instrument.name: instrument for instrument in self._instruments}
        names = (name for chain in self._chains for name in chain.names)
        self._names = (*names, *_DOLLAR_COINS)
        listed = (known.get(name) or standard_instrument(name) for name in self._names)
        self._instruments = tuple(each for each in listed if each is not None)

    def _strikes_of(self, coin: str) -> dict[Expiry, frozenset[int]]:
        """The listed strikes of a coin, USD, by expiry."""
        ladders = self._ladders.items()
        return {expiry: ladder.strikes for (of, expiry), ladder in ladders if of == coin}

    def _ladders_of(self, day: int) -> _Ladders:
        """The ladders of everything listed on a day, from those of the day before."""
        instant_ns = max(trading_day_start_ns(day), self._start_ns)
        index_u, _ = self._levels(instant_ns)
        ladders: _Ladders = {}
        for expiry in listed_expiries(day):
            tau_years = (expiry.expiry_ns - instant_ns) / YEAR_NS
            for coin, index in zip(_COINS, index_u.tolist(), strict=True):
                forward = index * float(forward_ratio(FITTED[coin], np.array([tau_years]))[0])
                terms = forward, 365 * tau_years, expiry.cadence
                known = self._ladders.get((coin, expiry))
                ladders[coin, expiry] = known.around(*terms) if known else Ladder.listed(*terms)
        return ladders
