"""The charge for what a parallel move cannot see: forwards that move apart. [SPAN-10, SPAN-14]

Its features are keyed by bucket: each expiry, each perpetual, and spot.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from margingate_engine.core.amounts import MICRO, NANO
from margingate_engine.core.arrays import FloatArray, IntArray
from margingate_engine.core.times import YEAR_NS
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import NEVER_NS, InstrumentTable
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.portfolio.risk_arrays import COIN_VALUE_DIVISOR, SPOT_KEY
from margingate_engine.pricing import black76
from margingate_engine.scenarios.rounding import units_nearest

Features = list[tuple[tuple[int, int], ...]]


def lot_basis(
    table: InstrumentTable, snapshot: MarketSnapshot, rows: IntArray, index: float, rate: float
) -> tuple[FloatArray, FloatArray]:
    """(own bucket, spot) features of one lot, 1e-6 USD, of options and futures alive. [SPAN-10]

    rows share an underlying with this index price in USD. rate: charge per USD of delta.
    """
    is_option_i, is_inverse_i = table.is_option_i[rows], table.is_inverse_i[rows]
    rate_i = MICRO * rate * table.size_i[rows]
    priced_i = np.where(is_option_i, snapshot.forward_nano_i[rows], snapshot.mark_nano_i[rows])
    forward_i = priced_i / NANO
    tau_i = np.where(is_option_i, table.expiry_ns_i[rows] - snapshot.market_time_ns, 0) / YEAR_NS
    vol_i = np.where(is_option_i, snapshot.vol_nano_i[rows] / NANO, 0.0)
    strike_i = np.where(is_option_i, table.strike_i[rows], forward_i)
    right_i = (forward_i, strike_i, vol_i, tau_i, table.is_call_i[rows])
    delta_i = black76.forward_delta(*right_i)
    coins_i = black76.value(*right_i) / forward_i
    option_i = np.where(is_inverse_i, (delta_i - coins_i) * index, delta_i * forward_i)
    future_i = np.where(is_inverse_i, index / forward_i, forward_i)
    own_i = rate_i * np.where(is_option_i, option_i, future_i)
    spot_i = np.where(is_option_i & is_inverse_i, rate_i * coins_i * index, 0.0)
    return own_i, spot_i


def basis_features(
    table: InstrumentTable, basis_i: FloatArray, basis_spot_i: FloatArray
) -> Features:
    """Basis features of a lot by bucket: that of its expiry, and spot, 1e-6 USD. [SPAN-10]

    What never expires is a bucket of its own.
    """
    own_i = np.where(table.expiry_ns_i == NEVER_NS, np.arange(len(table)), 0)
    bucket_i = (table.expiry_ns_i + own_i).tolist()
    return [
        ((bucket, basis), (SPOT_KEY, spot)) if spot else ((bucket, basis),)
        for bucket, basis, spot in zip(
            bucket_i,
            units_nearest(basis_i).tolist(),
            units_nearest(basis_spot_i).tolist(),
            strict=True,
        )
    ]


def side_sum(buckets: Mapping[int, int], sign: int) -> int:
    """Sum of the buckets of one sign (1 long, -1 short), as a positive number.

    Keys below zero are no buckets.
    """
    return sum(sign * value for key, value in buckets.items() if key >= 0 < sign * value)


def basis_charge(buckets: Mapping[int, int]) -> int:
    """Charge for opposite deltas across expiries: the smaller of longs and shorts. [SPAN-10]"""
    return min(side_sum(buckets, 1), side_sum(buckets, -1))


def basis_worst(totals: GroupTotals, holds: Sequence[OrderTotals]) -> int:
    """The charge with each bucket at its highest in one sum and its lowest in the other."""
    highest, lowest = totals.extreme_features(holds)
    return min(side_sum(highest, 1), side_sum(lowest, -1))


def basis_kinks(before: GroupTotals, filled: GroupTotals, hold: OrderTotals) -> Iterable[int]:
    """Sizes, rounded down, at which the basis charge may change its slope. [DEC-06]"""
    start, one = _exact_buckets(before), _exact_buckets(filled)
    change = {bucket: one.get(bucket, 0) - start.get(bucket, 0) for bucket in {*start, *one}}
    yield from _crossings(start, change, start, change)
    highest, lowest = before.extreme_features((before.orders,))
    yield from _crossings(highest, hold.up, lowest, hold.down)


def _exact_buckets(totals: GroupTotals) -> dict[int, int]:
    """Basis features in 1e-27 USD: a lot's change would be lost in the rounding of a balance."""
    group = totals.group
    exact = {bucket: value * COIN_VALUE_DIVISOR for bucket, value in totals.keyed.items()}
    spot = totals.coin_pico * group.index_nano * group.coin_feature_ppm
    return {**exact, SPOT_KEY: exact.get(SPOT_KEY, 0) + spot}


def _crossings(
    long_start: dict[int, int],
    long_change: dict[int, int],
    short_start: dict[int, int],
    short_change: dict[int, int],
) -> Iterable[int]:
    """Sizes at which a bucket changes sign, or the sum of longs meets the sum of shorts."""
    kinks = {0}
    for start, change in ((long_start, long_change), (short_start, short_change)):
        for bucket, slope in change.items():
            if slope and -start.get(bucket, 0) // slope > 0:
                kinks.add(-start.get(bucket, 0) // slope)
    yield from kinks
    for kink in sorted(kinks):
        difference = [
            side_sum(_moved(long_start, long_change, lots), 1)
            - side_sum(_moved(short_start, short_change, lots), -1)
            for lots in (kink + 1, kink + 2)
        ]
        slope = difference[1] - difference[0]
        if slope and -difference[0] // slope >= 0:
            yield kink + 1 + -difference[0] // slope


def _moved(start: dict[int, int], change: dict[int, int], lots: int) -> dict[int, int]:
    return {b: start.get(b, 0) + lots * change.get(b, 0) for b in {*start, *change}}
