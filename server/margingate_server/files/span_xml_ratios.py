"""What types of account multiply risk with, in an XML SPAN file. [SCC-15, SCC-19]"""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple
from xml.etree.ElementTree import Element

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.calendar_parameters import AccountRatio
from margingate_server.files.span_xml import child_flag, child_text, child_whole
from margingate_server.files.span_xml_commodities import CommodityDefinition, within

_CORE = "CORE"
_PLACES = Decimal("0.000000001")


class RateDefinition(NamedTuple):
    """Which adjustment rate a type of account has, for maintenance or for initial margin."""

    number: int
    account_type: str
    is_maintenance: bool
    is_core: bool


def read_rate_definition(element: Element) -> RateDefinition:
    """One `pbRateDef`."""
    path = "pbRateDef"
    kind = "customer" if child_flag(element, "isCust", path) else "house"
    return RateDefinition(
        number=child_whole(element, "r", path),
        account_type=f"{child_text(element, 'acctType', path)}-{kind}",
        is_maintenance=child_flag(element, "isM", path),
        is_core=(element.findtext("pbc") or _CORE).strip() == _CORE,
    )


def account_ratios(
    definition: CommodityDefinition, rates: Iterable[RateDefinition]
) -> tuple[AccountRatio, ...]:
    """Ratios of every type of account that the file adjusts, by type."""
    found: dict[str, dict[bool, Decimal]] = {}
    for rate in rates:
        if rate.is_core and rate.number in definition.adjustments:
            factor = _product(definition, rate.number)
            found.setdefault(rate.account_type, {})[rate.is_maintenance] = factor
    ratios = []
    for account_type, by_kind in sorted(found.items()):
        maintenance = by_kind.get(True, Decimal(1))
        initial = (by_kind.get(False, maintenance) / maintenance).quantize(_PLACES)
        try:
            ratios.append(
                AccountRatio(account_type=account_type, maintenance=maintenance, initial=initial)
            )
        except InvalidInput as wrong:
            raise within(f"{definition.path}/adjRate[{account_type}]", wrong) from None
    return tuple(ratios)


def _product(definition: CommodityDefinition, number: int) -> Decimal:
    """An adjustment rate times those it is based on; InvalidInput when they go round."""
    product, seen, start = Decimal(1), set[int](), number
    while number in definition.adjustments:
        if number in seen:
            raise InvalidInput(f"{definition.path}/adjRate[{start}]", "is based on itself")
        seen.add(number)
        value, base = definition.adjustments[number]
        if value <= 0:
            raise InvalidInput(f"{definition.path}/adjRate[{number}]/val", "must be above 0")
        product *= value
        if base == number:
            break
        number = base
    return product
