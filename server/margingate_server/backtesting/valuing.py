"""What a portfolio gains in given worlds, per underlying, options revalued. [VAR-21]"""

from collections.abc import Mapping

import numpy as np

from margingate_engine.core.amounts import MICRO
from margingate_engine.core.arrays import FloatArray, IntArray
from margingate_engine.core.times import YEAR_DAYS
from margingate_engine.pricing import black76
from margingate_engine.scenarios.joint import JointScenarios
from margingate_server.backtesting.portfolios import Leg, SamplePortfolio

_NOISE_UNITS = 1e-4


def pnl_by_underlying(
    portfolio: SamplePortfolio, vol_u: FloatArray, worlds: JointScenarios, days: float
) -> Mapping[str, IntArray]:
    """P&L per scenario, 1e-6 USD rounded down, by underlying. vol_u: vols now. days: that pass."""
    return {
        name: np.floor(
            MICRO * _pnl(portfolio, name, vol_u[worlds.column(name)], worlds, days) + _NOISE_UNITS
        ).astype(np.int64)
        for name in portfolio.underlyings
    }


def delta(leg: Leg, vol: float) -> float:
    """USD that a leg gains per 100 % of its underlying's price."""
    if leg.is_call is None:
        return leg.notional
    return leg.notional * float(
        black76.forward_delta(
            np.array(1.0),
            np.array(leg.moneyness),
            np.array(vol),
            np.array(leg.tenor_days / YEAR_DAYS),
            np.array(leg.is_call),
        )
    )


def _pnl(
    portfolio: SamplePortfolio, name: str, vol: float, worlds: JointScenarios, days: float
) -> FloatArray:
    column = worlds.column(name)
    move_s, factor_s = worlds.move_su[:, column], worlds.vol_factor_su[:, column]
    own = [leg for leg in portfolio.legs if leg.underlying == name]
    pnl_s = sum((_leg_pnl(leg, vol, move_s, factor_s, days) for leg in own), np.zeros(len(move_s)))
    if portfolio.is_delta_hedged:
        pnl_s = pnl_s - sum(delta(leg, vol) for leg in own) * move_s
    return np.asarray(pnl_s)


def _leg_pnl(
    leg: Leg, vol: float, move_s: FloatArray, factor_s: FloatArray, days: float
) -> FloatArray:
    """In units of today's price: the forward is 1 and the strike the moneyness.

    A linear and an inverse option gain the same here, where forward and price are one.
    """
    if leg.is_call is None:
        return np.asarray(leg.notional * move_s)
    strike, is_call = np.array(leg.moneyness), np.array(leg.is_call)
    tau, left = leg.tenor_days / YEAR_DAYS, max(leg.tenor_days - days, 0.0) / YEAR_DAYS
    now = black76.value(np.array(1.0), strike, np.array(vol), np.array(tau), is_call)
    then_s = black76.value(1.0 + move_s, strike, vol * factor_s, np.array(left), is_call)
    return np.asarray(leg.notional * (then_s - now))
