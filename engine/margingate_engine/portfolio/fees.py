"""Fee schedules: what a fill may cost at most. [FEE-01]"""

from collections.abc import Mapping
from dataclasses import dataclass

from margingate_engine.core.amounts import ceil_div
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument, InstrumentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRate:
    """Rates of one instrument kind in 1e-6; cap_ppm of the premium, options only."""

    maker_ppm: int
    taker_ppm: int
    cap_ppm: int | None = None

    def __post_init__(self) -> None:
        """Refuse rates that no venue charges."""
        if not (abs(self.maker_ppm) <= 100_000 and abs(self.taker_ppm) <= 100_000):
            raise InvalidInput("fee", "must lie in [-0.1, 0.1]")
        if self.cap_ppm is not None and not 0 <= self.cap_ppm <= 1_000_000:
            raise InvalidInput("fee cap", "must lie in [0, 1]")

    @property
    def held_ppm(self) -> int:
        """The rate that a hold takes: the larger, rebates not credited."""
        return max(self.maker_ppm, self.taker_ppm, 0)


FeeTier = Mapping[InstrumentKind, FeeRate]


def held_fee(
    rates: FeeTier, instrument: Instrument, lots: int, price_nano: int, index_nano: int
) -> int:
    """Largest fee of `lots` > 0 at a price, in the settlement asset's units, rounded up."""
    rate = rates[instrument.kind]
    size_nano = lots * instrument.size_nano
    if instrument.is_inverse_future:
        return ceil_div(rate.held_ppm * size_nano * 10**6, price_nano)
    is_coin_paid = instrument.settlement_asset == instrument.underlying
    notional_divisor = 10**12 if is_coin_paid else 10**18
    if instrument.kind is not InstrumentKind.OPTION:
        return ceil_div(rate.held_ppm * size_nano * price_nano, notional_divisor)
    reference_nano = 10**9 if is_coin_paid else index_nano
    fee = ceil_div(rate.held_ppm * size_nano * reference_nano, notional_divisor)
    if rate.cap_ppm is None:
        return fee
    return min(fee, ceil_div(rate.cap_ppm * size_nano * price_nano, notional_divisor))
