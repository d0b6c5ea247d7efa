"""What a vector of P&L requires, alone and of several groups together. [VAR-10, VAR-11]

Every figure grows, or stays, when an entry of the vector falls: the vector of worst fills gives a
requirement that no subset of fills exceeds. [VAR-13]
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np

from margingate_engine.core.amounts import MICRO
from margingate_engine.core.errors import ModelFailure
from margingate_engine.market.table import IntArray
from margingate_engine.models.var.settings import Estimator, QuantileRule, VarSettings
from margingate_engine.models.var.worlds import Worlds
from margingate_engine.statistics import tail

_UNITS_MAX = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class VarFigures:
    """How a requirement came about, in 1e-6 USD, all >= 0 and rounded up.

    base, stressed, floor: the estimate over each set of worlds, 0 of a set that is empty.
    required: what they make together. binding: row of the base scenario at the confidence, counted
    from 0; None where no base scenario loses.
    """

    base: int
    stressed: int
    floor: int
    required: int
    binding: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VarPortfolio:
    """Groups together. joint: of the summed vector. alone: each group's own, by name.

    required: joint, but not below what the offset cap leaves of the groups' own figures.
    """

    joint: VarFigures
    alone: Mapping[str, int]
    required: int


def estimate(pnl_s: IntArray, settings: VarSettings) -> Fraction:
    """Loss at the confidence by the estimator of the settings, 0 where it would be a gain."""
    if settings.estimator is Estimator.EXPECTED_SHORTFALL:
        loss = tail.expected_shortfall(pnl_s, settings.confidence)
    elif settings.quantile_rule is QuantileRule.INTERPOLATED:
        loss = tail.interpolated_value_at_risk(pnl_s, settings.confidence)
    else:
        loss = Fraction(tail.value_at_risk(pnl_s, settings.confidence))
    return max(loss, Fraction(0))


def figures(pnl_s: IntArray, worlds: Worlds, settings: VarSettings) -> VarFigures:
    """Requirement of one vector of P&L in 1e-6 USD over `worlds.scenarios`, (S,). [VAR-10]"""
    base_s = pnl_s[worlds.base]
    base = _estimate_of(base_s, settings)
    stressed = _estimate_of(pnl_s[worlds.stressed], settings)
    floor = _estimate_of(pnl_s[worlds.floor], settings)
    binding = tail.binding_scenario(base_s, settings.confidence) if base else None
    return VarFigures(
        base=ceil(base),
        stressed=ceil(stressed),
        floor=ceil(floor),
        required=ceil(blended(base, stressed, floor, settings)),
        binding=binding if binding is not None and base_s[binding] < 0 else None,
    )


def blended(base: Fraction, stressed: Fraction, floor: Fraction, settings: VarSettings) -> Fraction:
    """The estimates of the three sets of worlds as one amount, not rounded. [VAR-10]"""
    weight = Fraction(settings.stressed_weight)
    blend = (1 - weight) * base + weight * stressed
    buffer_left = Fraction(settings.buffer) * (1 - Fraction(settings.buffer_drawn))
    return max(blend * (1 + buffer_left), floor)


def portfolio_figures(
    pnl_s_by_group: Mapping[str, IntArray], worlds: Worlds, settings: VarSettings
) -> VarPortfolio:
    """Requirement of several groups in the same worlds. [VAR-11]

    ModelFailure when a sum of vectors would leave the range of their integers.
    """
    if sum(int(np.abs(pnl_s).max(initial=0)) for pnl_s in pnl_s_by_group.values()) >= _UNITS_MAX:
        raise ModelFailure("the P&L of an account is out of range")
    joint_s = np.zeros(len(worlds.scenarios), dtype=np.int64)
    for pnl_s in pnl_s_by_group.values():
        joint_s += pnl_s
    joint = figures(joint_s, worlds, settings)
    if len(pnl_s_by_group) == 1:
        alone = dict.fromkeys(pnl_s_by_group, joint.required)
    else:
        alone = {
            group: figures(pnl_s_by_group[group], worlds, settings).required
            for group in sorted(pnl_s_by_group)
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
    return -(-required * fraction_ppm // MICRO)


def _estimate_of(pnl_s: IntArray, settings: VarSettings) -> Fraction:
    return estimate(pnl_s, settings) if len(pnl_s) else Fraction(0)
