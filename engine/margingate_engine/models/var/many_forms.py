"""Many quadratic forms of the same normal factors at once: their losses. [VAR-12, VAR-13]

The forms of an account after each of its fills: delta of every factor, gamma of prices alone.
Axis P: forms; F: factors, prices and then vols; U: underlyings, so prices.
"""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from margingate_engine.core.arrays import FloatArray
from margingate_engine.statistics.delta_gamma import (
    EXCESS_KURTOSIS_MAX,
    SKEW_MIN,
    Moments,
    expected_shortfall,
    value_at_risk,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyMoments:
    """Mean, standard deviation, and third and fourth cumulant of every form, each (P,).

    Where its deltas are not quite known: between which limits the deviation lies, and by how much
    the cumulants may be larger or smaller.
    """

    mean_p: FloatArray
    deviation_p: tuple[FloatArray, FloatArray]
    third_p: FloatArray
    third_slack_p: FloatArray
    fourth_p: FloatArray
    fourth_slack_p: FloatArray


def many_moments(
    delta_pf: FloatArray, gamma_pu: FloatArray, covariance_ff: FloatArray, shift_u: FloatArray
) -> ManyMoments:
    """Moments of P&L `delta'x + x'gamma x / 2`, in the unit of the P&L and its powers.

    shift_u: by how much each delta of a price may be larger or smaller, >= 0. Variance, third and
    fourth cumulant are quadratic in it; its two terms are taken at their largest.
    """
    count = gamma_pu.shape[1]
    own_uu = covariance_ff[:count, :count]
    spread_pf = delta_pf @ covariance_ff
    spread_pu = spread_pf[:, :count]
    bent_pu = gamma_pu * spread_pu
    twice_bent_pu = bent_pu @ own_uu * gamma_pu
    bend_puu = gamma_pu[:, :, None] * own_uu
    bend2_puu = bend_puu @ bend_puu
    turned_puu = bend2_puu.transpose(0, 2, 1)
    variance_p = (delta_pf * spread_pf).sum(axis=1) + 0.5 * np.einsum("puu->p", bend2_puu)
    third_p = 3.0 * (bent_pu * spread_pu).sum(axis=1) + (turned_puu * bend_puu).sum(axis=(1, 2))
    fourth_p = 12.0 * (twice_bent_pu * spread_pu).sum(axis=1)
    fourth_p += 3.0 * (turned_puu * bend2_puu).sum(axis=(1, 2))

    size_uu, size_pu = np.abs(own_uu), np.abs(gamma_pu)
    shifted_u = size_uu @ shift_u
    variance_slack_p = 2.0 * np.abs(spread_pu) @ shift_u
    third_slack_p = 6.0 * np.abs(bent_pu @ own_uu) @ shift_u + 3.0 * size_pu @ shifted_u**2
    fourth_slack_p = 24.0 * np.abs(twice_bent_pu @ own_uu) @ shift_u
    shifted_pu = size_pu * shifted_u
    fourth_slack_p += 12.0 * (shifted_pu @ size_uu * shifted_pu).sum(axis=1)
    most_p = variance_p + variance_slack_p + shift_u @ shifted_u
    return ManyMoments(
        mean_p=0.5 * gamma_pu @ np.diag(own_uu),
        deviation_p=(
            np.sqrt(np.maximum(variance_p - variance_slack_p, 0.0)),
            np.sqrt(np.maximum(most_p, 0.0)),
        ),
        third_p=third_p,
        third_slack_p=third_slack_p,
        fourth_p=fourth_p,
        fourth_slack_p=fourth_slack_p,
    )


@dataclass(frozen=True, slots=True)
class LossMultiple:
    """Loss of a form in deviations below its mean: a parabola in its skew, linear in kurtosis.

    at_zero: of a normal one. skew, skew2, kurtosis: what a unit of each (of its square) adds.
    """

    at_zero: float
    skew: float
    skew2: float
    kurtosis: float

    @classmethod
    def of(cls, confidence: Decimal, *, is_shortfall: bool) -> "LossMultiple":
        """Of value at risk or shortfall at a confidence."""
        measure = expected_shortfall if is_shortfall else value_at_risk
        low, middle, high, peaked = (
            measure(Moments(0.0, 1.0, skew, kurtosis), confidence)
            for skew, kurtosis in ((-1.0, 0.0), (0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
        )
        return cls(middle, 0.5 * (high - low), 0.5 * (high + low) - middle, peaked - middle)

    def largest(
        self, skew_p: tuple[FloatArray, FloatArray], kurtosis_p: tuple[FloatArray, FloatArray]
    ) -> FloatArray:
        """Over skews and kurtoses from the least to the largest, each pair of (P,)."""
        low_p, high_p = skew_p
        vertex = -0.5 * self.skew / self.skew2 if self.skew2 else 0.0
        skewed_p = np.max(
            [
                self.skew * each_p + self.skew2 * each_p**2
                for each_p in (low_p, high_p, np.clip(vertex, low_p, high_p))
            ],
            axis=0,
        )
        least_p, most_p = kurtosis_p
        peaked_p = np.maximum(self.kurtosis * least_p, self.kurtosis * most_p)
        return np.asarray(self.at_zero + skewed_p + peaked_p)


def losses_within(moments: ManyMoments, added: float, multiple: LossMultiple) -> FloatArray:
    """(P,) No less than the loss of any sum of a form and one of deviation `added` or less.

    Without the mean of the other one. Exact where nothing is added. The joint cumulants of forms
    are multilinear, and largest where all are the same form: what a sum's third and fourth can be
    apart from the own one's follows. [VAR-13]
    """
    low_p, high_p = moments.deviation_p
    wide_p, narrow_p = high_p + added, low_p - added
    third_slack_p = moments.third_slack_p - SKEW_MIN * (wide_p**3 - high_p**3)
    fourth_slack_p = moments.fourth_slack_p + EXCESS_KURTOSIS_MAX * (wide_p**4 - high_p**4)

    def least(cumulant_p: FloatArray, power: int) -> FloatArray:
        """The smallest of a cumulant over the power of what the deviation may be."""
        of_p = np.where(cumulant_p < 0.0, narrow_p, wide_p)
        # Of what may come to nothing any shape is possible, and the limits of shapes hold.
        divisor_p = np.where(of_p > 0.0, of_p, 1.0) ** power
        return np.asarray(np.where(narrow_p > 0.0, cumulant_p, -np.inf) / divisor_p)

    skews = (
        np.maximum(SKEW_MIN, least(moments.third_p - third_slack_p, 3)),
        np.minimum(-SKEW_MIN, -least(-moments.third_p - third_slack_p, 3)),
    )
    kurtoses = (
        np.maximum(0.0, least(moments.fourth_p - fourth_slack_p, 4)),
        np.minimum(EXCESS_KURTOSIS_MAX, -least(-moments.fourth_p - fourth_slack_p, 4)),
    )
    multiple_p = multiple.largest(skews, kurtoses)
    widest_p = np.where(multiple_p > 0.0, wide_p, np.maximum(narrow_p, 0.0))
    return np.asarray(multiple_p * widest_p - moments.mean_p)
