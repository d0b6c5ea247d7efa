"""Drawn worlds: normal or Student's t, the same for the same seed everywhere. [VAR-05]

Uniforms are the raw output of Philox, a counter-based generator whose stream numpy keeps for good
(streams of its distributions may change between releases), and become normal by inversion.
"""

import numpy as np
from scipy.special import chdtri, ndtri

from margingate_engine.core.arrays import FloatArray


def gaussian(covariance_ff: FloatArray, *, count: int, seed: int) -> FloatArray:
    """`count` draws, (S, F), with mean zero and this covariance."""
    factor_count = len(covariance_ff)
    normal_sf = ndtri(_uniforms(count, factor_count, seed))
    return np.asarray(normal_sf @ _root(covariance_ff))


def student_t(
    covariance_ff: FloatArray, degrees_of_freedom: float, *, count: int, seed: int
) -> FloatArray:
    """`count` draws, (S, F), of the multivariate t with this covariance; degrees above 2.

    All factors of a draw share one divisor, so that they are extreme together.
    """
    factor_count = len(covariance_ff)
    uniform_sf = _uniforms(count, factor_count + 1, seed)
    normal_sf = ndtri(uniform_sf[:, :factor_count])
    chi_square_s = chdtri(degrees_of_freedom, uniform_sf[:, factor_count])
    scale_s = np.sqrt((degrees_of_freedom - 2.0) / chi_square_s)
    return np.asarray((normal_sf @ _root(covariance_ff)) * scale_s[:, None])


def _uniforms(count: int, width: int, seed: int) -> FloatArray:
    """Numbers strictly between 0 and 1, (count, width): middles of 2**52 equal parts."""
    raw = np.random.Philox(key=seed).random_raw(count * width).reshape(count, width)
    return np.asarray(((raw >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52)


def _root(covariance_ff: FloatArray) -> FloatArray:
    """The symmetric square root: unlike a Cholesky factor it exists for singular covariances."""
    variance_f, direction_ff = np.linalg.eigh(covariance_ff)
    return np.asarray((direction_ff * np.sqrt(np.maximum(variance_f, 0.0))) @ direction_ff.T)
