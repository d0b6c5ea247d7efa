"""SPAN parameter files in XML, format 4.00 (`.spn`), read as a stream. [SCC-18, SCC-19]"""

from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from margingate_engine.core.errors import InvalidInput
from margingate_server.files.span_file import SpanFile
from margingate_server.files.span_xml import (
    Watch,
    child_flag,
    child_text,
    child_whole,
    finished_elements,
    period_text,
)
from margingate_server.files.span_xml_assembly import assemble
from margingate_server.files.span_xml_commodities import CommodityDefinition, read_commodity
from margingate_server.files.span_xml_families import (
    OPTIONS,
    SINGLE,
    Family,
    Series,
    read_family,
    read_series,
)
from margingate_server.files.span_xml_ratios import RateDefinition, read_rate_definition

FILE_FORMATS = {"4.00"}


@dataclass(slots=True)
class SpnParts:
    """What was read so far."""

    business_date: int = 0
    is_settlement: bool = False
    delta_method: str = ""
    families: list[Family] = field(default_factory=list)
    definitions: dict[str, CommodityDefinition] = field(default_factory=dict)
    rate_definitions: list[RateDefinition] = field(default_factory=list)
    inter_spreads: list[Element] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def read_spn(path: Path, *, net_is_floored: bool, watch: Watch | None = None) -> SpanFile:
    """The parameters, arrays and deltas of a file; InvalidInput with the path of what is wrong.

    net_is_floored: whether the exchange floors risk less option value at 0, which no file says.
    Arrays are taken as they are published. Memory: columns of the contracts and one product family.
    watch: told how many bytes were read.
    """
    parts, series = SpnParts(), list[Series]()
    first_of_exchange = 0
    is_whole = False
    for element in finished_elements(path, watch):
        tag = element.tag
        if tag == "series":
            series.append(read_series(element))
            element.clear()
        elif tag in SINGLE or tag in OPTIONS:
            parts.families.append(read_family(element, series))
            series = []
            element.clear()
        elif tag.endswith("Pf") and tag != "undPf":
            _refuse_family(element, parts)
            series = []
            element.clear()
        elif tag == "exchange":
            _name_exchange(element, parts.families[first_of_exchange:])
            first_of_exchange = len(parts.families)
            element.clear()
        elif tag in _READERS:
            _READERS[tag](element, parts)
        is_whole = tag == "spanFile"
    if not is_whole:
        raise InvalidInput("spanFile", "is not the document element")
    if not parts.business_date:
        raise InvalidInput("spanFile/pointInTime", "is missing")
    return assemble(parts, net_is_floored=net_is_floored)


def _refuse_family(element: Element, parts: SpnParts) -> None:
    code = child_text(element, "pfCode", element.tag)
    parts.refused[f"{element.tag}[{code}]"] = f"contracts of a {element.tag} are not known"


def _name_exchange(element: Element, families: list[Family]) -> None:
    name = child_text(element, "exch", "exchange")
    for family in families:
        family.exchange = name


def _commodity(element: Element, parts: SpnParts) -> None:
    definition = read_commodity(element)
    if definition.code in parts.definitions:
        raise InvalidInput(definition.path, "is defined a second time")
    parts.definitions[definition.code] = definition
    element.clear()


def _inter_spreads(element: Element, parts: SpnParts) -> None:
    parts.inter_spreads.append(element)


def _rate_definition(element: Element, parts: SpnParts) -> None:
    parts.rate_definitions.append(read_rate_definition(element))


def _clearing_organisation(element: Element, parts: SpnParts) -> None:
    parts.delta_method = (element.findtext("oopDeltaMeth") or "").strip().upper()


def _point_in_time(element: Element, parts: SpnParts) -> None:
    date = period_text(child_text(element, "date", "pointInTime"), "pointInTime/date")
    if parts.business_date:
        raise InvalidInput("pointInTime", "is there a second time")
    parts.business_date = date
    parts.is_settlement = child_flag(element, "isSetl", "pointInTime")


def _file(element: Element, _: SpnParts) -> None:
    version = child_text(element, "fileFormat", "spanFile")
    if version not in FILE_FORMATS:
        raise InvalidInput("spanFile/fileFormat", f"{version} is not known")


def _scan_point(element: Element, _: SpnParts) -> None:
    """Refuse a file whose scenarios stand in another order than the sixteen of SPAN."""
    number = child_whole(element, "point", "scanPointDef")
    pair = child_whole(element, "pairedPoint", f"scanPointDef[{number}]")
    expected = number if number > 14 else ((number - 1) ^ 1) + 1
    if not 1 <= number <= 16 or pair != expected:
        raise InvalidInput(f"scanPointDef[{number}]", "is not one of the sixteen points")


_READERS = {
    "ccDef": _commodity,
    "interSpreads": _inter_spreads,
    "pbRateDef": _rate_definition,
    "clearingOrg": _clearing_organisation,
    "pointInTime": _point_in_time,
    "scanPointDef": _scan_point,
    "spanFile": _file,
}
