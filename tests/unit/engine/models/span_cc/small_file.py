"""Parts of a small SPAN file, to be changed one at a time."""

from decimal import Decimal
from typing import Any

import numpy as np

from margingate_engine.models.span_cc.calendar_parameters import (
    AccountRatio,
    CalendarSpread,
    MinimumRate,
    SpotRate,
    SpreadLeg,
    Tier,
)
from margingate_engine.models.span_cc.inter_parameters import InterLeg, InterSpread
from margingate_engine.models.span_cc.kinds import (
    ChargeMethod,
    InterMethod,
    MinimumMethod,
    PriceRiskMethod,
    Side,
)
from margingate_engine.models.span_cc.parameters import CombinedCommodity
from margingate_engine.models.span_cc.totals import ContractRisk, Right

MICRO, NANO = 10**6, 10**9
MAR, JUN, SEP = 20260300, 20260600, 20260900
FAR = 99991299


def tiers() -> tuple[Tier, ...]:
    """March, June, and all of the second half."""
    return (
        Tier(number=1, first=MAR, last=20260399),
        Tier(number=2, first=JUN, last=20260699),
        Tier(number=3, first=20260700, last=20261299),
    )


def leg(place: int, side: str, ratio: str = "1") -> SpreadLeg:
    """A leg in a tier (small numbers) or in a period."""
    is_tier = place < 100
    return SpreadLeg(
        tier=place if is_tier else None,
        period=None if is_tier else place,
        ratio=Decimal(ratio),
        side=Side(side),
    )


def spread(priority: int, rate: str, *legs: SpreadLeg, method: str = "flat") -> CalendarSpread:
    return CalendarSpread(
        priority=priority, method=ChargeMethod(method), rate=Decimal(rate), legs=legs
    )


def commodity(code: str = "ES", **changes: Any) -> CombinedCommodity:
    values: dict[str, Any] = {
        "code": code,
        "currency": "USD",
        "price_risk_method": PriceRiskMethod.NORMAL,
        "price_scan_range": Decimal(6000),
        "minimum_method": MinimumMethod.GROSS,
        "minimum_rates": (MinimumRate(first=0, last=FAR, rate=Decimal(50)),),
        "caps_option_value": False,
        "net_is_floored": False,
        "tiers": tiers(),
        "spreads": (),
        "spot_rates": (),
        "account_ratios": (
            AccountRatio(account_type="speculator", maintenance=Decimal(1), initial=Decimal("1.1")),
        ),
    }
    return CombinedCommodity(**{**values, **changes})


def spot_rate(period: int, spread_rate: str, outright_rate: str) -> SpotRate:
    return SpotRate(
        period=period, spread_rate=Decimal(spread_rate), outright_rate=Decimal(outright_rate)
    )


def inter_leg(code: str, side: str, ratio: str = "1", rate: str = "0.5") -> InterLeg:
    return InterLeg(
        commodity=code,
        ratio=Decimal(ratio),
        side=Side(side),
        credit_rate=Decimal(rate),
        is_required=False,
    )


def delta_spread(priority: int, *legs: InterLeg) -> InterSpread:
    return InterSpread(
        priority=priority,
        method=InterMethod.DELTA,
        legs=legs,
        target=None,
        target_ratio=None,
        legs_min=len(legs),
    )


def scanning_spread(priority: int, target: str, *legs: InterLeg) -> InterSpread:
    ratio = next(each.ratio for each in legs if each.commodity == target)
    return InterSpread(
        priority=priority,
        method=InterMethod.SCANNING,
        legs=legs,
        target=target,
        target_ratio=ratio,
        legs_min=2,
    )


def future(scan_range: int, period: int = MAR, *, delta: str = "1") -> ContractRisk:
    """A future in money: extremes of three ranges count by a third."""
    thirds = (0, 0, 1, 1, -1, -1, 2, 2, -2, -2, 3, 3, -3, -3, 3, -3)
    losses = [-third * scan_range * MICRO // 3 for third in thirds]
    return contract(losses, period=period, delta=delta)


def contract(
    losses: list[int], *, period: int = MAR, delta: str = "1", right: str = "", value: int = 0
) -> ContractRisk:
    return ContractRisk(
        loss_s=np.array(losses, dtype=np.int64),
        delta_nano=int(Decimal(delta) * NANO),
        period=period,
        right=Right(right) if right else None,
        minimum_period=period,
        option_value=value * MICRO,
    )
