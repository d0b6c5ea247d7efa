"""The strategy margin that is printed beside a customer portfolio margin."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from margingate_engine.core.errors import MargingateError
from margingate_server.validating.case import CaseResult, compared, skipped
from margingate_server.validating.strategy_books import Market, net_of_premium
from margingate_server.validating.strategy_fields import Unrepresentable
from margingate_server.validating.tims_conventions import Unreadable, first_number
from margingate_server.validating.tims_position import Position, position

_PRINTED, _BY_FORMULA = "strategy_based_net_of_premium", "exact_strategy_by_formula"
_CENT, _HALF_A_DOLLAR = Fraction(1, 100), Fraction(51, 100)
_CLASS_BY_RANGE = {
    ("0.08", "0.06"): "broad_index",
    ("0.1", "0.1"): "broad_index",
    ("0.15", "0.15"): "equity",
}
"""Which classes the rules on points name, as the rules on strategies name them."""


def strategy_results(
    id_: str, document: Mapping[str, object], case: Mapping[str, object]
) -> Iterator[CaseResult]:
    """A line for the strategy margin of a case, none where no figure is told.

    The figure by formula goes before the printed one, which is rounded and may be misprinted.
    """
    try:
        expected = case.get("expected")
        printed = first_number(expected, _PRINTED) if isinstance(expected, Mapping) else None
        exact = first_number(case, _BY_FORMULA)
        if printed is None and exact is None:
            return
        got = net_of_premium(_market(document, case, position(document, case)), case.get("legs"))
    except Unreadable as wrong:
        yield skipped(id_, wrong.reason)
    except Unrepresentable as wrong:
        yield skipped(id_, str(wrong))
    except MargingateError as wrong:
        yield skipped(id_, f"refused: {' '.join(map(str, wrong.args))}")
    else:
        yield _compared(id_, printed, exact, got)


def _compared(
    id_: str, printed: Decimal | None, exact: Decimal | None, got: Fraction
) -> CaseResult:
    if exact is None:
        assert printed is not None, "one of both is told"
        return compared(id_, Fraction(printed), got, tolerance=_HALF_A_DOLLAR)
    result = compared(id_, Fraction(exact), got, tolerance=_CENT)
    if printed is not None and abs(printed - exact) > _HALF_A_DOLLAR:
        return replace(result, reason=f"the source prints {printed}")
    return result


def _market(document: Mapping[str, object], case: Mapping[str, object], held: Position) -> Market:
    prices = {leg.underlying for leg in held.legs if leg.option is not None}
    prices = prices or {leg.underlying for leg in held.legs}
    if len(prices) != 1:
        raise Unreadable("legs on more than one price are no strategy of the rules")
    far = (format(held.range_down.normalize(), "f"), format(held.range_up.normalize(), "f"))
    told = case.get("underlying_class", _CLASS_BY_RANGE.get(far))
    if told is None:
        raise Unreadable("the class of the underlying is not told")
    trees = [leg.option.tree for leg in held.legs if leg.option is not None]
    is_european = bool(trees) and all(tree is None or not tree.is_american for tree in trees)
    return Market(
        underlying=Fraction(str(prices.pop())),
        underlying_class=str(told),
        exercise="european" if is_european else "american",
        around={name: case.get(name, document.get(name)) for name in ("valuation_date", "expiry")},
    )
