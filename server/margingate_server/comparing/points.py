"""Where on the surface of an underlying the worst scenario of a model lies."""

from collections.abc import Sequence

import numpy as np

from margingate_engine.check.compare import Compared, RegimeFigures
from margingate_engine.core.amounts import NANO
from margingate_engine.models.span import SpanModel
from margingate_engine.models.span_cc.model import SpanCcModel
from margingate_engine.models.span_parameters import SpanParameters, VolShift
from margingate_engine.models.tims.model import TimsModel
from margingate_engine.models.tims.points import valuation_points
from margingate_engine.models.var.model import VarModel
from margingate_engine.models.var.worlds import worlds_of
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_engine.scenarios.span16 import span16

Point = tuple[float, float]
"""Relative move of the price, relative change of the vols."""


def worst_points(every: Sequence[Compared], underlying: str) -> dict[Point, list[str]]:
    """Models by the point of what binds; of a model whose minimum binds, of its largest loss.

    A model that has no scenarios, or none that loses, is left out.
    """
    names: dict[Point, list[str]] = {}
    for each in every:
        if each.figures is None:
            continue
        number = _worst_number(each.figures, underlying)
        if number is not None:
            point = _point(each.model, each.figures, underlying, number)
            names.setdefault(point, []).append(each.model.name)
    return names


def _worst_number(figures: RegimeFigures, underlying: str) -> int | None:
    """Place of the scenario, from 0; None without one that loses."""
    for requirement in figures.requirements:
        totals = [figures.account.peek(number) for number in requirement.groups]
        if underlying not in {each.group.underlying for each in totals}:
            continue
        if requirement.scenario > 0:
            return requirement.scenario - 1
        rows = np.sum([each.rows for each in totals], axis=0)
        return int(rows.argmin()) if rows.min() < 0 else None
    return None


def _point(model: MarginModel, figures: RegimeFigures, underlying: str, number: int) -> Point:
    match model:
        case SpanModel():
            return _span_point(model.parameters[underlying], figures, underlying, number)
        case SpanCcModel():
            scan = model.parameters.underlyings[underlying].scan.span
            return _span_point(scan, figures, underlying, number)
        case TimsModel():
            own = model.parameters.underlyings[underlying]
            group = model.parameters.class_groups[own.class_group]
            points = valuation_points(group.range_down, group.range_up)
            return float(points.move_s[number]), 0.0
        case VarModel():
            worlds = worlds_of(model.parameters).scenarios
            column = worlds.column(underlying)
            factor = float(worlds.vol_factor_su[number, column])
            return float(worlds.move_su[number, column]), factor - 1.0
    raise AssertionError(f"{model.name} has scenarios that are no points of the surface")


def _span_point(
    parameters: SpanParameters, figures: RegimeFigures, underlying: str, number: int
) -> Point:
    """The vol shift is that of thirty days; an absolute one is divided by the average vol."""
    scenarios = span16(
        float(parameters.price_scan_range),
        float(parameters.extreme_multiple),
        float(parameters.extreme_cover),
    )
    shift = float(parameters.vol_scan_range) * int(scenarios.vol_direction_s[number])
    if parameters.vol_shift_kind is VolShift.ABSOLUTE:
        table, snapshot = figures.account.arrays.table, figures.account.arrays.snapshot
        own_i = table.is_option_i & (table.underlying_i == table.underlyings.index(underlying))
        vols = snapshot.vol_nano_i[own_i] / NANO
        shift = shift / float(vols.mean()) if len(vols) else 0.0
    return float(scenarios.move_s[number]), shift
