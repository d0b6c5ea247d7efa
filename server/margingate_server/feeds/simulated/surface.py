"""The implied vol surface and the forward curve of one underlying, from a few knots in tenor.

Every expiry is an SVI smile in normalised log-moneyness z = ln(K/F) / sqrt(theta), theta its total
variance at the money, r(x) = sqrt((x - centre)^2 + width^2):
w(z) = theta * (1 + slope * (tilt * z + r(z) - r(0))).
Source: J. Gatheral and A. Jacquier, "Arbitrage-free SVI volatility surfaces", 2014.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.times import YEAR_DAYS

_SCALE_DAYS_MIN: Final = 0.25
"""Below six hours the smile stops contracting, so that vols of far strikes stay finite."""

_VARIANCE_RATIO_MIN: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceParameters:
    """What was fitted to one chain; tuples are (N,), a value a knot, straight in ln(days).

    index: USD. days: knots. at_money: vol per year in variance time. slope, tilt, centre, width:
    the smile. basis: ln(F/S) per year. weekend_weight: see variance_time.
    """

    index: float
    days: tuple[float, ...]
    at_money: tuple[float, ...]
    slope: tuple[float, ...]
    tilt: tuple[float, ...]
    centre: tuple[float, ...]
    width: tuple[float, ...]
    basis: tuple[float, ...]
    weekend_weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Smiles:
    """The smiles of the expiries (E,): theta, the variance that scales moneyness, and the shape."""

    theta_e: FloatArray
    scale_e: FloatArray
    slope_e: FloatArray
    tilt_e: FloatArray
    centre_e: FloatArray
    width_e: FloatArray

    def total_variance(self, expiry_i: NDArray[np.intp], log_moneyness_i: FloatArray) -> FloatArray:
        """Total variance w = vol^2 * tau (I,) at ln(K/F), of the expiries that `expiry_i` names."""
        moneyness_i = log_moneyness_i / np.sqrt(self.scale_e)[expiry_i]
        centre_i, width_i = self.centre_e[expiry_i], self.width_e[expiry_i]
        bend_i = np.hypot(moneyness_i - centre_i, width_i) - np.hypot(centre_i, width_i)
        ratio_i = 1 + self.slope_e[expiry_i] * (self.tilt_e[expiry_i] * moneyness_i + bend_i)
        return np.asarray(self.theta_e[expiry_i] * np.maximum(ratio_i, _VARIANCE_RATIO_MIN))


def smiles(parameters: SurfaceParameters, variance_days_e: FloatArray, vol_factor: float) -> Smiles:
    """The smiles of expiries so many days of variance away (E,), all vols times `vol_factor`."""
    floored_e = np.maximum(variance_days_e, _SCALE_DAYS_MIN)
    knots, place_e = np.log(parameters.days), np.log(floored_e)
    at_money_e = vol_factor * np.interp(place_e, knots, parameters.at_money)
    return Smiles(
        theta_e=at_money_e**2 * np.maximum(variance_days_e, 0.0) / YEAR_DAYS,
        scale_e=at_money_e**2 * floored_e / YEAR_DAYS,
        slope_e=np.interp(place_e, knots, parameters.slope),
        tilt_e=np.interp(place_e, knots, parameters.tilt),
        centre_e=np.interp(place_e, knots, parameters.centre),
        width_e=np.interp(place_e, knots, parameters.width),
    )


def forward_ratio(parameters: SurfaceParameters, tau_years_e: FloatArray) -> FloatArray:
    """F/S (E,) at times to expiry in years, > 0."""
    days_e = np.maximum(tau_years_e * YEAR_DAYS, _SCALE_DAYS_MIN)
    basis_e = np.interp(np.log(days_e), np.log(parameters.days), parameters.basis)
    return np.asarray(np.exp(basis_e * tau_years_e))
