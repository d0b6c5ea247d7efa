"""From the parts of an XML SPAN file to contracts by commodity. [SCC-18, SCC-19]"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from margingate_engine.core.amounts import NANO
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.inter import linked
from margingate_engine.models.span_cc.inter_parameters import InterSpread
from margingate_engine.models.span_cc.parameters import CombinedCommodity, SpanCcParameters
from margingate_server.files.span_file import (
    MICRO_MAX,
    ContractColumns,
    ContractRow,
    SpanContracts,
    SpanFile,
)
from margingate_server.files.span_xml_commodities import CommodityDefinition, within
from margingate_server.files.span_xml_families import Family, Published, Series
from margingate_server.files.span_xml_ratios import account_ratios
from margingate_server.files.span_xml_spreads import read_inter_spreads

if TYPE_CHECKING:
    from margingate_server.files.spn import SpnParts

Link = tuple[CommodityDefinition, Decimal]
"""The commodity of a family, and the family's scaling factor in it."""

_DELTA_MAX = 10**6


def assemble(parts: "SpnParts", *, net_is_floored: bool) -> SpanFile:
    """The file as contracts and parameters; InvalidInput for parts that do not fit together."""
    refused = dict(parts.refused)
    links = _links(parts.definitions)
    periods = {
        (family.id, single.contract_id): single.period
        for family in parts.families
        for single in family.singles
    }
    columns, codes = ContractColumns(), list[str]()
    for number, family in enumerate(parts.families):
        link = links.get(family.key)
        if link is None:
            refused[family.path] = "is in no combined commodity"
            continue
        if family.kind == "OOP" and parts.delta_method not in {"", "PERIOD"}:
            refused[link[0].code] = f"oopDeltaMeth {parts.delta_method} is not known"
        for path, row in _rows(family, link, periods):
            columns.add(path, row, number)
            codes.append(link[0].code)
        # What is in the columns need not be kept a second time.
        family.series.clear()
    refused |= {each.code: each.refusal for each in parts.definitions.values() if each.refusal}
    inter_spreads, spread_refusals = _inter_spreads(parts)
    return SpanFile(
        business_date=parts.business_date,
        is_settlement=parts.is_settlement,
        parameters=SpanCcParameters(
            commodities=tuple(
                _commodity(each, parts, links, net_is_floored=net_is_floored)
                for each in parts.definitions.values()
            ),
            inter_spreads=inter_spreads,
        ),
        contracts=SpanContracts(columns, codes),
        refused=refused | spread_refusals,
    )


def _links(definitions: Mapping[str, CommodityDefinition]) -> dict[tuple[str, str], Link]:
    links: dict[tuple[str, str], Link] = {}
    for definition in definitions.values():
        for exchange, family_id, scaling in definition.links:
            if (exchange, family_id) in links:
                raise InvalidInput(f"{definition.path}/pfLink", f"{family_id} is linked twice")
            links[exchange, family_id] = definition, scaling
    return links


def _rows(
    family: Family, link: Link, periods: Mapping[tuple[str, str], int]
) -> Iterator[tuple[str, ContractRow]]:
    definition, family_scaling = link
    prefix = f"{family.exchange}/{family.code}/{family.kind}"
    for single in family.singles:
        path = f"{family.path}/{single.period}"
        scaling = family_scaling * single.scaling
        yield (
            path,
            ContractRow(
                key=f"{prefix}//{single.period}//",
                loss=_scaled(single.published, definition, path),
                delta_nano=_delta(single.published.delta * scaling, path),
                period=single.period,
                right=None,
                minimum_period=single.period,
                option_value=0,
            ),
        )
    for series in family.series:
        path = f"{family.path}/{series.path}"
        period = _delta_period(family, series, periods, path)
        scaling = family_scaling * series.scaling
        for option in series.options:
            here = f"{path}/opt[{option.right.value} {option.strike}]"
            factor = option.factor or series.factor or family.factor
            value = option.price * factor * definition.multiple * 10**6
            if value >= MICRO_MAX:
                raise InvalidInput(f"{here}/p", "is out of range")
            yield (
                here,
                ContractRow(
                    key=f"{prefix}/{option.right.value}/{period}/{series.period}/{option.strike}",
                    loss=_scaled(option.published, definition, here),
                    delta_nano=_delta(option.published.delta * scaling, here),
                    period=period,
                    right=option.right,
                    minimum_period=series.period,
                    option_value=round(value) if family.is_premium_style else 0,
                ),
            )


def _delta_period(
    family: Family, series: Series, periods: Mapping[tuple[str, str], int], path: str
) -> int:
    """Options on futures have their deltas in the future's period, others in their own."""
    if family.kind != "OOF":
        return series.period
    if series.underlying is None or series.underlying not in periods:
        raise InvalidInput(f"{path}/undC", "names no future of the file")
    return periods[series.underlying]


def _scaled(published: Published, definition: CommodityDefinition, path: str) -> Sequence[int]:
    if definition.multiple == 1:
        return published.loss
    scaled = tuple(round(loss * definition.multiple) for loss in published.loss)
    if any(abs(loss) >= MICRO_MAX for loss in scaled):
        raise InvalidInput(f"{path}/ra/a", "holds a number that is out of range")
    return scaled


def _delta(delta: Decimal, path: str) -> int:
    if abs(delta) >= _DELTA_MAX:
        raise InvalidInput(f"{path}/ra/d", "is out of range")
    return round(delta * NANO)


def _commodity(
    definition: CommodityDefinition,
    parts: "SpnParts",
    links: Mapping[tuple[str, str], Link],
    *,
    net_is_floored: bool,
) -> CombinedCommodity:
    ranges = [
        money
        for family in parts.families
        if family.key in links and links[family.key][0] is definition
        for money in _scan_ranges(family, links[family.key][1])
    ]
    try:
        return CombinedCommodity(
            code=definition.code,
            currency=definition.currency,
            price_risk_method=definition.price_risk_method,
            # The smallest of several: a cap gives less credit and more charge than any other.
            price_scan_range=min(ranges, default=Decimal(0)) * definition.multiple,
            minimum_method=definition.minimum_method,
            minimum_rates=definition.minimum_rates,
            caps_option_value=definition.caps_option_value,
            net_is_floored=net_is_floored,
            tiers=definition.tiers,
            spreads=definition.spreads,
            spot_rates=definition.spot_rates,
            account_ratios=account_ratios(definition, parts.rate_definitions),
        )
    except InvalidInput as wrong:
        raise within(definition.path, wrong) from None


def _scan_ranges(family: Family, scaling: Decimal) -> Iterator[Decimal]:
    """Scan range of every future in money per delta."""
    for single in family.singles:
        scale = single.scaling * scaling
        if family.kind == "FUT" and single.scan_range and scale > 0:
            yield round(single.scan_range * family.factor / scale, 9)


def _inter_spreads(parts: "SpnParts") -> tuple[tuple[InterSpread, ...], dict[str, str]]:
    """Spreads that can form credits; without all that a refused one is linked with. [SCC-19]"""
    found = [
        each
        for element in parts.inter_spreads
        for each in read_inter_spreads(element, parts.definitions)
    ]
    made = [spread for _, spread, _, _ in found if spread is not None]
    touched = linked(made, {code for _, _, codes, refusal in found if refusal for code in codes})
    refused = {f"spread {number}": refusal for number, _, _, refusal in found if refusal}
    refused |= {
        f"spread {each.priority}": "is linked with a spread that is not known"
        for each in made
        if each.codes & touched
    }
    return tuple(each for each in made if not each.codes & touched), refused
