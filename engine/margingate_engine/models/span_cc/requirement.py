"""The requirement of every combined commodity of an account, positions alone. [SCC-10 to SCC-15]"""

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from margingate_engine.core.amounts import MICRO
from margingate_engine.models.span_cc.calendar import calendar_charge
from margingate_engine.models.span_cc.combined_scan import Exposure, combine_scans
from margingate_engine.models.span_cc.deltas import Deltas
from margingate_engine.models.span_cc.inter import delta_credits
from margingate_engine.models.span_cc.minimum import short_option_minimum
from margingate_engine.models.span_cc.parameters import CombinedCommodity, SpanCcParameters
from margingate_engine.models.span_cc.scan import Scan, scan, weighted_price_risk
from margingate_engine.models.span_cc.spot import spot_charge
from margingate_engine.models.span_cc.totals import CommodityTotals

MINIMUM_BINDS = -1


class CommodityRisk(NamedTuple):
    """Requirement of a combined commodity, whole 1e-6 of its margin currency.

    Charges and the minimum rounded up, the credit down. scenario: number from 1 of the active
    point, MINIMUM_BINDS where the short option minimum is larger. option_value: net, signed.
    available: of it, what the commodity's rules let count.
    """

    scan: int
    calendar: int
    spot: int
    credit: int
    minimum: int
    scenario: int
    option_value: int
    available: int
    net: int

    @property
    def risk(self) -> int:
        """The gross requirement: charges less credits, or the minimum. [SCC-10]"""
        charged = self.scan + self.calendar + self.spot - self.credit
        return max(charged, self.minimum)


class Inside(NamedTuple):
    """What a commodity is charged by itself, and what it brings to spreads with others."""

    calendar: Fraction
    spot: Fraction
    net: Fraction
    left: Fraction


def requirements(
    parameters: SpanCcParameters, totals_by_code: Mapping[str, CommodityTotals]
) -> dict[str, CommodityRisk]:
    """Requirement of every commodity that is held or takes up the risk of others, by code."""
    held = {code: totals_by_code[code] for code in sorted(totals_by_code)}
    by_code = {each.code: each for each in parameters.commodities}
    inside = {code: _inside(by_code[code], totals) for code, totals in held.items()}
    spreads = parameters.inter_spreads
    exposures = combine_scans(
        spreads,
        {
            code: Exposure(totals.pnl_s, inside[code].net, inside[code].left)
            for code, totals in held.items()
            if not totals.is_empty
        },
    )
    scans = {code: scan(list(each.pnl_s)) for code, each in exposures.items()}
    credits_by_code = delta_credits(
        spreads,
        {code: each.left for code, each in exposures.items()},
        {
            code: _price_risk(by_code[code], scans[code], each.net)
            for code, each in exposures.items()
        },
    )
    return {
        code: _risk(
            by_code[code],
            held.get(code, CommodityTotals()),
            inside.get(code),
            scans.get(code),
            credits_by_code.get(code, Fraction(0)),
        )
        for code in sorted({*held, *scans})
    }


def initial_and_maintenance(
    commodity: CombinedCommodity, risk: int, account_type: str
) -> tuple[int, int]:
    """Initial and maintenance margin of a type of account, rounded up. [SCC-15]"""
    ratio = commodity.ratio(account_type)
    maintenance = ceil(risk * Fraction(ratio.maintenance))
    return ceil(maintenance * Fraction(ratio.initial)), maintenance


def _inside(commodity: CombinedCommodity, totals: CommodityTotals) -> Inside:
    deltas = Deltas(totals.delta_by_period)
    net = deltas.net_left
    price_risk = _price_risk(commodity, scan(list(totals.pnl_s)), net)
    calendar = calendar_charge(commodity, deltas, price_risk)
    return Inside(calendar, spot_charge(commodity, deltas), net, deltas.net_left)


def _price_risk(commodity: CombinedCommodity, scanned: Scan, net_delta: Fraction) -> Fraction:
    return weighted_price_risk(
        scanned,
        net_delta,
        commodity.price_risk_method,
        MICRO * Fraction(commodity.price_scan_range),
    )


def _risk(
    commodity: CombinedCommodity,
    totals: CommodityTotals,
    inside: Inside | None,
    scanned: Scan | None,
    credit: Fraction,
) -> CommodityRisk:
    found = CommodityRisk(
        scan=scanned.risk if scanned else 0,
        calendar=ceil(inside.calendar) if inside else 0,
        spot=ceil(inside.spot) if inside else 0,
        credit=floor(credit),
        minimum=ceil(short_option_minimum(commodity, totals.shorts)),
        scenario=scanned.point if scanned else 1,
        option_value=totals.option_value,
        available=totals.option_value,
        net=0,
    )
    if found.minimum > found.scan + found.calendar + found.spot - found.credit:
        found = found._replace(scenario=MINIMUM_BINDS)
    if commodity.caps_option_value:
        found = found._replace(available=min(found.option_value, found.risk))
    net = found.risk - found.available
    return found._replace(net=max(0, net) if commodity.net_is_floored else net)
