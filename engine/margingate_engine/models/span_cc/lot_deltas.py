"""Composite deltas of coins' instruments: what a lot adds to its period's. [SCC-23]"""

import numpy as np

from margingate_engine.core.amounts import MICRO, NANO
from margingate_engine.core.arrays import FloatArray, IntArray
from margingate_engine.core.times import DAY_NS, YEAR_DAYS
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.span_parameters import SpanParameters
from margingate_engine.pricing import black76
from margingate_engine.pricing.revalue import future_delta
from margingate_engine.scenarios.span_points import DELTA_THIRDS, composite_delta


def lot_deltas(
    table: InstrumentTable,
    snapshot: MarketSnapshot,
    rows: IntArray,
    index: float,
    parameters: SpanParameters,
    weight_p: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """(own period, coins) deltas of one lot held long, in 1e-6 USD of the coin; (len(rows),) each.

    rows: live options and futures of one underlying with this index price in USD. weight_p: (7,).
    """
    own_i, coins_i = np.zeros(len(rows)), np.zeros(len(rows))
    is_option = table.is_option_i[rows]
    options = rows[is_option]
    size_i, is_inverse_i = table.size_i[options], table.is_inverse_i[options]
    forward_i = snapshot.forward_nano_i[options] / NANO
    move_p = float(parameters.price_scan_range) * np.array(DELTA_THIRDS) / 3.0
    days_i = (table.expiry_ns_i[options] - snapshot.market_time_ns) / DAY_NS
    left_i = np.maximum(days_i - float(parameters.look_ahead_days), 0.0) / YEAR_DAYS
    right_ip = (
        forward_i[:, None] * (1.0 + move_p)[None, :],
        table.strike_i[options][:, None],
        (snapshot.vol_nano_i[options] / NANO)[:, None],
        left_i[:, None],
        table.is_call_i[options][:, None],
    )
    delta_ip = black76.forward_delta(*right_ip)
    worth_ip = black76.value(*right_ip) / right_ip[0]
    inverse_i = composite_delta(delta_ip - worth_ip, weight_p, 1.0) * index
    linear_i = composite_delta(delta_ip, weight_p, 1.0) * forward_i
    own_i[is_option] = MICRO * size_i * np.where(is_inverse_i, inverse_i, linear_i)
    worth_i = composite_delta(worth_ip, weight_p, 1.0) * index
    coins_i[is_option] = MICRO * size_i * np.where(is_inverse_i, worth_i, 0.0)
    futures = rows[~is_option]
    size_i, is_inverse_i = table.size_i[futures], table.is_inverse_i[futures]
    mark_i = snapshot.mark_nano_i[futures] / NANO
    own_i[~is_option] = MICRO * future_delta(size_i, mark_i, is_inverse_i, index=index)
    return own_i, coins_i
