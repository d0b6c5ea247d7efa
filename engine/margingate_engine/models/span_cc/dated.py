"""Tiers and deliveries of a day: combined commodities on a market date. [SCC-24, SCC-25]"""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from margingate_engine.core.arrays import IntArray
from margingate_engine.core.times import DAY_NS
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import NEVER_NS, InstrumentTable
from margingate_engine.models.span_cc.calendar_parameters import (
    CalendarSpread,
    SpotRate,
    SpreadLeg,
    Tier,
)
from margingate_engine.models.span_cc.coin_parameters import UnderlyingParameters
from margingate_engine.models.span_cc.coin_tables import CalendarTable
from margingate_engine.models.span_cc.kinds import ChargeMethod, MinimumMethod, Side
from margingate_engine.models.span_cc.parameters import CombinedCommodity

COIN_PERIOD = 0
"""Period of coins; perpetuals have those from 1 to 9,999,999, below every date."""

_EPOCH = date(1970, 1, 1)
_LAST_PERIOD = 9999_12_31


def periods(table: InstrumentTable) -> IntArray:
    """Period of every instrument, (I,): the UTC date of its expiry as CCYYMMDD. [SCC-24]

    A perpetual has one of its own; spot has that of coins.
    """
    never_i = np.where(table.is_spot_i, COIN_PERIOD, 1 + np.arange(len(table), dtype=np.int64))
    days, index_i = np.unique(table.expiry_ns_i // DAY_NS, return_inverse=True)
    is_date = days < NEVER_NS // DAY_NS
    dates = [_period(int(day)) if ok else 0 for day, ok in zip(days, is_date, strict=True)]
    dated_i = np.array(dates, dtype=np.int64)[index_i] if len(table) else never_i
    return np.where(table.expiry_ns_i == NEVER_NS, never_i, dated_i)


def dated_commodity(
    name: str,
    parameters: UnderlyingParameters,
    table: InstrumentTable,
    snapshot: MarketSnapshot,
) -> CombinedCommodity:
    """The underlying as a combined commodity on the market date; one delta is 1 USD of the coin."""
    today = snapshot.market_time_ns // DAY_NS
    scan = parameters.scan
    starts = [_period(today + days) for days in parameters.tier_days[1:]]
    ends = [_period(today + days - 1) for days in parameters.tier_days[1:]]
    return CombinedCommodity(
        code=name,
        currency="USD",
        price_risk_method=scan.price_risk_method,
        price_scan_range=scan.price_scan_range,
        minimum_method=MinimumMethod.GROSS,
        minimum_rates=(),
        caps_option_value=False,
        net_is_floored=False,
        tiers=tuple(
            Tier(number=number, first=first, last=last)
            for number, (first, last) in enumerate(
                zip((COIN_PERIOD, *starts), (*ends, _LAST_PERIOD), strict=True), 1
            )
        ),
        spreads=tuple(_spread(each) for _, each in sorted(parameters.spreads.items())),
        spot_rates=tuple(
            SpotRate(
                period=period,
                spread_rate=scan.delivery_spread_rate,
                outright_rate=scan.delivery_outright_rate,
            )
            for period in _delivered(name, table, today, int(scan.delivery_days))
        ),
        account_ratios=(),
    )


def _delivered(name: str, table: InstrumentTable, today: int, days: int) -> list[int]:
    """Periods that are delivered in fewer than so many days."""
    if name not in table.underlyings:
        return []
    own_i = table.underlying_i == table.underlyings.index(name)
    day_i = table.expiry_ns_i[own_i] // DAY_NS
    return [_period(int(day)) for day in np.unique(day_i) if today <= day < today + days]


def _spread(each: CalendarTable) -> CalendarSpread:
    return CalendarSpread(
        priority=int(each.priority),
        method=ChargeMethod(each.method.value),
        rate=each.rate,
        legs=(_leg(each.tier_a, each.ratio_a, Side.A), _leg(each.tier_b, each.ratio_b, Side.B)),
    )


def _leg(tier: Decimal, ratio: Decimal, side: Side) -> SpreadLeg:
    return SpreadLeg(tier=int(tier), period=None, ratio=ratio, side=side)


def _period(day: int) -> int:
    """CCYYMMDD of a day counted from 1970."""
    found = _EPOCH + timedelta(days=day)
    return found.year * 10_000 + found.month * 100 + found.day
