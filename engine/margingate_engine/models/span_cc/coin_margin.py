"""What one underlying requires under the model `span_cc`, before credits. [SCC-25, SCC-28]"""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from margingate_engine.core.amounts import MICRO
from margingate_engine.models.span_cc.bounds import CalendarPrices, spot_bound
from margingate_engine.models.span_cc.calendar import calendar_charge
from margingate_engine.models.span_cc.deltas import Deltas
from margingate_engine.models.span_cc.parameters import CombinedCommodity
from margingate_engine.models.span_cc.scan import scan, weighted_price_risk
from margingate_engine.models.span_cc.spot import spot_charge
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.margin_model import NO_SCENARIO
from margingate_engine.portfolio.order_totals import OrderTotals

NO_LOSS_WORDS = "no scenario loses"
_NANO_PER_MICRO = 1_000


class DatedCoin(NamedTuple):
    """An underlying on a market date, and what its calendar spreads can charge orders."""

    commodity: CombinedCommodity
    prices: CalendarPrices

    @classmethod
    def of(cls, commodity: CombinedCommodity) -> "DatedCoin":
        """With the prices worked out, once for all accounts."""
        return cls(commodity, CalendarPrices(commodity))


class CoinMargin(NamedTuple):
    """Parts of the requirement, whole 1e-6 USD >= 0, and what spreads with others rest on.

    scenario: number from 1 of the active one, NO_SCENARIO when none loses. left: deltas that the
    calendar spreads left, in USD, long positive; price_risk: weighted, 1e-6 USD per delta; both 0
    where there are orders, which get no credit.
    """

    underlying: str
    words: str
    scan: int
    calendar: int
    delivery: int
    minimum: int
    scenario: int
    left: Fraction
    price_risk: Fraction
    has_orders: bool


def coin_margin(totals: GroupTotals, holds: Sequence[OrderTotals]) -> CoinMargin:
    """Parts of positions, or no less than those of any fills of the orders. [SCC-16, SCC-28]"""
    row_r = totals.worst_rows(holds)
    active = int(row_r[:-1].argmin())
    is_loss = row_r[active] < row_r[-1]
    dated: DatedCoin = totals.arrays.own[totals.group.underlying]
    charges = _upper_charges(dated, totals, holds) if holds else _charges(dated.commodity, totals)
    calendar, delivery, left, price_risk = charges
    return CoinMargin(
        underlying=totals.group.underlying,
        words=totals.group.descriptions[active] if is_loss else NO_LOSS_WORDS,
        scan=-int(row_r.min()),
        calendar=ceil(calendar),
        delivery=ceil(delivery),
        minimum=totals.worst_minimum(holds),
        scenario=active + 1 if is_loss else NO_SCENARIO,
        left=left,
        price_risk=price_risk,
        has_orders=bool(holds),
    )


class _Charges(NamedTuple):
    calendar: Fraction
    delivery: Fraction
    left: Fraction
    price_risk: Fraction


def _charges(commodity: CombinedCommodity, totals: GroupTotals) -> _Charges:
    deltas = Deltas(
        {period: _NANO_PER_MICRO * delta for period, delta in totals.features().items() if delta}
    )
    price_risk = weighted_price_risk(
        scan([int(pnl) for pnl in totals.rows[:-1]]),
        deltas.net_left,
        commodity.price_risk_method,
        MICRO * Fraction(commodity.price_scan_range),
    )
    calendar = calendar_charge(commodity, deltas, price_risk)
    # Second, since delivery asks what the calendar spreads took. [SCC-08]
    delivery = spot_charge(commodity, deltas)
    return _Charges(calendar, delivery, deltas.net_left, price_risk)


def _upper_charges(dated: DatedCoin, totals: GroupTotals, holds: Sequence[OrderTotals]) -> _Charges:
    highest, lowest = totals.extreme_features(holds)
    ranges = {
        period: (_NANO_PER_MICRO * lowest[period], _NANO_PER_MICRO * high)
        for period, high in highest.items()
    }
    calendar, delivery = dated.prices.bound(ranges), spot_bound(dated.commodity, ranges)
    return _Charges(calendar, delivery, left=Fraction(0), price_risk=Fraction(0))
