"""Value at risk and shortfall of a quadratic form of normal factors. [VAR-12, VAR-13]

P&L is taken as `delta'x + x'gamma x / 2` with x normal of mean zero; its first four cumulants are
exact and the tail is Cornish and Fisher's. Not enough alone for short options.
"""

from dataclasses import dataclass
from decimal import Decimal
from math import exp, pi, sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.errors import InvalidInput

SKEW_MIN = -2.0 * sqrt(2.0)
EXCESS_KURTOSIS_MAX = 12.0
"""No quadratic form of normals has a smaller skew or more excess kurtosis: both are reached by
minus and plus the square of one factor."""


class Moments(NamedTuple):
    """Mean and standard deviation in the unit of the P&L, skew and excess kurtosis."""

    mean: float
    deviation: float
    skew: float
    excess_kurtosis: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivities:
    """P&L per unit move of every factor, (F,), and its second derivatives, (F, F), symmetric."""

    delta_f: FloatArray
    gamma_ff: FloatArray

    def __post_init__(self) -> None:
        """Refuse shapes that do not belong together."""
        count = len(self.delta_f)
        if self.gamma_ff.shape != (count, count) or not np.array_equal(
            self.gamma_ff, self.gamma_ff.T
        ):
            raise InvalidInput("gamma_ff", "must be square, symmetric and of the length of delta_f")

    def moments(self, covariance_ff: FloatArray) -> Moments:
        """Moments of the P&L when the factors have this covariance."""
        spread_f = covariance_ff @ self.delta_f
        bend_ff = self.gamma_ff @ covariance_ff
        bend2_ff = bend_ff @ bend_ff
        variance = float(self.delta_f @ spread_f + 0.5 * np.trace(bend2_ff))
        if variance <= 0.0:
            return Moments(0.5 * float(np.trace(bend_ff)), 0.0, 0.0, 0.0)
        third = 3.0 * spread_f @ self.gamma_ff @ spread_f + np.trace(bend2_ff @ bend_ff)
        fourth = 12.0 * spread_f @ self.gamma_ff @ covariance_ff @ self.gamma_ff @ spread_f
        fourth += 3.0 * np.trace(bend2_ff @ bend2_ff)
        return Moments(
            0.5 * float(np.trace(bend_ff)),
            sqrt(variance),
            float(third) / variance**1.5,
            float(fourth) / variance**2,
        )


def value_at_risk(moments: Moments, confidence: Decimal) -> float:
    """Loss at the confidence, in the unit of the P&L; normal where skew and kurtosis are 0."""
    z = float(ndtri(float(1 - confidence)))
    return -(moments.mean + moments.deviation * _expanded(moments, z, z**2, z**3))


def expected_shortfall(moments: Moments, confidence: Decimal) -> float:
    """Mean loss beyond the confidence: the expansion's mean over the normal tail."""
    beyond = float(1 - confidence)
    z = float(ndtri(beyond))
    # Means of the powers of a normal variable below z, as multiples of density / probability.
    density = exp(-0.5 * z * z) / sqrt(2.0 * pi)
    first = -density / beyond
    expanded = _expanded(moments, first, 1.0 + z * first, (z * z + 2.0) * first)
    return -(moments.mean + moments.deviation * expanded)


def _expanded(moments: Moments, z: float, z2: float, z3: float) -> float:
    """Cornish and Fisher's quantile in standard deviations from the powers of a normal one."""
    skew, kurtosis = moments.skew, moments.excess_kurtosis
    return (
        z
        + (z2 - 1.0) * skew / 6.0
        + (z3 - 3.0 * z) * kurtosis / 24.0
        - (2.0 * z3 - 5.0 * z) * skew**2 / 36.0
    )
