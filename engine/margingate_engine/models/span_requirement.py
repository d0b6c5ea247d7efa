"""What a group requires under the model `span`. [SPAN-09 to SPAN-15]"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from margingate_engine.core.charges import Charge
from margingate_engine.market.table import IntArray
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.margin_model import NO_SCENARIO, NOT_A_SCENARIO, Requirement
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.portfolio.risk_arrays import COIN_VALUE_DIVISOR, SPOT_KEY

MINIMUM_WORDS = "short option minimum"
NO_LOSS_WORDS = "no scenario loses"


class SpanMargin(NamedTuple):
    """Requirement of a group in 1e-6 USD, all >= 0.

    scenario: number from 1 of the active one, NO_SCENARIO when none loses, NOT_A_SCENARIO when the
    short option minimum is larger.
    """

    underlying: str
    words: str
    scan: int
    basis: int
    minimum: int
    scenario: int
    is_exact: bool

    @property
    def total(self) -> int:
        """What the group requires. [SPAN-12]"""
        return max(self.scan + self.basis, self.minimum)

    def requirement(self, number: int) -> Requirement:
        """The same in the words that all models have in common."""
        binding = (Charge.SHORT_OPTION_MINIMUM, self.minimum)
        if self.minimum <= self.scan + self.basis:
            is_basis = self.basis > self.scan
            binding = (Charge.SCAN_RISK, self.scan)
            binding = (Charge.BASIS_CHARGE, self.basis) if is_basis else binding
        return Requirement(
            subject=self.underlying,
            total=self.total,
            charges=(
                (Charge.SCAN_RISK, self.scan),
                (Charge.BASIS_CHARGE, self.basis),
                (Charge.SHORT_OPTION_MINIMUM, self.minimum),
            ),
            binding=binding,
            scenario=self.scenario,
            words=self.words,
            groups=(number,),
            is_exact=self.is_exact,
        )


def span_margin(totals: GroupTotals, holds: Sequence[OrderTotals]) -> SpanMargin:
    """Requirement of positions, and of orders at their worst fills. [SPAN-12, SPAN-14]"""
    rows = totals.worst_rows(holds)
    if not holds:
        return _margin(totals, rows, basis_charge(totals.features()), totals.minimum, is_exact=True)
    basis = basis_worst(totals, holds)
    minimum = totals.worst_minimum(holds)
    is_exact = not basis and not any(hold.row_bound_lots for hold in holds)
    worst = _margin(totals, rows, basis, minimum, is_exact=is_exact)
    if worst.scenario == NOT_A_SCENARIO and any(hold.floor_bound_lots for hold in holds):
        return worst._replace(is_exact=False)
    return worst


def _margin(
    totals: GroupTotals, rows: IntArray, basis: int, minimum: int, *, is_exact: bool
) -> SpanMargin:
    """The requirement from rows (the null row last), charge and minimum. [SPAN-12, SPAN-14]"""
    index = int(rows.argmin())
    scan = -int(rows[index])
    group = totals.group
    scenario, words = index + 1, NO_LOSS_WORDS
    if minimum > scan + basis:
        scenario, words = NOT_A_SCENARIO, MINIMUM_WORDS
    elif scan == -int(rows[-1]):
        scenario = NO_SCENARIO
    else:
        words = group.descriptions[index]
    return SpanMargin(group.underlying, words, scan, basis, minimum, scenario, is_exact)


def side_sum(buckets: Mapping[int, int], sign: int) -> int:
    """Sum of the buckets of one sign (1 long, -1 short), as a positive number."""
    return sum(sign * value for value in buckets.values() if sign * value > 0)


def basis_charge(buckets: Mapping[int, int]) -> int:
    """Charge for opposite deltas across expiries: the smaller of longs and shorts. [SPAN-10]"""
    return min(side_sum(buckets, 1), side_sum(buckets, -1))


def basis_worst(totals: GroupTotals, holds: Sequence[OrderTotals]) -> int:
    """The charge with each bucket at its highest in one sum and its lowest in the other."""
    highest, lowest = totals.extreme_features(holds)
    return min(side_sum(highest, 1), side_sum(lowest, -1))


def basis_kinks(before: GroupTotals, filled: GroupTotals, hold: OrderTotals) -> Iterable[int]:
    """Sizes, rounded down, at which the basis charge may change its slope. [DEC-06]"""
    start, one = _exact_buckets(before), _exact_buckets(filled)
    change = {bucket: one.get(bucket, 0) - start.get(bucket, 0) for bucket in {*start, *one}}
    yield from _crossings(start, change, start, change)
    highest, lowest = before.extreme_features((before.orders,))
    yield from _crossings(highest, hold.up, lowest, hold.down)


def _exact_buckets(totals: GroupTotals) -> dict[int, int]:
    """Basis features in 1e-27 USD: a lot's change would be lost in the rounding of a balance."""
    group = totals.group
    exact = {bucket: value * COIN_VALUE_DIVISOR for bucket, value in totals.keyed.items()}
    spot = totals.coin_pico * group.index_nano * group.coin_feature_ppm
    return {**exact, SPOT_KEY: exact.get(SPOT_KEY, 0) + spot}


def _crossings(
    long_start: dict[int, int],
    long_change: dict[int, int],
    short_start: dict[int, int],
    short_change: dict[int, int],
) -> Iterable[int]:
    """Sizes at which a bucket changes sign, or the sum of longs meets the sum of shorts."""
    kinks = {0}
    for start, change in ((long_start, long_change), (short_start, short_change)):
        for bucket, slope in change.items():
            if slope and -start.get(bucket, 0) // slope > 0:
                kinks.add(-start.get(bucket, 0) // slope)
    yield from kinks
    for kink in sorted(kinks):
        difference = [
            side_sum(_moved(long_start, long_change, lots), 1)
            - side_sum(_moved(short_start, short_change, lots), -1)
            for lots in (kink + 1, kink + 2)
        ]
        slope = difference[1] - difference[0]
        if slope and -difference[0] // slope >= 0:
            yield kink + 1 + -difference[0] // slope


def _moved(start: dict[int, int], change: dict[int, int], lots: int) -> dict[int, int]:
    return {b: start.get(b, 0) + lots * change.get(b, 0) for b in {*start, *change}}
