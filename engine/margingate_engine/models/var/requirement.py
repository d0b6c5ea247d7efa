"""What the rows of a group require, alone and of several groups together. [VAR-10, VAR-11]

Rows (axis R) are the P&L in every world and, last, a null row: 0 of positions, and of worst fills
what their entries lose where nothing moves. Every figure grows, or stays, when a row falls: the
rows of worst fills give a requirement that no subset of fills exceeds. [VAR-13]
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np

from margingate_engine.core.amounts import MICRO, ceil_div
from margingate_engine.core.arrays import IntArray
from margingate_engine.core.errors import ModelFailure
from margingate_engine.models.var.settings import Estimator, QuantileRule, VarSettings
from margingate_engine.models.var.worlds import Worlds
from margingate_engine.statistics import tail

_UNITS_MAX = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class VarFigures:
    """How a requirement came about, in 1e-6 USD, all >= 0 and rounded up.

    base, stressed, floor: the estimate over each set of worlds, 0 of a set that is empty.
    required: what they make together. binding: row of the scenario at the confidence, counted from
    0, of the base or, where the floor is larger, of its worlds; None where that one does not lose.
    """

    base: int
    stressed: int
    floor: int
    required: int
    binding: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VarPortfolio:
    """Groups together. joint: of the summed rows. alone: each group's own, by name.

    required: joint, but not below what the offset cap leaves of the groups' own figures.
    """

    joint: VarFigures
    alone: Mapping[str, int]
    required: int


def estimate(pnl_s: IntArray, settings: VarSettings) -> Fraction:
    """Loss at the confidence by the estimator of the settings; a gain is negative."""
    if settings.estimator is Estimator.EXPECTED_SHORTFALL:
        return tail.expected_shortfall(pnl_s, settings.confidence)
    if settings.quantile_rule is QuantileRule.INTERPOLATED:
        return tail.interpolated_value_at_risk(pnl_s, settings.confidence)
    return Fraction(tail.value_at_risk(pnl_s, settings.confidence))


def figures(pnl_r: IntArray, worlds: Worlds, settings: VarSettings) -> VarFigures:
    """Requirement of rows in 1e-6 USD: `worlds.scenarios` and the null row. [VAR-10]"""
    assert len(pnl_r) == len(worlds.scenarios) + 1
    # Every estimate holds what entries lose: blended, they would otherwise charge but a part of it.
    least = Fraction(-int(pnl_r[-1]))
    base, stressed, floor = (
        max(estimate(pnl_r[part], settings), least) if part.start < part.stop else Fraction(0)
        for part in (worlds.base, worlds.stressed, worlds.floor)
    )
    blend = blended(base, stressed, settings)
    part = worlds.floor if floor > blend else worlds.base
    binding = None
    if part.start < part.stop:
        binding = part.start + tail.binding_scenario(pnl_r[part], settings.confidence)
    return VarFigures(
        base=ceil(base),
        stressed=ceil(stressed),
        floor=ceil(floor),
        required=ceil(max(blend, floor)),
        binding=binding if binding is not None and pnl_r[binding] < 0 else None,
    )


def blended(base: Fraction, stressed: Fraction, settings: VarSettings) -> Fraction:
    """The estimates of both sets of worlds and the buffer as one amount, not rounded. [VAR-10]"""
    weight = Fraction(settings.stressed_weight)
    blend = (1 - weight) * base + weight * stressed
    buffer_left = Fraction(settings.buffer) * (1 - Fraction(settings.buffer_drawn))
    return blend * (1 + buffer_left)


def portfolio_figures(
    pnl_r_by_group: Mapping[str, IntArray], worlds: Worlds, settings: VarSettings
) -> VarPortfolio:
    """Requirement of several groups in the same worlds. [VAR-11]

    ModelFailure when a sum of rows would leave the range of their integers.
    """
    if sum(int(np.abs(pnl_r).max()) for pnl_r in pnl_r_by_group.values()) >= _UNITS_MAX:
        raise ModelFailure("the P&L of an account is out of range")
    joint_r = np.zeros(len(worlds.scenarios) + 1, dtype=np.int64)
    for pnl_r in pnl_r_by_group.values():
        joint_r += pnl_r
    joint = figures(joint_r, worlds, settings)
    if len(pnl_r_by_group) == 1:
        alone = dict.fromkeys(pnl_r_by_group, joint.required)
    else:
        alone = {
            group: figures(pnl_r_by_group[group], worlds, settings).required
            for group in sorted(pnl_r_by_group)
        }
    return VarPortfolio(joint=joint, alone=alone, required=capped(joint.required, alone, settings))


def capped(joint: int, alone: Mapping[str, int], settings: VarSettings) -> int:
    """`joint`, but no further below the sum of `alone` than the offset cap lets it. [VAR-11]"""
    total = sum(alone.values())
    offset = Fraction(settings.offset_cap) * (total - joint)
    return max(joint, ceil(total - offset))


def maintenance(required: int, settings: VarSettings) -> int:
    """Maintenance margin of a requirement of positions alone, 1e-6 USD, rounded up. [VAR-15]"""
    fraction_ppm = int(settings.maintenance_fraction * MICRO)
    return ceil_div(required * fraction_ppm, MICRO)
