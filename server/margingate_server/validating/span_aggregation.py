"""Published arrays with the requirement and the worst scenario that they lead to."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

import numpy as np

from margingate_engine.core.amounts import MICRO, units_exact
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.kinds import MinimumMethod, PriceRiskMethod
from margingate_engine.models.span_cc.parameters import CombinedCommodity, SpanCcParameters
from margingate_engine.models.span_cc.requirement import CommodityRisk, requirements
from margingate_engine.models.span_cc.totals import CommodityTotals, ContractRisk
from margingate_engine.scenarios.span_points import POINT_COUNT
from margingate_server.validating.case import CaseResult, compared, skipped
from margingate_server.validating.span_conventions import Unreadable, number
from margingate_server.validating.span_signs import is_gain

_REQUIREMENT, _SCENARIO = "_requirement", "_worst_scenario"
_CODE = "published"


def recognises(section: object) -> bool:
    """True for a table of arrays of sixteen numbers with a table of what is `expected`."""
    if not isinstance(section, Mapping) or not isinstance(section.get("expected"), Mapping):
        return False
    return any(_is_array(value) for value in section.values())


def results(name: str, section: object, meta: object) -> Iterator[CaseResult]:
    """A line for every expected figure."""
    assert isinstance(section, Mapping)
    for figure, expected in section["expected"].items():
        yield _result(f"{name}/{figure}".replace(" ", "_"), str(figure), expected, section, meta)


def _result(
    id_: str, figure: str, expected: object, section: Mapping[str, object], meta: object
) -> CaseResult:
    for suffix in (_REQUIREMENT, _SCENARIO):
        if figure.endswith(suffix):
            break
    else:
        return skipped(id_, "no figure that is known")
    try:
        risk = _risk(_array(figure.removesuffix(suffix), section), _is_profit(section, meta))
        got = Fraction(risk.risk, MICRO) if suffix == _REQUIREMENT else Fraction(risk.scenario)
        return compared(id_, Fraction(number(expected, figure)), got)
    except Unreadable as wrong:
        return skipped(id_, wrong.reason)
    except InvalidInput as wrong:
        return skipped(id_, f"{wrong.field} {wrong.problem}")


def _array(name: str, section: Mapping[str, object]) -> list[Decimal]:
    """The array whose name has all the words of `name` and the fewest others."""
    words = set(name.split("_"))
    fitting = sorted(
        (len(set(str(key).split("_"))), str(key))
        for key, value in section.items()
        if _is_array(value) and words <= set(str(key).split("_"))
    )
    if not fitting or (len(fitting) > 1 and fitting[0][0] == fitting[1][0]):
        raise Unreadable(f"{name} is the name of no array, or of several")
    found = section[fitting[0][1]]
    assert isinstance(found, list)
    return [number(value, name) for value in found]


def _is_profit(section: Mapping[str, object], meta: object) -> bool:
    """Whether a positive value is a gain of the long: said by the section, or by the document."""
    said_plainly = is_gain(section, meta)
    if said_plainly is not None:
        return said_plainly
    for text in (str(section.get("source", "")), str(meta or "")):
        said = text.lower()
        if "profit of the long" in said or "gain of the long" in said:
            return True
        if "loss of" in said:
            return False
    raise Unreadable("the sign of the arrays is not told")


def _risk(values: list[Decimal], is_profit: bool) -> CommodityRisk:  # noqa: FBT001 - of the values
    losses = [units_exact(-value if is_profit else value, MICRO, "array") for value in values]
    contract = ContractRisk(
        loss_s=np.array(losses, dtype=np.int64),
        delta_nano=0,
        period=0,
        right=None,
        minimum_period=0,
        option_value=0,
    )
    commodity = CombinedCommodity(
        code=_CODE,
        currency="USD",
        price_risk_method=PriceRiskMethod.NORMAL,
        price_scan_range=Decimal(0),
        minimum_method=MinimumMethod.GROSS,
        minimum_rates=(),
        caps_option_value=False,
        net_is_floored=False,
        tiers=(),
        spreads=(),
        spot_rates=(),
        account_ratios=(),
    )
    parameters = SpanCcParameters(commodities=(commodity,), inter_spreads=())
    return requirements(parameters, {_CODE: CommodityTotals.of([(contract, 1)])})[_CODE]


def _is_array(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == POINT_COUNT
        and all(isinstance(each, (int, float, Decimal)) for each in value)
    )
