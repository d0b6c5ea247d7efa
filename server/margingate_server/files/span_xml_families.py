"""Product families of an XML SPAN file: their contracts, arrays and deltas. [SCC-18, SCC-19]"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple
from xml.etree.ElementTree import Element

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.totals import Right
from margingate_engine.scenarios.span_points import POINT_COUNT
from margingate_server.files.span_file import MICRO_MAX
from margingate_server.files.span_xml import (
    child_decimal,
    child_decimal_or,
    child_text,
    exact,
    micro_amounts,
    period_text,
)

SINGLE = {"phyPf": "phy", "futPf": "fut", "equityPf": "equity"}
"""Families whose contracts are futures or things, and the element of a contract."""

OPTIONS = {"oofPf", "oopPf", "ooePf"}
"""Families of options on futures, on physicals and on equities."""

_ONE = Decimal(1)


class Published(NamedTuple):
    """Array (1e-6) and composite delta of one lot, before any scaling."""

    loss: "array[int]"
    delta: Decimal


class Single(NamedTuple):
    """A future or a thing: period, id, scaling factor, scan range in money or None."""

    period: int
    contract_id: str
    scaling: Decimal
    scan_range: Decimal | None
    published: Published


class Option(NamedTuple):
    """An option of a series; price in the family's quotation, value factor to money."""

    right: Right
    strike: str
    price: Decimal
    factor: Decimal | None
    published: Published


@dataclass(slots=True, kw_only=True)
class Series:
    """Options of one expiry. underlying: family id and contract id of what they deliver."""

    path: str
    period: int
    scaling: Decimal
    factor: Decimal | None
    underlying: tuple[str, str] | None
    scan_range: Decimal | None
    options: list[Option]


@dataclass(slots=True, kw_only=True)
class Family:
    """A product: its contracts, and what its prices are multiplied with to be money."""

    path: str
    exchange: str
    id: str
    code: str
    kind: str
    factor: Decimal
    is_premium_style: bool
    singles: list[Single] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        """Exchange and id, by which commodities name their products."""
        return self.exchange, self.id


def read_family(element: Element, series: list[Series]) -> Family:
    """A family whose series were read before; its exchange is not known yet."""
    path = f"{element.tag}[{(element.findtext('pfCode') or '?').strip()}]"
    family = Family(
        path=path,
        exchange="",
        id=child_text(element, "pfId", path),
        code=child_text(element, "pfCode", path),
        kind=element.tag.removesuffix("Pf").upper(),
        factor=child_decimal(element, "cvf", path),
        is_premium_style=child_text(element, "valueMeth", path).upper() != "FUT",
        series=series,
    )
    if element.tag in SINGLE:
        family.singles = list(_singles(element, path))
    return family


def read_series(element: Element) -> Series:
    """The options of one expiry."""
    path = f"series[{(element.findtext('pe') or '?').strip()}]"
    return Series(
        path=path,
        period=period_text(child_text(element, "pe", path), f"{path}/pe"),
        scaling=child_decimal_or(element, "sc", path, _ONE),
        factor=_optional(element, "cvf", path),
        underlying=_underlying(element),
        scan_range=_scan_range(element, path),
        options=[_option(option, path) for option in element.iterfind("opt")],
    )


def _singles(element: Element, path: str) -> Iterator[Single]:
    for contract in element.iterfind(SINGLE[element.tag]):
        period = (contract.findtext("pe") or "").strip()
        here = f"{path}/{contract.tag}[{period or '?'}]"
        is_dated = bool(period.strip("0"))
        if not is_dated and element.tag == "futPf":
            raise InvalidInput(f"{here}/pe", "is missing")
        yield Single(
            period=period_text(period, f"{here}/pe") if is_dated else 0,
            contract_id=child_text(contract, "cId", here),
            scaling=child_decimal_or(contract, "sc", here, _ONE),
            scan_range=_scan_range(contract, here),
            published=_published(contract, here),
        )


def _option(option: Element, path: str) -> Option:
    right, strike = child_text(option, "o", f"{path}/opt"), child_text(option, "k", f"{path}/opt")
    here = f"{path}/opt[{right} {strike}]"
    if right not in {"C", "P"}:
        raise InvalidInput(f"{here}/o", "must be C or P")
    exact(strike, f"{here}/k")
    price = child_decimal(option, "p", here)
    if not 0 <= price * 10**6 < MICRO_MAX:
        raise InvalidInput(f"{here}/p", "is out of range")
    return Option(
        right=Right(right),
        strike=strike,
        price=price,
        factor=_optional(option, "cvf", here),
        published=_published(option, here),
    )


def _published(contract: Element, path: str) -> Published:
    """The array of the first rate; arrays of other rates may follow it."""
    published = contract.find("ra")
    if published is None:
        raise InvalidInput(f"{path}/ra", "is missing")
    texts = [(value.text or "").strip() for value in published.iterfind("a")]
    if len(texts) != POINT_COUNT:
        raise InvalidInput(f"{path}/ra", f"has {len(texts)} values instead of {POINT_COUNT}")
    return Published(
        # Packed: there are as many of these as the file has contracts.
        loss=array("q", micro_amounts(texts, f"{path}/ra/a")),
        delta=child_decimal(published, "d", f"{path}/ra"),
    )


def _scan_range(element: Element, path: str) -> Decimal | None:
    rate = element.find("scanRate")
    return None if rate is None else child_decimal(rate, "priceScan", f"{path}/scanRate")


def _underlying(element: Element) -> tuple[str, str] | None:
    under = element.find("undC")
    if under is None:
        return None
    return (under.findtext("pfId") or "").strip(), (under.findtext("cId") or "").strip()


def _optional(element: Element, name: str, path: str) -> Decimal | None:
    text = (element.findtext(name) or "").strip()
    return exact(text, f"{path}/{name}") if text else None
