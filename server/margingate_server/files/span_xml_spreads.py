"""Spreads between commodities of an XML SPAN file. [SCC-11, SCC-12, SCC-19]"""

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.inter_parameters import InterLeg, InterSpread
from margingate_engine.models.span_cc.kinds import InterMethod, Side
from margingate_server.files.span_xml import child_decimal, child_flag, child_text, child_whole
from margingate_server.files.span_xml_commodities import (
    CommodityDefinition,
    rate_of,
    side_of,
    within,
)

Found = tuple[int, InterSpread | None, frozenset[str], str]
"""Priority, the spread or None, the commodities it names, and why it is refused, or empty."""


def read_inter_spreads(
    element: Element, definitions: Mapping[str, CommodityDefinition]
) -> list[Found]:
    """Every spread of `interSpreads`, those that cannot form credits with the reason."""
    found = []
    for spread in element:
        if not len(spread):
            continue
        if spread.tag not in {"dSpread", "hSpread"}:
            raise InvalidInput(f"interSpreads/{spread.tag}", "is not known")
        number = child_whole(spread, "spread", f"interSpreads/{spread.tag}")
        path = f"interSpreads/{spread.tag}[{number}]"
        codes = frozenset((code.text or "").strip() for code in spread.iterfind(".//cc"))
        refusal = _refusal(spread, path, codes, definitions)
        made = None if refusal else _spread(spread, number, path)
        found.append((number, made, codes, refusal))
    return found


def _refusal(
    spread: Element,
    path: str,
    codes: frozenset[str],
    definitions: Mapping[str, CommodityDefinition],
) -> str:
    for code in sorted(codes):
        if code not in definitions:
            return f"{code} is not in the file"
        if definitions[code].refusal:
            return f"{code}: {definitions[code].refusal}"
        if definitions[code].inter_tiers > 1:
            return f"{code} spreads its tiers apart"
    if len({definitions[code].currency for code in codes}) > 1:
        return "its legs have different currencies"
    if spread.find("pLeg") is not None or spread.find("rpLeg") is not None:
        return "a leg of a single period is not known between commodities"
    method = (spread.findtext("chargeMeth") or "").strip()
    if spread.tag == "dSpread" and method != "W":
        return f"chargeMeth {method or 'of none'} is not known between commodities"
    if spread.tag == "hSpread" and any(leg.find("i") is None for leg in spread.iterfind("sLeg")):
        return "a leg says no deltas per spread"
    return "its rate is no fraction" if rate_of(spread, path) > 1 else ""


def _spread(spread: Element, number: int, path: str) -> InterSpread:
    try:
        if spread.tag == "dSpread":
            return _delta_spread(spread, number, path)
        return _scanning_spread(spread, number, path)
    except InvalidInput as wrong:
        raise within(path, wrong) from None


def _delta_spread(spread: Element, number: int, path: str) -> InterSpread:
    rate = rate_of(spread, path)
    legs = tuple(
        InterLeg(
            commodity=child_text(leg, "cc", f"{path}/tLeg"),
            ratio=child_decimal(leg, "i", f"{path}/tLeg"),
            side=side_of(leg, f"{path}/tLeg"),
            credit_rate=rate,
            is_required=True,
        )
        for leg in spread.iterfind("tLeg")
    )
    return InterSpread(
        priority=number,
        method=InterMethod.DELTA,
        legs=legs,
        target=None,
        target_ratio=None,
        legs_min=len(legs),
    )


def _scanning_spread(spread: Element, number: int, path: str) -> InterSpread:
    rate = rate_of(spread, path)
    target, legs = None, []
    for leg in spread.iterfind("sLeg"):
        here = f"{path}/sLeg"
        made = InterLeg(
            commodity=child_text(leg, "cc", here),
            ratio=child_decimal(leg, "i", here),
            # Scanning knows no sides: what a leg loses and gains says it.
            side=Side.A,
            credit_rate=rate,
            is_required=child_flag(leg, "isRequired", here),
        )
        legs.append(made)
        if child_flag(leg, "isTarget", here):
            target = made
    if target is None:
        raise InvalidInput("sLeg/isTarget", "is missing")
    return InterSpread(
        priority=number,
        method=InterMethod.SCANNING,
        legs=tuple(legs),
        target=target.commodity,
        target_ratio=target.ratio,
        legs_min=2,
    )
