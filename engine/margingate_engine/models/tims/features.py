"""What one lot of every crypto instrument does at the ten points. [TIMS-02, TIMS-03, TIMS-05]"""

import numpy as np

from margingate_engine.core.amounts import MICRO, NANO
from margingate_engine.core.arrays import FloatArray, IntArray
from margingate_engine.core.times import YEAR_NS
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.tims.parameters import UnderlyingParameters
from margingate_engine.pricing.revalue import OptionPoint, OptionShocks, future_pnl, option_pnl
from margingate_engine.scenarios.scenario_set import ScenarioSet


def point_pnl(
    table: InstrumentTable,
    snapshot: MarketSnapshot,
    rows: IntArray,
    index: float,
    points: ScenarioSet,
) -> FloatArray:
    """P&L of one long lot in 1e-6 USD, (len(rows), 10), of priced instruments of one underlying.

    index: USD. Options keep their vol at their strike and their time; what has expired and spot
    have zero rows.
    """
    pnl_iv = np.zeros((len(rows), len(points)))
    lives_i = ~snapshot.has_expired_i(table)[rows]
    options = np.flatnonzero(lives_i & table.is_option_i[rows])
    if len(options):
        chosen = rows[options]
        tau_i = (table.expiry_ns_i[chosen] - snapshot.market_time_ns) / YEAR_NS
        vol_i = snapshot.vol_nano_i[chosen] / NANO
        now = OptionPoint(
            index=index,
            forward_i=snapshot.forward_nano_i[chosen] / NANO,
            vol_i=vol_i,
            tau_years_i=tau_i,
        )
        shocks = OptionShocks(move_s=points.move_s, vol_is=vol_i[:, None], tau_years_i=tau_i)
        pnl_iv[options] = option_pnl(table, chosen, now, shocks)
    futures = np.flatnonzero(lives_i & table.is_future_i[rows])
    chosen = rows[futures]
    pnl_iv[futures] = future_pnl(
        table.size_i[chosen],
        snapshot.mark_nano_i[chosen] / NANO,
        table.is_inverse_i[chosen],
        index=index,
        move_s=points.move_s,
    )
    return np.asarray(MICRO * pnl_iv)


def lot_minimums(
    table: InstrumentTable,
    snapshot: MarketSnapshot,
    rows: IntArray,
    index: float,
    parameters: UnderlyingParameters,
) -> tuple[FloatArray, FloatArray]:
    """(long, short): what one lot requires at least, 1e-6 USD, of priced instruments, (len(rows),).

    A long option's is not above its value at the mark. Spot, and what has expired, requires none.
    """
    is_inverse_i = table.is_inverse_i[rows]
    is_option_i, is_future_i = table.is_option_i[rows], table.is_future_i[rows]
    # An inverse future's lot is a sum of USD; everything else is counted in coins.
    in_usd_i = is_inverse_i & is_future_i
    coins_i = table.size_i[rows] / np.where(in_usd_i, index, 1.0)
    lives_i = ~snapshot.has_expired_i(table)[rows] & (is_option_i | is_future_i)
    short_i = np.where(lives_i, MICRO * coins_i * parameters.minimum_per_coin(index), 0.0)
    mark_i = snapshot.mark_nano_i[rows] / NANO
    value_i = MICRO * table.size_i[rows] * mark_i * np.where(is_inverse_i, index, 1.0)
    return np.where(is_option_i, np.minimum(short_i, value_i), short_i), short_i
