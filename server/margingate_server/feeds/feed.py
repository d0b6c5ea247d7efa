"""What every source of market data can do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.instruments import Instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketUpdate:
    """Prices of one instant. What has no usable price is left out, never NaN.

    market_time_ns: instant by the market's own clock. index_by_underlying: USD. names: instruments,
    in the order of the arrays. mark_price_i: quote currency, >= 0. mark_vol_i: per year as a
    fraction; forward_price_i: USD forward of the expiry; both 0 for what is not an option.
    """

    market_time_ns: int
    index_by_underlying: Mapping[str, float]
    names: tuple[str, ...]
    mark_price_i: FloatArray
    mark_vol_i: FloatArray
    forward_price_i: FloatArray


class Feed(Protocol):
    """A source that is asked for prices every `interval_seconds`, from one thread."""

    @property
    def interval_seconds(self) -> float:
        """How long to wait between two calls of `update`."""
        ...

    def instruments(self) -> tuple[Instrument, ...]:
        """Everything listed as of the last `update`; called after each."""
        ...

    def update(self, now_ns: int) -> MarketUpdate:
        """Prices at `now_ns` of the server's clock; raises MissingData while there are none."""
        ...

    def stop(self) -> None:
        """Give back what the feed holds; `update` is not called any more."""
        ...
