"""The instruments of one underlying on one day, and the arrays that price them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray
from margingate_engine.core.symbols import LINEAR_SUFFIXES
from margingate_engine.core.times import YEAR_NS
from margingate_engine.pricing import black76
from margingate_server.feeds.simulated.expiries import Cadence, Expiry
from margingate_server.feeds.simulated.surface import (
    SurfaceParameters,
    forward_ratio,
    smiles,
)
from margingate_server.feeds.simulated.variance_time import variance_days

_PERPETUAL_YEARS: Final = np.array([8 / 24 / 365])
"""A perpetual is marked like a future of its funding period, eight hours."""

_COIN_DECIMALS: Final = 8
_USD_DECIMALS: Final = 4
_FORWARD_DECIMALS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Spot, two perpetuals, dated futures (D) and options (O) of one underlying, in this order.

    expiry_ns_e: (E,) ascending. future_d: the expiry each future has. expiry_o, strike_o (USD),
    is_call_o, is_linear_o: terms of the options, linear ones last.
    """

    names: tuple[str, ...]
    expiry_ns_e: IntArray
    future_d: NDArray[np.intp]
    expiry_o: NDArray[np.intp]
    strike_o: FloatArray
    is_call_o: BoolArray
    is_linear_o: BoolArray

    @classmethod
    def listing(cls, coin: str, strikes_by_expiry: Mapping[Expiry, frozenset[int]]) -> "Chain":
        """The chain of `coin` with these strikes in USD.

        The nearest expiry at the end of a month has linear options, too.
        """
        expiries = sorted(strikes_by_expiry)
        base = coin + LINEAR_SUFFIXES[0]
        linear = next(each for each in expiries if each.cadence >= Cadence.MONTHLY)
        futures = [each for each in expiries if each.cadence > Cadence.DAILY]
        series = [(coin, each) for each in expiries] + [(base, linear)]
        options = [
            (prefix, each, strike, right)
            for prefix, each in series
            for strike in sorted(strikes_by_expiry[each])
            for right in ("C", "P")
        ]
        return cls(
            names=(
                coin,
                f"{coin}-PERPETUAL",
                f"{base}-PERPETUAL",
                *(f"{coin}-{each.code}" for each in futures),
                *(
                    f"{prefix}-{each.code}-{strike}-{right}"
                    for prefix, each, strike, right in options
                ),
            ),
            expiry_ns_e=np.array([each.expiry_ns for each in expiries], dtype=np.int64),
            future_d=np.array([expiries.index(each) for each in futures], dtype=np.intp),
            expiry_o=np.array([expiries.index(each) for _, each, _, _ in options], dtype=np.intp),
            strike_o=np.array([strike for _, _, strike, _ in options], dtype=np.float64),
            is_call_o=np.array([right == "C" for _, _, _, right in options]),
            is_linear_o=np.array([prefix == base for prefix, _, _, _ in options]),
        )

    def prices(
        self, parameters: SurfaceParameters, index: float, vol_factor: float, market_time_ns: int
    ) -> FloatArray:
        """Mark, vol and forward (3, I) in the order of `names`, as an update states them."""
        tau_e = (self.expiry_ns_e - market_time_ns) / YEAR_NS
        forward_e = np.round(index * forward_ratio(parameters, tau_e), _FORWARD_DECIMALS)
        days_e = variance_days(market_time_ns, self.expiry_ns_e, parameters.weekend_weight)
        forward_o, tau_o = forward_e[self.expiry_o], tau_e[self.expiry_o]
        variance_o = smiles(parameters, days_e, vol_factor).total_variance(
            self.expiry_o, np.log(self.strike_o / forward_o)
        )
        vol_o = np.sqrt(variance_o / tau_o)
        value_o = black76.value(forward_o, self.strike_o, vol_o, tau_o, self.is_call_o)
        perpetual = np.round(index * forward_ratio(parameters, _PERPETUAL_YEARS), _FORWARD_DECIMALS)
        first_option = len(self.names) - len(vol_o)
        prices = np.zeros((3, len(self.names)))
        prices[0, 0] = index
        prices[0, 1:3] = perpetual
        prices[0, 3:first_option] = forward_e[self.future_d]
        prices[0, first_option:] = np.where(
            self.is_linear_o,
            np.round(value_o, _USD_DECIMALS),
            np.round(value_o / forward_o, _COIN_DECIMALS),
        )
        prices[1, first_option:] = vol_o
        prices[2, first_option:] = forward_o
        return prices
