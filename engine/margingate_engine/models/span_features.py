"""Risk features of one lot under the model `span`, group by group. [SPAN-02 to SPAN-11]"""

from dataclasses import dataclass, field

import numpy as np

from margingate_engine.core.amounts import MICRO, NANO
from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray
from margingate_engine.core.times import DAY_NS, YEAR_DAYS
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.basis import lot_basis
from margingate_engine.models.span_parameters import SpanParameters, VolShift
from margingate_engine.pricing.revalue import (
    OptionPoint,
    OptionShocks,
    future_pnl,
    option_pnl,
)
from margingate_engine.scenarios.rounding import fits
from margingate_engine.scenarios.scenario_set import ScenarioSet


@dataclass(slots=True)
class LotFeatures:
    """Features of one lot as float64 in their final units (1e-6 USD), axis I. pnl_is: weighted."""

    table: InstrumentTable
    snapshot: MarketSnapshot
    scenario_count: int
    pnl_is: FloatArray = field(init=False)
    basis_i: FloatArray = field(init=False)
    basis_spot_i: FloatArray = field(init=False)
    minimum_i: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        """Everything starts at zero, which is right for what stays unpriced."""
        count = len(self.table)
        self.pnl_is = np.zeros((count, self.scenario_count))
        self.basis_i, self.basis_spot_i = np.zeros(count), np.zeros(count)
        self.minimum_i = np.zeros(count)

    def fill_group(
        self, usable_i: BoolArray, index: float, parameters: SpanParameters, scenarios: ScenarioSet
    ) -> None:
        """Fill in the rows of one group that are priced. index: USD."""
        # What has expired is worth what it is worth: it neither risks nor hedges anything.
        lives_i = usable_i & ~self.snapshot.has_expired_i(self.table)
        options = np.flatnonzero(lives_i & self.table.is_option_i)
        futures = np.flatnonzero(lives_i & self.table.is_future_i)
        self._scan_options(options, index, parameters, scenarios)
        self._scan_futures(futures, index, scenarios)
        rows = np.concatenate((options, futures))
        rate = float(parameters.basis_rate)
        self.basis_i[rows], self.basis_spot_i[rows] = lot_basis(
            self.table, self.snapshot, rows, index, rate
        )

    def keep(self, kept_i: BoolArray) -> None:
        """Make the features of the other rows zero."""
        gone = np.flatnonzero(~kept_i)
        self.pnl_is[gone] = 0.0
        self.basis_i[gone] = self.basis_spot_i[gone] = self.minimum_i[gone] = 0.0

    def fits_i(self) -> BoolArray:
        """Bool over rows: every feature has its integer. [SPAN-04]"""
        charge_if = np.stack((self.basis_i, self.basis_spot_i, self.minimum_i), axis=1)
        return np.asarray(fits(np.hstack((self.pnl_is, charge_if))).all(axis=1))

    def _scan_options(
        self, rows: IntArray, index: float, parameters: SpanParameters, scenarios: ScenarioSet
    ) -> None:
        if not len(rows):
            return
        table, size_i = self.table, self.table.size_i[rows]
        forward_i = self.snapshot.forward_nano_i[rows] / NANO
        vol_i = self.snapshot.vol_nano_i[rows] / NANO
        days_i = (table.expiry_ns_i[rows] - self.snapshot.market_time_ns) / DAY_NS
        tau_i = days_i / YEAR_DAYS
        left_days_i = np.maximum(days_i - float(parameters.look_ahead_days), 0.0)
        pnl_is = option_pnl(
            table,
            rows,
            OptionPoint(index=index, forward_i=forward_i, vol_i=vol_i, tau_years_i=tau_i),
            OptionShocks(
                move_s=scenarios.move_s,
                vol_is=shocked_vols(vol_i, days_i, scenarios.vol_direction_s, parameters),
                tau_years_i=left_days_i / YEAR_DAYS,
            ),
        )
        self.pnl_is[rows] = MICRO * pnl_is * scenarios.weight_s[None, :]
        self.minimum_i[rows] = MICRO * float(parameters.short_option_minimum) * size_i * index

    def _scan_futures(self, rows: IntArray, index: float, scenarios: ScenarioSet) -> None:
        table, size_i = self.table, self.table.size_i[rows]
        mark_i, is_inverse_i = self.snapshot.mark_nano_i[rows] / NANO, table.is_inverse_i[rows]
        pnl_is = future_pnl(size_i, mark_i, is_inverse_i, index=index, move_s=scenarios.move_s)
        self.pnl_is[rows] = MICRO * pnl_is * scenarios.weight_s[None, :]


def shocked_vols(
    vol_i: FloatArray, days_i: FloatArray, direction_s: IntArray, parameters: SpanParameters
) -> FloatArray:
    """Vols per scenario, (I, S): shifted by direction and tenor factor. [SPAN-02]"""
    power = float(parameters.vol_tenor_power)
    factor_i = (30.0 / np.maximum(days_i, float(parameters.vol_tenor_floor_days))) ** power
    shift_i = float(parameters.vol_scan_range) * factor_i
    if parameters.vol_shift_kind is VolShift.RELATIVE:
        up_i, down_i = vol_i * (1.0 + shift_i), vol_i * (1.0 - shift_i)
    else:
        up_i, down_i = vol_i + shift_i, vol_i - shift_i
    up_i = np.maximum(up_i, float(parameters.vol_floor_up))
    down_i = np.maximum(down_i, 0.0)
    by_direction_s = direction_s[None, :]
    shocked_is = np.where(by_direction_s > 0, up_i[:, None], down_i[:, None])
    return np.asarray(np.where(by_direction_s == 0, vol_i[:, None], shocked_is))
