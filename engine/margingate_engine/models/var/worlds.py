"""The worlds that settings and histories make. [VAR-03 to VAR-06]"""

from dataclasses import dataclass
from typing import assert_never

import numpy as np

from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.var.parameters import VarParameters, days_needed
from margingate_engine.models.var.settings import Method, VarSettings
from margingate_engine.scenarios.filtered import filtered
from margingate_engine.scenarios.history import ReturnHistory
from margingate_engine.scenarios.horizon import over_horizon
from margingate_engine.scenarios.joint import JointScenarios
from margingate_engine.scenarios.monte_carlo import gaussian, student_t
from margingate_engine.statistics.ewma import WARM_UP_DAYS, covariance


@dataclass(frozen=True, slots=True, kw_only=True)
class Worlds:
    """All scenarios of a model in one list; base, stressed and floor are its parts, in order.

    base is empty where the method is parametric, the other two where they are not asked for.
    """

    scenarios: JointScenarios
    base: slice
    stressed: slice
    floor: slice


def worlds_of(parameters: VarParameters) -> Worlds:
    """The worlds of these parameters: the same for the same parameters."""
    is_stressed = parameters.settings.stressed_weight > 0
    stressed = parameters.stressed_history() if is_stressed else None
    return worlds(parameters.settings, parameters.history(), stressed)


def worlds(settings: VarSettings, history: ReturnHistory, stressed: ReturnHistory | None) -> Worlds:
    """As above, from arrays. InvalidInput when a history is too short or missing."""
    history = history.last(days_needed(settings))
    parts = [base_changes(settings, history), *_fallbacks(settings, history, stressed)]
    ends = np.cumsum([len(part) for part in parts]).tolist()
    return Worlds(
        scenarios=JointScenarios.from_log_changes(history.underlyings, np.vstack(parts)),
        base=slice(0, ends[0]),
        stressed=slice(ends[0], ends[1]),
        floor=slice(ends[1], ends[2]),
    )


def base_changes(settings: VarSettings, history: ReturnHistory) -> FloatArray:
    """Log changes over the horizon of the method's own scenarios, (S, 2 U)."""
    match settings.method:
        case Method.PARAMETRIC:
            return np.empty((0, 2 * len(history.underlyings)))
        case Method.HISTORICAL:
            return _over_horizon(settings, history.last(settings.lookback_days).factors_tf)
        case Method.FILTERED:
            surprises_tf = filtered(
                history.last(settings.lookback_days + WARM_UP_DAYS).factors_tf,
                decay=float(settings.decay),
                ratio_floor=float(settings.ratio_floor),
                ratio_cap=float(settings.ratio_cap),
            )
            return _over_horizon(settings, surprises_tf)
        case Method.GAUSSIAN:
            covariance_ff = horizon_covariance(settings, history)
            return gaussian(covariance_ff, count=settings.scenario_count, seed=settings.seed)
        case Method.STUDENT_T:
            return student_t(
                horizon_covariance(settings, history),
                float(settings.degrees_of_freedom),
                count=settings.scenario_count,
                seed=settings.seed,
            )
        case _:
            assert_never(settings.method)


def horizon_covariance(settings: VarSettings, history: ReturnHistory) -> FloatArray:
    """Covariance of log changes of prices and then vols over the horizon, (2 U, 2 U). [VAR-05]"""
    daily_ff = covariance(history.last(settings.lookback_days).factors_tf, float(settings.decay))
    return np.asarray(daily_ff * settings.horizon_days)


def _fallbacks(
    settings: VarSettings, history: ReturnHistory, stressed: ReturnHistory | None
) -> tuple[FloatArray, FloatArray]:
    """Log changes of the stressed and of the floor's scenarios; empty where not asked for."""
    none_sf = np.empty((0, 2 * len(history.underlyings)))
    stressed_sf = floor_sf = none_sf
    if settings.stressed_weight:
        if stressed is None or stressed.underlyings != history.underlyings:
            raise InvalidInput("stressed_returns", "must have the underlyings of returns")
        stressed_sf = _over_horizon(settings, stressed.factors_tf)
    if settings.floor_days:
        floor_sf = _over_horizon(settings, history.last(settings.floor_days).factors_tf)
    return stressed_sf, floor_sf


def _over_horizon(settings: VarSettings, change_tf: FloatArray) -> FloatArray:
    return over_horizon(change_tf, settings.horizon_days, settings.horizon_rule)
