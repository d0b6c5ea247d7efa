"""Day by day: the margin of what was known, and what was lost over the horizon after. [VAR-21]"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from margingate_engine.core.amounts import MICRO
from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.var.parameters import days_needed
from margingate_engine.models.var.parametric import BUMP, account_sensitivities, required
from margingate_engine.models.var.requirement import portfolio_figures
from margingate_engine.models.var.settings import Estimator, Method, VarSettings
from margingate_engine.models.var.worlds import Worlds, horizon_covariance, worlds
from margingate_engine.scenarios.history import ReturnHistory
from margingate_engine.scenarios.joint import JointScenarios
from margingate_engine.statistics.delta_gamma import Sensitivities
from margingate_server.backtesting.panel import Panel
from margingate_server.backtesting.portfolios import SamplePortfolio
from margingate_server.backtesting.valuing import pnl_by_underlying

STRESSED_DAYS = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One portfolio under one set of settings, USD, axis: days on which a margin was set.

    dates: of the margins. margin_t: as the settings say; shortfall_t: the same with expected
    shortfall as estimator. pnl_t: over the horizon that follows.
    """

    portfolio: SamplePortfolio
    settings: VarSettings
    dates: tuple[date, ...]
    margin_t: FloatArray
    shortfall_t: FloatArray
    pnl_t: FloatArray


def walk(panel: Panel, portfolios: Sequence[SamplePortfolio], settings: VarSettings) -> list[Track]:
    """A track per portfolio; a step is a horizon long, so that no two losses share a day.

    InvalidInput when the panel is too short for a single margin.
    """
    first = days_needed(settings)
    if settings.stressed_weight:
        first = max(first, STRESSED_DAYS)
    days = range(first, len(panel.history) - settings.horizon_days + 1, settings.horizon_days)
    if not days:
        problem = f"have {len(panel.dates)} dates in common, {first + settings.horizon_days + 1} "
        raise InvalidInput("prices", f"{problem}are needed")
    both = (settings, replace(settings, estimator=Estimator.EXPECTED_SHORTFALL))
    rows: list[list[tuple[float, float, float]]] = [[] for _ in portfolios]
    for day, known, realised in _steps(panel, settings, days):
        for portfolio, track in zip(portfolios, rows, strict=True):
            track.append(_measured(portfolio, panel.vol_tu[day], known, realised, both))
    dates = tuple(panel.dates[day] for day in days)
    return [
        _track(portfolio, settings, dates, np.array(track))
        for portfolio, track in zip(portfolios, rows, strict=True)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What a day knows: the worlds that its past makes, and their covariance if that is all."""

    worlds: Worlds
    covariance_ff: FloatArray


def _steps(
    panel: Panel, settings: VarSettings, days: range
) -> Iterator[tuple[int, _Known, JointScenarios]]:
    """Day, what it knows (changes before it alone), and the one world that followed."""
    changes_tf, names = panel.history.factors_tf, panel.underlyings
    for day in days:
        past = ReturnHistory.of_factors(names, changes_tf[:day])
        stressed = _most_stressed(past) if settings.stressed_weight else None
        following_f = changes_tf[day : day + settings.horizon_days].sum(axis=0)
        known = _Known(
            worlds=worlds(settings, past, stressed),
            covariance_ff=horizon_covariance(settings, past),
        )
        yield day, known, JointScenarios.from_log_changes(names, following_f[None, :])


def _measured(
    portfolio: SamplePortfolio,
    vol_u: FloatArray,
    known: _Known,
    realised: JointScenarios,
    both: tuple[VarSettings, VarSettings],
) -> tuple[float, float, float]:
    """Margin by the settings and by the same with expected shortfall, and P&L, USD."""
    settings = both[0]
    if settings.method is Method.PARAMETRIC:
        own = _sensitivities(portfolio, vol_u, realised.underlyings)
        units = [required(own, [], known.covariance_ff, each) for each in both]
    else:
        passing_days = float(settings.look_ahead_days)
        scanned = pnl_by_underlying(portfolio, vol_u, known.worlds.scenarios, passing_days)
        rows = {name: np.append(pnl_s, 0) for name, pnl_s in scanned.items()}
        units = [portfolio_figures(rows, known.worlds, each).required for each in both]
    after = pnl_by_underlying(portfolio, vol_u, realised, settings.horizon_days)
    gained = sum(int(pnl_s[0]) for pnl_s in after.values())
    return units[0] / MICRO, units[1] / MICRO, gained / MICRO


def _sensitivities(
    portfolio: SamplePortfolio, vol_u: FloatArray, underlyings: tuple[str, ...]
) -> Sensitivities:
    """By central differences, as of a lot. [VAR-12]"""
    bumped = _bumped(underlyings)
    pnl_us = np.zeros((len(underlyings), len(bumped)))
    for name, pnl_s in pnl_by_underlying(portfolio, vol_u, bumped, 0.0).items():
        pnl_us[bumped.column(name)] = pnl_s
    up_u, down_u, vol_up_u, vol_down_u = pnl_us.T
    return account_sensitivities(
        (up_u - down_u) / (2.0 * BUMP),
        (up_u + down_u) / BUMP**2,
        (vol_up_u - vol_down_u) / (2.0 * BUMP),
    )


def _bumped(underlyings: tuple[str, ...]) -> JointScenarios:
    """Price up and down, then vol up and down, of every underlying alike."""
    count = len(underlyings)
    return JointScenarios(
        underlyings=underlyings,
        move_su=np.tile([[BUMP], [-BUMP], [0.0], [0.0]], count),
        vol_factor_su=np.tile([[1.0], [1.0], [1.0 + BUMP], [1.0 - BUMP]], count),
    )


def _most_stressed(past: ReturnHistory) -> ReturnHistory:
    """The STRESSED_DAYS in a row whose prices moved most, by the sum of squares; the first such."""
    energy_t = np.cumsum(np.concatenate(([0.0], (past.spot_tu**2).sum(axis=1))))
    first = int(np.argmax(energy_t[STRESSED_DAYS:] - energy_t[:-STRESSED_DAYS]))
    chosen_tf = past.factors_tf[first : first + STRESSED_DAYS]
    return ReturnHistory.of_factors(past.underlyings, chosen_tf)


def _track(
    portfolio: SamplePortfolio,
    settings: VarSettings,
    dates: tuple[date, ...],
    measured_tm: FloatArray,
) -> Track:
    return Track(
        portfolio=portfolio,
        settings=settings,
        dates=dates,
        margin_t=measured_tm[:, 0],
        shortfall_t=measured_tm[:, 1],
        pnl_t=measured_tm[:, 2],
    )
