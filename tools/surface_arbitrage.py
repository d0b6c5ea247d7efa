"""How far a surface is from static arbitrage, on a grid that is wider than what is listed."""

from typing import Final

import numpy as np

from margingate_engine.core.arrays import FloatArray
from margingate_server.feeds.simulated.surface import Smiles, SurfaceParameters, smiles

_DAYS: Final = np.geomspace(0.4, 400.0, 40)
_MONEYNESS: Final = np.linspace(-8.0, 8.0, 65)
_LOG_STRIKES: Final = np.linspace(-1.6, 1.6, 81)
_CALENDAR_MONEYNESS_MAX: Final = 9.0


def butterfly_density(parameters: SurfaceParameters, vol_factor: float = 1.0) -> FloatArray:
    """Gatheral's g over tenors and strikes (E, K); where it is negative, a butterfly is.

    Source: J. Gatheral and A. Jacquier, "Arbitrage-free SVI volatility surfaces", 2014, part 2.2.
    """
    surface = smiles(parameters, _DAYS, vol_factor)
    ratio_ek, first_ek, second_ek = _shape(surface)
    scale_e = np.sqrt(surface.scale_e)[:, None]
    theta_e = surface.theta_e[:, None]
    variance_ek = theta_e * ratio_ek
    slope_ek = theta_e * first_ek / scale_e
    bend_ek = theta_e * second_ek / scale_e**2
    log_strike_ek = _MONEYNESS * scale_e
    return np.asarray(
        (1 - log_strike_ek * slope_ek / (2 * variance_ek)) ** 2
        - slope_ek**2 / 4 * (1 / variance_ek + 0.25)
        + bend_ek / 2
    )


def calendar_growth(parameters: SurfaceParameters, vol_factor: float = 1.0) -> FloatArray:
    """Relative growth of total variance from a tenor to the next at fixed ln(K/F) (E-1, K)."""
    surface = smiles(parameters, _DAYS, vol_factor)
    strikes = len(_LOG_STRIKES)
    variance_ek = surface.total_variance(
        np.repeat(np.arange(len(_DAYS)), strikes), np.tile(_LOG_STRIKES, len(_DAYS))
    ).reshape(-1, strikes)
    growth_ek = variance_ek[1:] / variance_ek[:-1] - 1
    reach_e = _CALENDAR_MONEYNESS_MAX * np.sqrt(surface.scale_e[1:])
    return np.where(np.abs(_LOG_STRIKES) < reach_e[:, None], growth_ek, 1.0)


def _shape(surface: Smiles) -> tuple[FloatArray, FloatArray, FloatArray]:
    """w/theta and its first two derivatives by moneyness, (E, K) each."""
    slope_e, tilt_e = surface.slope_e[:, None], surface.tilt_e[:, None]
    centre_e, width_e = surface.centre_e[:, None], surface.width_e[:, None]
    distance_ek = _MONEYNESS - centre_e
    root_ek = np.hypot(distance_ek, width_e)
    bend_ek = tilt_e * _MONEYNESS + root_ek - np.hypot(centre_e, width_e)
    return (
        np.maximum(1 + slope_e * bend_ek, 0.05),
        np.asarray(slope_e * (tilt_e + distance_ek / root_ek)),
        np.asarray(slope_e * width_e**2 / root_ek**3),
    )
