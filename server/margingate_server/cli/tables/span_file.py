"""What a SPAN file holds, and what a portfolio requires by it."""

from collections.abc import Mapping
from fractions import Fraction

from rich.console import Group, RenderableType
from rich.text import Text

from margingate_engine.core.amounts import MICRO, NANO, whole
from margingate_engine.models.span_cc.requirement import MINIMUM_BINDS
from margingate_server.cli.tables.layout import BAD, facts, table
from margingate_server.cli.tables.texts import NONE, money_text
from margingate_server.files.span_file import SpanFile
from margingate_server.span_margin.figures import CommodityFigures, PortfolioFigures

_HOLDS = (
    *("commodity", "currency", ">contracts", ">tiers", ">calendar", ">delivery", "minimum"),
    *("price risk", "account types"),
)
_REQUIRES = (
    *("commodity", "", ">lots", ">scan", ">point", ">price risk", ">time risk", ">vol risk"),
    *(">calendar", ">delivery", ">credit", ">minimum", ">risk", ">option value", ">net"),
)


def file_table(file: SpanFile, counts: Mapping[str, int]) -> RenderableType:
    """Commodities with how many contracts and spreads they have, then what is refused and why."""
    state = "settlement" if file.is_settlement else "intraday"
    holds = table(*_HOLDS, title=f"{_date_text(file.business_date)}, {state}")
    for each in file.parameters.commodities:
        if each.code in file.refused:
            continue
        holds.add_row(
            each.code,
            each.currency,
            str(counts.get(each.code, 0)),
            str(len(each.tiers)),
            str(len(each.spreads)),
            str(len(each.spot_rates)),
            f"{each.minimum_method.value}, {len(each.minimum_rates)}",
            each.price_risk_method.value,
            " ".join(ratio.account_type for ratio in each.account_ratios) or NONE,
        )
    parts: list[RenderableType] = [
        holds,
        facts(
            [
                ("contracts", str(len(file.contracts))),
                ("spreads between commodities", str(len(file.parameters.inter_spreads))),
            ]
        ),
    ]
    if file.refused:
        refused = table("refused", "reason", ">contracts")
        for name, reason in sorted(file.refused.items()):
            refused.add_row(name, reason, str(counts.get(name, 0)))
        parts.append(refused)
    return Group(*parts)


def portfolio_table(figures: PortfolioFigures) -> RenderableType:
    """A row per commodity, margins by type of account, and what has no requirement."""
    requires = table(*_REQUIRES)
    for each in figures.commodities:
        requires.add_row(*_cells(each))
    margins = table("commodity", "", "account type", ">initial", ">maintenance")
    for each in figures.commodities:
        for name, (initial, maintenance) in each.margins.items():
            margins.add_row(each.code, each.currency, name, _money(initial), _money(maintenance))
    for currency, name, initial, maintenance in figures.totals():
        margins.add_row(
            Text("total", style="bold"), currency, name, _money(initial), _money(maintenance)
        )
    parts: list[RenderableType] = [requires, *([margins] if margins.row_count else [])]
    if figures.without:
        without = table("without requirement", "why")
        for key, why in figures.without.items():
            without.add_row(Text(key, style=BAD), why)
        parts.append(without)
    return Group(*parts)


def file_facts(file: SpanFile, counts: Mapping[str, int]) -> dict[str, object]:
    """What the file holds, for programs."""
    return {
        "business_date": file.business_date,
        "is_settlement": file.is_settlement,
        "contracts": len(file.contracts),
        "spreads_between_commodities": len(file.parameters.inter_spreads),
        "commodities": [
            {
                "code": each.code,
                "currency": each.currency,
                "contracts": counts.get(each.code, 0),
                "tiers": len(each.tiers),
                "calendar_spreads": len(each.spreads),
                "delivery_rates": len(each.spot_rates),
                "minimum_method": each.minimum_method.value,
                "price_risk_method": each.price_risk_method.value,
                "account_types": [ratio.account_type for ratio in each.account_ratios],
            }
            for each in file.parameters.commodities
            if each.code not in file.refused
        ],
        "refused": dict(sorted(file.refused.items())),
    }


def portfolio_facts(figures: PortfolioFigures) -> dict[str, object]:
    """The requirements for programs: amounts as exact decimal text in the commodity's currency."""
    return {
        "commodities": [_facts(each) for each in figures.commodities],
        "totals": [
            {
                "currency": currency,
                "account_type": name,
                "initial": _exact(initial),
                "maintenance": _exact(maintenance),
            }
            for currency, name, initial, maintenance in figures.totals()
        ],
        "without_requirement": dict(figures.without),
    }


def _facts(each: CommodityFigures) -> dict[str, object]:
    risk = each.risk
    return {
        "code": each.code,
        "currency": each.currency,
        "lots": each.lots,
        "scan_risk": _exact(risk.scan),
        "active_scenario": _scenario(each),
        "is_minimum": risk.scenario == MINIMUM_BINDS,
        "price_risk": _exact(Fraction(each.scanned.twice_price_risk, 2)),
        "time_risk": _exact(Fraction(each.scanned.twice_time_risk, 2)),
        "vol_risk": _exact(each.vol_risk),
        "weighted_price_risk": _exact(Fraction(round(each.weighted * NANO), NANO)),
        "calendar_charge": _exact(risk.calendar),
        "delivery_charge": _exact(risk.spot),
        "inter_commodity_credit": _exact(risk.credit),
        "short_option_minimum": _exact(risk.minimum),
        "risk": _exact(risk.risk),
        "net_option_value": _exact(risk.option_value),
        "available_option_value": _exact(risk.available),
        "net": _exact(risk.net),
        "margins": {
            name: {"initial": _exact(initial), "maintenance": _exact(maintenance)}
            for name, (initial, maintenance) in each.margins.items()
        },
    }


def _cells(each: CommodityFigures) -> list[str]:
    risk = each.risk
    scanned = each.scanned
    return [
        each.code,
        each.currency,
        str(each.lots),
        _money(risk.scan),
        "minimum" if risk.scenario == MINIMUM_BINDS else str(_scenario(each)),
        _money(Fraction(scanned.twice_price_risk, 2)),
        _money(Fraction(scanned.twice_time_risk, 2)),
        _money(each.vol_risk),
        *map(_money, (risk.calendar, risk.spot, risk.credit, risk.minimum, risk.risk)),
        *map(_money, (risk.option_value, risk.net)),
    ]


def _scenario(each: CommodityFigures) -> int:
    """The active point; of the positions alone where the minimum is larger."""
    return each.scanned.point if each.risk.scenario == MINIMUM_BINDS else each.risk.scenario


def _exact(micro: Fraction | int) -> str:
    """An amount as decimal text; halves of a millionth and parts of 1e-9 of one are all there."""
    amount = Fraction(micro)
    return format((whole(amount.numerator, MICRO) / amount.denominator).normalize(), "f")


def _money(micro: Fraction | int) -> str:
    return money_text(_exact(micro))


def _date_text(period: int) -> str:
    return f"{period // 10_000:04d}-{period // 100 % 100:02d}-{period % 100:02d}"
