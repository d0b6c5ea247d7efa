"""What a portfolio requires by a SPAN file, commodity by commodity. [SCC-29]"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from margingate_engine.core.amounts import MICRO
from margingate_engine.core.errors import InvalidInput, MissingData
from margingate_engine.models.span_cc.parameters import CombinedCommodity
from margingate_engine.models.span_cc.requirement import (
    CommodityRisk,
    initial_and_maintenance,
    requirements,
)
from margingate_engine.models.span_cc.scan import Scan, scan, weighted_price_risk
from margingate_engine.models.span_cc.totals import CommodityTotals, ContractRisk
from margingate_server.files.span_file import SpanFile


@dataclass(frozen=True, slots=True, kw_only=True)
class CommodityFigures:
    """One combined commodity, money in 1e-6 of its currency.

    scanned: of its own positions, before any spread with others; loss: theirs in the active point,
    negative for a gain. weighted: price risk per delta. margins: (initial, maintenance) by type of
    account.
    """

    code: str
    currency: str
    lots: int
    scanned: Scan
    loss: int
    weighted: Fraction
    risk: CommodityRisk
    margins: Mapping[str, tuple[int, int]]

    @property
    def vol_risk(self) -> Fraction:
        """Loss in the active point beyond that without a change of vol. [SCC-05]"""
        twice_adjusted = self.scanned.twice_time_risk + self.scanned.twice_price_risk
        return self.loss - Fraction(twice_adjusted, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioFigures:
    """Requirements by commodity, in order. without: contracts that have none, with the reason."""

    commodities: tuple[CommodityFigures, ...]
    without: Mapping[str, str]

    def totals(self) -> list[tuple[str, str, int, int]]:
        """(currency, type of account, initial, maintenance) of types that all commodities have."""
        found = []
        for currency in sorted({each.currency for each in self.commodities}):
            own = [each.margins for each in self.commodities if each.currency == currency]
            for name in sorted(set.intersection(*(set(margins) for margins in own))):
                initial, maintenance = (sum(each[name][at] for each in own) for at in (0, 1))
                found.append((currency, name, initial, maintenance))
        return found


def portfolio_figures(file: SpanFile, lots_by_contract: Mapping[str, int]) -> PortfolioFigures:
    """Requirements of signed lots; InvalidInput where sums are out of range."""
    totals: dict[str, CommodityTotals] = {}
    without: dict[str, str] = {}
    for key, lots in lots_by_contract.items():
        found = _position(file, key)
        if isinstance(found, str):
            without[key] = found
        elif lots:
            code, contract = found
            _add(totals.setdefault(code, CommodityTotals()), key, contract, lots)
    by_code = {each.code: each for each in file.parameters.commodities}
    return PortfolioFigures(
        commodities=tuple(
            _figures(by_code[code], totals.get(code, CommodityTotals()), risk)
            for code, risk in requirements(file.parameters, totals).items()
        ),
        without=without,
    )


def contracts_by_commodity(file: SpanFile, keys: Iterable[str]) -> dict[str, int]:
    """How many of the contracts each commodity has."""
    counts: dict[str, int] = {}
    for key in keys:
        code = file.contracts.code(key)
        counts[code] = counts.get(code, 0) + 1
    return counts


def _position(file: SpanFile, key: str) -> tuple[str, ContractRisk] | str:
    """Commodity and risk of a contract, or why it has no requirement."""
    try:
        return file.position_risk(key)
    except MissingData:
        return "is not in the file, or of a product that is refused"
    except InvalidInput as refused:
        return f"{refused.field}: {refused.problem}"


def _add(totals: CommodityTotals, key: str, contract: ContractRisk, lots: int) -> None:
    try:
        totals.add(contract, lots)
    except InvalidInput as wrong:
        raise InvalidInput(key, f"{wrong.field} {wrong.problem}") from None


def _figures(
    commodity: CombinedCommodity, totals: CommodityTotals, risk: CommodityRisk
) -> CommodityFigures:
    scanned = scan([int(pnl) for pnl in totals.pnl_s])
    return CommodityFigures(
        code=commodity.code,
        currency=commodity.currency,
        lots=totals.lots,
        scanned=scanned,
        loss=-int(totals.pnl_s.min()),
        weighted=weighted_price_risk(
            scanned,
            Fraction(totals.net_delta_nano, 10**9),
            commodity.price_risk_method,
            MICRO * Fraction(commodity.price_scan_range),
        ),
        risk=risk,
        margins={
            each.account_type: initial_and_maintenance(commodity, risk.risk, each.account_type)
            for each in commodity.account_ratios
        },
    )
