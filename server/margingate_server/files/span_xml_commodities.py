"""Combined commodities of an XML SPAN file: tiers, spreads, minimums, ratios. [SCC-18, SCC-19]"""

from dataclasses import dataclass
from decimal import Decimal
from xml.etree.ElementTree import Element

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.calendar_parameters import (
    CalendarSpread,
    MinimumRate,
    SpotRate,
    SpreadLeg,
    Tier,
)
from margingate_engine.models.span_cc.kinds import (
    ChargeMethod,
    MinimumMethod,
    PriceRiskMethod,
    Side,
)
from margingate_server.files.span_xml import (
    child_decimal,
    child_decimal_or,
    child_flag,
    child_power_of_ten,
    child_text,
    child_whole,
    period_text,
)

LAST_PERIOD = 99991299

PRICE_RISK = {
    "NORMAL": PriceRiskMethod.NORMAL,
    "CAP": PriceRiskMethod.CAP,
    "SCANRANGE": PriceRiskMethod.SCANRANGE,
}
MINIMUM = {"GROSS": MinimumMethod.GROSS, "MAX": MinimumMethod.MAX}
CHARGE = {"F": ChargeMethod.FLAT, "P": ChargeMethod.PER_MONTH, "W": ChargeMethod.WEIGHTED}
_PLAIN = {"", "NONE", "NORMAL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CommodityDefinition:
    """What `ccDef` says. links: exchange, family id and scaling factor of its products.

    multiple: 10 to the power of the risk exponent, for every amount. adjustments: value and base of
    every adjustment rate by its number. refusal: why it cannot be margined, or empty.
    """

    path: str
    code: str
    currency: str
    multiple: Decimal
    links: tuple[tuple[str, str, Decimal], ...]
    price_risk_method: PriceRiskMethod
    minimum_method: MinimumMethod
    minimum_rates: tuple[MinimumRate, ...]
    caps_option_value: bool
    tiers: tuple[Tier, ...]
    inter_tiers: int
    spreads: tuple[CalendarSpread, ...]
    spot_rates: tuple[SpotRate, ...]
    adjustments: dict[int, tuple[Decimal, int]]
    refusal: str


def read_commodity(element: Element) -> CommodityDefinition:
    """One `ccDef`; InvalidInput with the path of what is malformed."""
    code = child_text(element, "cc", "ccDef")
    path = f"ccDef[{code}]"
    refusal = _refusal(element)
    multiple = child_power_of_ten(element, "riskExponent", path)
    return CommodityDefinition(
        path=path,
        code=code,
        currency=child_text(element, "currency", path),
        multiple=multiple,
        links=tuple(_link(link, path) for link in element.iterfind("pfLink")),
        price_risk_method=PRICE_RISK.get(_word(element, "wfprMeth"), PriceRiskMethod.NORMAL),
        minimum_method=MINIMUM.get(_word(element, "somMeth"), MinimumMethod.GROSS),
        minimum_rates=_minimum_rates(element, path, multiple),
        caps_option_value=child_flag(element, "capAnov", path),
        tiers=read_tiers(element, "intraTiers", path),
        inter_tiers=len(element.findall("interTiers/tier")),
        spreads=() if refusal else _spreads(element, code, path, multiple),
        spot_rates=tuple(
            SpotRate(
                period=period_text(child_text(rate, "pe", path), f"{path}/spotRate/pe"),
                spread_rate=multiple * child_decimal(rate, "sprd", f"{path}/spotRate"),
                outright_rate=multiple * child_decimal(rate, "outr", f"{path}/spotRate"),
            )
            for rate in first_rates(element, "spotRate")
        ),
        adjustments={
            child_whole(rate, "r", f"{path}/adjRate"): (
                child_decimal(rate, "val", f"{path}/adjRate"),
                int(child_decimal_or(rate, "baseR", f"{path}/adjRate", Decimal(0))),
            )
            for rate in element.iterfind("adjRate")
        },
        refusal=refusal,
    )


def read_tiers(element: Element, name: str, path: str) -> tuple[Tier, ...]:
    """Tiers of one kind; one without periods is all of them."""
    tiers = []
    for tier in element.iterfind(f"{name}/tier"):
        number = child_whole(tier, "tn", f"{path}/{name}/tier")
        here = f"{path}/{name}/tier[{number}]"
        first, last = _bound(tier, "sPe", here), _bound(tier, "ePe", here)
        tiers.append(
            Tier(
                number=number,
                first=0 if first is None else first,
                last=LAST_PERIOD if last is None else last,
            )
        )
    return tuple(tiers)


def first_rates(element: Element, name: str) -> list[Element]:
    """Rates of the smallest rate number: a file may give others for other classes of margin."""
    rates = element.findall(name)
    number = min(((rate.findtext("r") or "").strip() for rate in rates), default="")
    return [rate for rate in rates if (rate.findtext("r") or "").strip() == number]


def rate_of(element: Element, path: str) -> Decimal:
    """Value of the first rate of a spread or tier."""
    rates = first_rates(element, "rate")
    if not rates:
        raise InvalidInput(f"{path}/rate", "is missing")
    return child_decimal(rates[0], "val", f"{path}/rate")


def side_of(leg: Element, path: str) -> Side:
    """Side of a leg."""
    text = child_text(leg, "rs", path)
    if text not in {"A", "B"}:
        raise InvalidInput(f"{path}/rs", "must be A or B")
    return Side(text)


def _refusal(element: Element) -> str:
    for name, known in (
        ("procMeth", _PLAIN),
        ("wfprMeth", {"", *PRICE_RISK}),
        ("spotMeth", _PLAIN),
        ("somMeth", {"", *MINIMUM}),
    ):
        if (word := _word(element, name)) not in known:
            return f"{name} {word} is not known"
    if len(element.findall("scanTiers/tier")) > 1:
        return "scans its tiers apart"
    for spread in element.iterfind("dSpread"):
        method = _word(spread, "chargeMeth")
        if method not in CHARGE:
            return f"chargeMeth {method} of a spread is not known"
        if method == "P" and spread.find("tLeg") is not None:
            return "a charge per month between tiers is not known"
    if _word(element, "wfprMeth") in {"", "NORMAL"} and any(
        _word(spread, "chargeMeth") == "W" for spread in element.iterfind("dSpread")
    ):
        return "a charge of uncapped weighted price risk has no bound"
    return ""


def _spreads(
    element: Element, code: str, path: str, multiple: Decimal
) -> tuple[CalendarSpread, ...]:
    spreads = []
    for spread in element.iterfind("dSpread"):
        number = child_whole(spread, "spread", f"{path}/dSpread")
        here = f"{path}/dSpread[{number}]"
        method, rate = CHARGE[_word(spread, "chargeMeth")], rate_of(spread, here)
        try:
            spreads.append(
                CalendarSpread(
                    priority=number,
                    method=method,
                    rate=rate if method is ChargeMethod.WEIGHTED else multiple * rate,
                    legs=_legs(spread, code, here),
                )
            )
        except InvalidInput as wrong:
            raise within(here, wrong) from None
    return tuple(spreads)


def _legs(spread: Element, code: str, path: str) -> tuple[SpreadLeg, ...]:
    legs = []
    for leg in (*spread.iterfind("tLeg"), *spread.iterfind("pLeg")):
        here = f"{path}/{leg.tag}"
        if child_text(leg, "cc", here) != code:
            raise InvalidInput(f"{here}/cc", f"is not {code}")
        is_tier = leg.tag == "tLeg"
        legs.append(
            SpreadLeg(
                tier=child_whole(leg, "tn", here) if is_tier else None,
                period=None if is_tier else period_text(child_text(leg, "pe", here), f"{here}/pe"),
                ratio=child_decimal(leg, "i", here),
                side=side_of(leg, here),
            )
        )
    return tuple(legs)


def _minimum_rates(element: Element, path: str, multiple: Decimal) -> tuple[MinimumRate, ...]:
    tiers = read_tiers(element, "somTiers", path)
    elements = element.findall("somTiers/tier")
    return tuple(
        MinimumRate(
            first=tier.first,
            last=tier.last,
            rate=multiple * rate_of(each, f"{path}/somTiers/tier[{tier.number}]"),
        )
        for tier, each in zip(tiers, elements, strict=True)
    )


def _link(link: Element, path: str) -> tuple[str, str, Decimal]:
    here = f"{path}/pfLink"
    return (
        child_text(link, "exch", here),
        child_text(link, "pfId", here),
        child_decimal_or(link, "sc", here, Decimal(1)),
    )


def _bound(tier: Element, name: str, path: str) -> int | None:
    text = (tier.findtext(name) or "").strip()
    if not text.strip("0"):
        return None
    return period_text(text, f"{path}/{name}", last=name == "ePe")


def _word(element: Element, name: str) -> str:
    return (element.findtext(name) or "").strip().upper()


def within(path: str, wrong: InvalidInput) -> InvalidInput:
    """The same mistake, its field under a path."""
    is_inside = wrong.field.startswith(path)
    return InvalidInput(wrong.field if is_inside else f"{path}/{wrong.field}", wrong.problem)
