"""The option chain of one underlying out of a market file, as arrays."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from margingate_engine.core.amounts import NANO
from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.instruments import InstrumentKind, OptionRight
from margingate_engine.core.times import YEAR_NS
from margingate_server.feeds.file.feed import FileFeed


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedChain:
    """Inverse options (I,) of one underlying at one instant, and their expiries (E,) ascending."""

    market_time_ns: int
    index: float
    expiry_ns_e: NDArray[np.int64]
    forward_e: FloatArray
    expiry_i: NDArray[np.intp]
    strike_i: FloatArray
    is_call_i: NDArray[np.bool_]
    forward_i: FloatArray
    mark_i: FloatArray
    vol_i: FloatArray

    @classmethod
    def read(cls, path: Path, underlying: str) -> "RecordedChain":
        """The chain of `underlying` in a file that FileFeed reads."""
        feed = FileFeed.open(path)
        update = feed.update(0)
        terms_by_name = {
            each.name: (each.expiry_ns, (each.strike_nano or 0) / NANO, each.right)
            for each in feed.instruments()
            if each.kind is InstrumentKind.OPTION and each.underlying == underlying
        }
        chosen = [place for place, name in enumerate(update.names) if name in terms_by_name]
        terms = [terms_by_name[update.names[place]] for place in chosen]
        expiry_ns_e, expiry_i = np.unique([each[0] for each in terms], return_inverse=True)
        forward_i = update.forward_price_i[chosen]
        return cls(
            market_time_ns=update.market_time_ns,
            index=update.index_by_underlying[underlying],
            expiry_ns_e=expiry_ns_e.astype(np.int64),
            forward_e=np.array(
                [np.median(forward_i[expiry_i == each]) for each in range(len(expiry_ns_e))]
            ),
            expiry_i=expiry_i,
            strike_i=np.array([each[1] for each in terms]),
            is_call_i=np.array([each[2] is OptionRight.CALL for each in terms]),
            forward_i=forward_i,
            mark_i=update.mark_price_i[chosen],
            vol_i=update.mark_vol_i[chosen],
        )

    @property
    def tau_years_e(self) -> FloatArray:
        """Years of 365 days to each expiry (E,)."""
        return (self.expiry_ns_e - self.market_time_ns) / YEAR_NS

    @property
    def tau_years_i(self) -> FloatArray:
        """Years of 365 days to each option's expiry (I,)."""
        return self.tau_years_e[self.expiry_i]

    @property
    def log_moneyness_i(self) -> FloatArray:
        """ln(K/F) of each option (I,)."""
        return np.log(self.strike_i / self.forward_i)

    @property
    def relative_vega_i(self) -> FloatArray:
        """Vega of each option against one at the money of the same expiry (I,), in (0, 1]."""
        deviation_i = self.vol_i * np.sqrt(self.tau_years_i)
        upper_i = -self.log_moneyness_i / deviation_i + 0.5 * deviation_i
        return np.exp(-0.5 * upper_i**2)
