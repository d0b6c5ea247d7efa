"""A random path that can be read at any second without walking to it.

An Ornstein-Uhlenbeck process is Gaussian and Markov: given its values at both ends of an
interval, the one in the middle is normal with known mean and variance. Halving from a horizon of
68 years down to one second takes 31 steps, each with a normal number made from the seed and the
place in the tree. So the path is a pure function of seed and second.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from margingate_engine.core.arrays import FloatArray

_LEVELS: Final = 31
LAST_SECOND: Final = 2**_LEVELS
_SECONDS_PER_YEAR: Final = 365 * 86_400

_MASK: Final = 2**64 - 1
_DECAY_MAX: Final = 700.0
"""Where the hyperbolic cosine is about to overflow; both ends are long forgotten by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversion:
    """How a logarithm wanders: per square root of a year, pulled back by half in so many days."""

    vol_annual: float
    half_life_days: float

    @property
    def rate_per_second(self) -> float:
        """Speed at which a deviation decays."""
        return math.log(2) / (self.half_life_days * 86_400)

    @property
    def deviation(self) -> float:
        """Standard deviation that the process settles at."""
        per_year = self.rate_per_second * _SECONDS_PER_YEAR
        return self.vol_annual / math.sqrt(2 * per_year)


class RandomPath:
    """Correlated mean-reverting logarithms (F,), all 0 at second 0."""

    def __init__(
        self, seed: int, reversions: tuple[Reversion, ...], correlation: FloatArray
    ) -> None:
        """correlation: (F, F), of the increments; positive definite."""
        self._seed = np.array([seed & _MASK], dtype=np.uint64)
        self._root = np.linalg.cholesky(correlation)
        self._deviation_f = np.array([each.deviation for each in reversions])
        rate_f = np.array([each.rate_per_second for each in reversions])
        half_span_l = 2.0 ** np.arange(_LEVELS - 1, -1, -1)
        decay_lf = np.minimum(half_span_l[:, None] * rate_f, _DECAY_MAX)
        self._pull_lf = 0.5 / np.cosh(decay_lf)
        self._spread_lf = self._deviation_f * np.sqrt(np.tanh(decay_lf))

    def at(self, second: int) -> FloatArray:
        """The logarithms (F,) at a whole second in [0, LAST_SECOND)."""
        assert 0 <= second < LAST_SECOND
        levels = np.arange(_LEVELS)
        nodes = 2**levels + (second >> (_LEVELS - levels))
        draws = self._normals(np.concatenate([[0], nodes]).astype(np.uint64))
        left_f, right_f = np.zeros_like(self._deviation_f), self._deviation_f * draws[0]
        shocks_lf = self._spread_lf * draws[1:]
        for level in range(_LEVELS):
            middle_f = (left_f + right_f) * self._pull_lf[level] + shocks_lf[level]
            if second >> (_LEVELS - 1 - level) & 1:
                left_f = middle_f
            else:
                right_f = middle_f
        return left_f

    def _normals(self, nodes: NDArray[np.uint64]) -> FloatArray:
        """Correlated standard normal numbers (N, F), a row for every node of the tree."""
        factors = np.arange(len(self._deviation_f), dtype=np.uint64)
        bits = _mixed(_mixed(_mixed(self._seed) + nodes)[:, None] + factors)
        uniforms = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
        return np.asarray(ndtri(uniforms) @ self._root.T)


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's output for each word: neighbours in, unrelated bits out."""
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
