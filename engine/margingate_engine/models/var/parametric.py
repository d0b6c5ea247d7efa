"""The method `parametric`: delta, gamma and vega of an account against one covariance.

[VAR-12, VAR-13]
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from math import ceil, sqrt

import numpy as np

from margingate_engine.core.arrays import BoolArray, FloatArray, read_only
from margingate_engine.core.errors import ModelFailure
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.var.fills import Fills, LotsOnOrder
from margingate_engine.models.var.many_forms import LossMultiple, losses_within, many_moments
from margingate_engine.models.var.revaluation import lot_pnl
from margingate_engine.models.var.settings import Estimator, VarSettings
from margingate_engine.scenarios.joint import JointScenarios
from margingate_engine.statistics import delta_gamma
from margingate_engine.statistics.delta_gamma import Sensitivities

BUMP = 0.01
"""Size of the relative moves of price and vol whose P&L gives the sensitivities."""

CORNERS_MAX = 256
"""Corners of what orders without gamma may make of an account that are looked at."""

_UNITS_MAX = 2.0**62
_NOISE_UNITS = 1e-4
_FLOAT_RESERVE = 1e-11
"""Part of a bound that its own float64 may have lost against that of the fills it covers."""


def lot_sensitivities(
    table: InstrumentTable, snapshot: MarketSnapshot, usable_i: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Delta, gamma and vega of one long lot in 1e-6 USD, each (I,). [VAR-12]

    Per 100 % of price (delta, gamma: first and second derivative) and per 100 % of vol (vega),
    central differences of the full revaluation over BUMP; the coins of inverse options are in them.
    """
    move_s = np.array([BUMP, -BUMP, 0.0, 0.0])
    vol_factor_s = 1.0 + np.array([0.0, 0.0, BUMP, -BUMP])
    count = len(table.underlyings)
    scenarios = JointScenarios(
        underlyings=table.underlyings,
        move_su=np.tile(move_s[:, None], count),
        vol_factor_su=np.tile(vol_factor_s[:, None], count),
    )
    pnl_is = lot_pnl(table, snapshot, usable_i, scenarios, look_ahead_days=0.0)
    up_i, down_i, vol_up_i, vol_down_i = pnl_is.T
    delta_i, vega_i = (up_i - down_i) / (2.0 * BUMP), (vol_up_i - vol_down_i) / (2.0 * BUMP)
    gamma_i = (up_i + down_i) / BUMP**2
    return read_only(delta_i), read_only(gamma_i), read_only(vega_i)


def account_sensitivities(
    delta_u: FloatArray, gamma_u: FloatArray, vega_u: FloatArray
) -> Sensitivities:
    """Of an account with these sums per underlying, for the factors prices and then vols."""
    return Sensitivities(
        delta_f=np.concatenate((delta_u, vega_u)),
        gamma_ff=np.diag(np.concatenate((gamma_u, np.zeros(len(gamma_u))))),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OnOrder:
    """What fills may add to positions at most, 1e-6 USD.

    deviation: sum of the orders' standard deviations, >= 0. mean: sum of their means below zero,
    <= 0. is_straight: nothing on order has gamma. down_f, up_f: what fills may take from each delta
    and vega, and add to it, (F,). lots: all that is on order, by instrument, where that is known;
    but for coins_u, by how much coins that fills bring may differ from those, (U,), >= 0.
    """

    deviation: float
    mean: float
    is_straight: bool
    down_f: FloatArray
    up_f: FloatArray
    lots: Sequence[LotsOnOrder] = ()
    coins_u: FloatArray = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(cls, orders: Sequence[Sensitivities], covariance_ff: FloatArray) -> "OnOrder":
        """Of orders that fill whole."""
        each = [order.moments(covariance_ff) for order in orders]
        delta_of = np.array([order.delta_f for order in orders])
        return cls(
            deviation=sum(moments.deviation for moments in each),
            mean=sum(min(0.0, moments.mean) for moments in each),
            is_straight=not any(order.gamma_ff.any() for order in orders),
            down_f=np.minimum(delta_of, 0.0).sum(axis=0),
            up_f=np.maximum(delta_of, 0.0).sum(axis=0),
        )


def required(
    positions: Sensitivities,
    orders: Sequence[Sensitivities],
    covariance_ff: FloatArray,
    settings: VarSettings,
) -> int:
    """Requirement in 1e-6 USD, rounded up, of sensitivities in 1e-6 USD. [VAR-12, VAR-13]

    orders: of each open order filled whole. Without orders the estimate itself; with orders a bound
    that no partial fill of any of them exceeds. ModelFailure beyond the range.
    """
    on_order = OnOrder.of(orders, covariance_ff) if orders else None
    return required_with(positions, on_order, covariance_ff, settings)


def required_with(
    positions: Sensitivities,
    on_order: OnOrder | None,
    covariance_ff: FloatArray,
    settings: VarSettings,
) -> int:
    """The same of what fills may add at most."""
    is_shortfall = settings.estimator is Estimator.EXPECTED_SHORTFALL
    measure = delta_gamma.expected_shortfall if is_shortfall else delta_gamma.value_at_risk
    own = positions.moments(covariance_ff)
    loss = measure(own, settings.confidence)
    if on_order is not None:
        bound = _loss_at_most(positions, on_order, covariance_ff, settings)
        scale = own.deviation + on_order.deviation + abs(own.mean) - on_order.mean
        loss = max(loss, bound + _FLOAT_RESERVE * scale)
    buffer_left = float(settings.buffer) * (1.0 - float(settings.buffer_drawn))
    units = max(0.0, loss) * (1.0 + buffer_left)
    if not units < _UNITS_MAX:
        raise ModelFailure("a parametric requirement is out of range")
    return ceil(units - _NOISE_UNITS)


def _loss_at_most(
    positions: Sensitivities, on_order: OnOrder, covariance_ff: FloatArray, settings: VarSettings
) -> float:
    """No less than the loss after any fills: the least of the bounds that there are. [VAR-13]"""
    is_shortfall = settings.estimator is Estimator.EXPECTED_SHORTFALL
    multiple = LossMultiple.of(settings.confidence, is_shortfall=is_shortfall)
    if on_order.is_straight and not positions.gamma_ff.any():
        return multiple.at_zero * _largest_deviation(positions, on_order, covariance_ff)
    count = len(covariance_ff) // 2
    fills = Fills(
        delta_f=positions.delta_f,
        gamma_u=np.diag(positions.gamma_ff)[:count],
        on_order=on_order.lots,
        coins_u=on_order.coins_u,
    )
    moments = many_moments(
        fills.delta_f[None, :], fills.gamma_u[None, :], covariance_ff, np.zeros(count)
    )
    apart = float(losses_within(moments, on_order.deviation, multiple).max())
    return min(apart - on_order.mean, fills.loss_at_most(covariance_ff, multiple))


def _largest_deviation(
    positions: Sensitivities, on_order: OnOrder, covariance_ff: FloatArray
) -> float:
    """Of all within reach: the sum of all, or at a corner, a deviation being convex."""
    added = positions.moments(covariance_ff).deviation + on_order.deviation
    moved = np.flatnonzero(on_order.up_f - on_order.down_f)
    if 2 ** len(moved) > CORNERS_MAX:
        return added
    ends = [(on_order.down_f[each], on_order.up_f[each]) for each in moved]
    largest = 0.0
    for corner in product(*ends):
        delta_f = positions.delta_f.copy()
        delta_f[moved] += corner
        largest = max(largest, float(delta_f @ covariance_ff @ delta_f))
    return min(added, sqrt(largest))
