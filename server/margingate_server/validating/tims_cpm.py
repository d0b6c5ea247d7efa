"""Customer portfolio margin of published positions, by the engine's `tims`. [TIMS-10]"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from math import ceil

import numpy as np

from margingate_engine.core.amounts import MICRO, PPM
from margingate_engine.core.arrays import FloatArray, IntArray
from margingate_engine.core.errors import InvalidInput, ModelFailure
from margingate_engine.models.tims.groups import GroupTree
from margingate_engine.models.tims.minimum import LotMinimum
from margingate_engine.models.tims.points import valuation_points
from margingate_engine.models.tims.requirement import (
    MINIMUM_BINDS,
    PortfolioGroupRequirement,
    UnderlyingMargin,
    portfolio_requirements,
)
from margingate_engine.scenarios.rounding import units_down
from margingate_server.validating.case import CaseResult, compared, skipped
from margingate_server.validating.tims_conventions import Unreadable, number
from margingate_server.validating.tims_position import Leg, Position, position
from margingate_server.validating.tims_strategy import strategy_results

RELATIVE_TOLERANCE = Fraction(25, 10_000)
"""The sources tell neither rate nor yield: they are frozen at what reproduces the figures best."""

_FIGURE = "portfolio_margin_cpm"
_CLASS_GROUP = "class"


def recognises(document: object) -> bool:
    """True for a table with a list of cases, one of which expects a customer portfolio margin."""
    return any(_expected(case) is not None for case in _cases(document))


def results(document: object) -> Iterator[CaseResult]:
    """A line for the portfolio margin of each case, and one for its strategy margin where told."""
    assert isinstance(document, Mapping), "only a table is recognised"
    for count, case in enumerate(_cases(document), start=1):
        id_ = str(case.get("id") or f"case {count}").replace(" ", "_")
        yield _portfolio_margin(id_, document, case)
        yield from strategy_results(f"{id_}:strategy", document, case)


def _portfolio_margin(
    id_: str, document: Mapping[str, object], case: Mapping[str, object]
) -> CaseResult:
    try:
        expected = Fraction(number(_expected(case), _FIGURE))
        margin = requirement(position(document, case))
    except Unreadable as wrong:
        return skipped(id_, wrong.reason)
    except InvalidInput as wrong:
        return skipped(id_, f"{wrong.field} {wrong.problem}")
    except ModelFailure as wrong:
        return skipped(id_, wrong.subject)
    got = Fraction(margin.total, MICRO)
    if margin.point == MINIMUM_BINDS:
        # A source that prints no cents has rounded a minimum that has some.
        is_rounded = expected.denominator == 1 != got.denominator
        return compared(id_, expected, got, tolerance=Fraction(1 if is_rounded else 0, 2))
    return compared(id_, expected, got, relative_tolerance=RELATIVE_TOLERANCE)


def requirement(held: Position) -> PortfolioGroupRequirement:
    """Requirement of a position by itself; InvalidInput for a price that no vol gives."""
    points = valuation_points(held.range_down, held.range_up)
    margins: dict[str, UnderlyingMargin] = {}
    for symbol in sorted({leg.symbol for leg in held.legs}):
        legs = [leg for leg in held.legs if leg.symbol == symbol]
        rows_v = sum(leg.lots * _lot_rows(leg, points.move_s) for leg in legs)
        margins[symbol] = UnderlyingMargin.of_positions(
            np.append(rows_v, np.int64(0)),
            basis=0,
            minimum=sum(_lot_minimum(leg).of(leg.lots) for leg in legs),
        )
    (whole,) = portfolio_requirements(_one_class_group(margins), margins)
    return whole


def _one_class_group(symbols: Mapping[str, object]) -> GroupTree:
    """One position is one class group, so that no offset between groups has a say."""
    return GroupTree(
        class_group_by_underlying=dict.fromkeys(symbols, _CLASS_GROUP),
        product_group_by_class={_CLASS_GROUP: _CLASS_GROUP},
        portfolio_group_by_product={_CLASS_GROUP: _CLASS_GROUP},
        offset_ppm_by_product_group={_CLASS_GROUP: PPM},
        offset_ppm_by_portfolio_group={_CLASS_GROUP: PPM},
    )


def _lot_rows(leg: Leg, move_v: FloatArray) -> IntArray:
    """P&L of one contract or share at the ten points, 1e-6 USD."""
    if leg.option is None:
        pnl_v = leg.underlying * move_v
    else:
        vol = leg.vol
        if vol is None:
            vol = leg.option.implied_vol(leg.price, leg.underlying)
        pnl_v = leg.option.point_pnl(leg.underlying, vol, move_v)
    return units_down(MICRO * float(leg.multiplier) * pnl_v)


def _lot_minimum(leg: Leg) -> LotMinimum:
    short = ceil(MICRO * leg.minimum)
    value = ceil(MICRO * leg.multiplier * Decimal(str(leg.price)))
    return LotMinimum(long=min(short, value), short=short)


def _cases(document: object) -> list[Mapping[str, object]]:
    if not isinstance(document, Mapping):
        return []
    lists = [section for section in document.values() if isinstance(section, list)]
    found = [[case for case in section if isinstance(case, Mapping)] for section in lists]
    return [
        case
        for cases in found
        if any(_expected(case) is not None for case in cases)
        for case in cases
    ]


def _expected(case: Mapping[str, object]) -> object:
    expected = case.get("expected")
    return expected.get(_FIGURE) if isinstance(expected, Mapping) else None
