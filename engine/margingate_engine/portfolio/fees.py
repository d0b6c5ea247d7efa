"""Fee schedules: what a fill may cost at most. [FEE-01]"""

from collections.abc import Mapping
from dataclasses import dataclass

from margingate_engine.core.amounts import MICRO, NANO, PICO, PPM, ceil_div
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
        if self.cap_ppm is not None and not 0 <= self.cap_ppm <= PPM:
            raise InvalidInput("fee cap", "must lie in [0, 1]")

    @property
    def held_ppm(self) -> int:
        """The rate that a hold takes: the larger, rebates not credited."""
        return max(self.maker_ppm, self.taker_ppm, 0)


FeeTier = Mapping[InstrumentKind, FeeRate]

INDEX_FEE_DIVISOR = PPM * NANO * NANO // MICRO
"""1e-6 x 1e-9 coins x 1e-9 USD, in 1e-6 USD."""

_COIN_FEE_DIVISOR = PPM * NANO * NANO // PICO
"""1e-6 x 1e-9 of a size x 1e-9 coins, in 1e-12 coins."""


def held_fee(
    rates: FeeTier, instrument: Instrument, lots: int, price_nano: int, index_nano: int
) -> int:
    """Largest fee of `lots` > 0 at a price, in the settlement asset's units, rounded up."""
    rate = rates[instrument.kind]
    size_nano = lots * instrument.size_nano
    if instrument.is_inverse_future:
        return ceil_div(rate.held_ppm * size_nano * (PICO // PPM), price_nano)
    if instrument.kind is not InstrumentKind.OPTION:
        return ceil_div(rate.held_ppm * size_nano * price_nano, _divisor(instrument))
    fee = ceil_div(rate.held_ppm * size_nano, PPM * NANO // PICO)
    if not _is_coin_paid(instrument):
        fee = ceil_div(index_rate(rates, instrument) * lots * index_nano, INDEX_FEE_DIVISOR)
    cap = premium_cap(rates, instrument, lots, price_nano)
    return fee if cap is None else min(fee, cap)


def index_rate(rates: FeeTier, instrument: Instrument) -> int:
    """What the fee of one lot is of the index price (1e-15 coins), 0 where it does not follow it.

    Only the fee of an option paid in USD does.
    """
    if instrument.kind is not InstrumentKind.OPTION or _is_coin_paid(instrument):
        return 0
    return rates[instrument.kind].held_ppm * instrument.size_nano


def premium_cap(rates: FeeTier, instrument: Instrument, lots: int, price_nano: int) -> int | None:
    """Most that the fee of an option may be, of its premium, rounded up; None without a cap."""
    cap_ppm = rates[instrument.kind].cap_ppm
    if instrument.kind is not InstrumentKind.OPTION or cap_ppm is None:
        return None
    return ceil_div(cap_ppm * lots * instrument.size_nano * price_nano, _divisor(instrument))


def _is_coin_paid(instrument: Instrument) -> bool:
    return instrument.settlement_asset == instrument.underlying


def _divisor(instrument: Instrument) -> int:
    """1e-6 x 1e-9 x 1e-9 in the settlement asset's units."""
    return _COIN_FEE_DIVISOR if _is_coin_paid(instrument) else INDEX_FEE_DIVISOR
