"""One lot of every instrument in every joint world, by full revaluation. [VAR-07]"""

import numpy as np

from margingate_engine.core.amounts import MICRO, NANO
from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray
from margingate_engine.core.times import DAY_NS, YEAR_DAYS
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.pricing.revalue import OptionPoint, OptionShocks, future_pnl, option_pnl
from margingate_engine.scenarios.joint import JointScenarios

_BLOCK_CELLS = 32_768
"""Options are valued in blocks of so many values: what a block needs stays in the cache."""


def lot_pnl(
    table: InstrumentTable,
    snapshot: MarketSnapshot,
    usable_i: BoolArray,
    scenarios: JointScenarios,
    *,
    look_ahead_days: float,
) -> FloatArray:
    """P&L of one long lot in millionths of a USD, not yet rounded, (I, S).

    usable_i: has its prices. Zero for what is not usable, has expired, is spot (whose coin is in
    the coin balance) or belongs to an underlying without a history.
    """
    pnl_is = np.zeros((len(table), len(scenarios)))
    lives_i = usable_i & ~snapshot.has_expired_i(table)
    for number, underlying in enumerate(table.underlyings):
        if underlying not in scenarios.underlyings:
            continue
        own_i = lives_i & (table.underlying_i == number)
        column = scenarios.column(underlying)
        move_s = scenarios.move_su[:, column]
        index = int(snapshot.index_nano_u[number]) / NANO
        futures = np.flatnonzero(own_i & table.is_future_i)
        pnl_is[futures] = MICRO * future_pnl(
            table.size_i[futures],
            snapshot.mark_nano_i[futures] / NANO,
            table.is_inverse_i[futures],
            index=index,
            move_s=move_s,
        )
        options = np.flatnonzero(own_i & table.is_option_i)
        for block in _blocks(options, len(scenarios)):
            pnl_is[block] = MICRO * option_pnl(
                table,
                block,
                _now(table, snapshot, block, index),
                _shocks(table, snapshot, block, scenarios, look_ahead_days),
            )
    return pnl_is


def coin_moves_pico(scenarios: JointScenarios, underlying: str) -> list[int]:
    """Relative moves of a coin in units of 1e-12, for exact rows of coin balances. [VAR-07]"""
    move_s = scenarios.move_su[:, scenarios.column(underlying)]
    return [round(move) for move in (move_s * 1e12).tolist()]


def _blocks(rows: IntArray, scenario_count: int) -> list[IntArray]:
    length = max(1, _BLOCK_CELLS // max(scenario_count, 1))
    return [rows[first : first + length] for first in range(0, len(rows), length)]


def _days(table: InstrumentTable, snapshot: MarketSnapshot, rows: IntArray) -> FloatArray:
    return np.asarray((table.expiry_ns_i[rows] - snapshot.market_time_ns) / DAY_NS)


def _now(
    table: InstrumentTable, snapshot: MarketSnapshot, rows: IntArray, index: float
) -> OptionPoint:
    return OptionPoint(
        index=index,
        forward_i=snapshot.forward_nano_i[rows] / NANO,
        vol_i=snapshot.vol_nano_i[rows] / NANO,
        tau_years_i=_days(table, snapshot, rows) / YEAR_DAYS,
    )


def _shocks(
    table: InstrumentTable,
    snapshot: MarketSnapshot,
    rows: IntArray,
    scenarios: JointScenarios,
    look_ahead_days: float,
) -> OptionShocks:
    column = scenarios.column(table.underlyings[int(table.underlying_i[rows[0]])])
    vol_i = snapshot.vol_nano_i[rows] / NANO
    left_days_i = np.maximum(_days(table, snapshot, rows) - look_ahead_days, 0.0)
    return OptionShocks(
        move_s=scenarios.move_su[:, column],
        vol_is=vol_i[:, None] * scenarios.vol_factor_su[:, column][None, :],
        tau_years_i=left_days_i / YEAR_DAYS,
    )
