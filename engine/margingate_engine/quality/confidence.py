"""How certain a price is, what is put up for the rest, and when no order may rest on it."""

import numpy as np

from margingate_engine.core.amounts import PPM
from margingate_engine.core.arrays import BoolArray, CodeArray, FloatArray, IntArray
from margingate_engine.quality.doubt import LEVEL_DOUBTS, Doubt
from margingate_engine.quality.parameters import Limits


def interpolated_ppm(limits: Limits, rows: IntArray, width_r: FloatArray) -> IntArray:
    """Of vols between strikes `width_r` apart, 1e-6, rounded down."""
    share_r = np.clip(1.0 - width_r / limits.ratio_i["interpolated_width"][rows], 0.0, 1.0)
    most_ppm_r = limits.whole_i["interpolated_confidence_ppm"][rows]
    return np.floor(most_ppm_r * share_r).astype(np.int64)


def confidence_ppm(
    limits: Limits,
    code_i: CodeArray,
    age_ns_i: IntArray,
    interpolated_ppm_i: IntArray,
) -> IntArray:
    """Of every price in force, 1e-6, rounded down. age_ns_i: since it was received, >= 0."""
    kept_ns_i = limits.whole_i["kept_ns"]
    left_ns_i = np.maximum(0, kept_ns_i - age_ns_i)
    kept_ppm_i = limits.whole_i["kept_confidence_ppm"] * left_ns_i // kept_ns_i
    is_interpolated_i = code_i == Doubt.INTERPOLATED
    doubted_i = np.where(is_interpolated_i, interpolated_ppm_i, kept_ppm_i)
    return np.asarray(np.where(code_i == Doubt.NONE, PPM, doubted_i))


def surcharge_ppm(
    limits: Limits, code_i: CodeArray, confidence_ppm_i: IntArray, is_trusted_i: BoolArray
) -> IntArray:
    """1e-6 of notional to put up on top, rounded up.

    Nothing where no order may rest on the price in any case, and nothing while the last good price
    is trusted: one message must not raise anybody's margin.
    """
    lacking_i = limits.whole_i["surcharge_ppm"] * (PPM - confidence_ppm_i)
    is_free_i = is_trusted_i | Doubt.among(code_i, LEVEL_DOUBTS)
    return np.where(is_free_i, 0, -(-lacking_i // PPM))


def doubt(limits: Limits, code_i: CodeArray, confidence_ppm_i: IntArray) -> CodeArray:
    """Why no order may rest on a price; 0 where one may."""
    is_low_i = confidence_ppm_i < limits.whole_i["confidence_min_ppm"]
    return np.asarray(
        np.where(is_low_i | Doubt.among(code_i, LEVEL_DOUBTS), code_i, 0), dtype=np.int8
    )
