"""The least that short options require. [SCC-09]"""

from collections.abc import Mapping
from fractions import Fraction

from margingate_engine.core.amounts import MICRO
from margingate_engine.models.span_cc.kinds import MinimumMethod
from margingate_engine.models.span_cc.parameters import CombinedCommodity
from margingate_engine.models.span_cc.totals import Right


def short_option_minimum(
    commodity: CombinedCommodity, shorts: Mapping[tuple[int, Right], int]
) -> Fraction:
    """Minimum in 1e-6 of the margin currency. shorts: lots >= 0 by period and right. [SCC-09]"""
    total = Fraction(0)
    for rate in commodity.minimum_rates:
        lots_by_right = {
            right: sum(
                lots
                for (period, each), lots in shorts.items()
                if each is right and rate.first <= period <= rate.last
            )
            for right in Right
        }
        is_gross = commodity.minimum_method is MinimumMethod.GROSS
        counted = sum(lots_by_right.values()) if is_gross else max(lots_by_right.values())
        total += MICRO * Fraction(rate.rate) * counted
    return total
