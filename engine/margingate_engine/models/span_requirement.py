"""What a group requires under the model `span`. [SPAN-09 to SPAN-15]"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from margingate_engine.core.arrays import IntArray
from margingate_engine.core.charges import Charge
from margingate_engine.models.basis import basis_charge, basis_worst
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.margin_model import NO_SCENARIO, NOT_A_SCENARIO, Requirement
from margingate_engine.portfolio.order_totals import OrderTotals

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


def span_requirements(
    rows_cr: IntArray, highest_ck: IntArray, lowest_ck: IntArray, minimum_c: IntArray
) -> IntArray:
    """Requirements of many cells from their totals, each `total` of `span_margin`. [SPAN-12]"""
    scan_c = -rows_cr.min(axis=1, initial=0)
    longs_c, shorts_c = np.maximum(highest_ck, 0).sum(axis=1), np.maximum(-lowest_ck, 0).sum(axis=1)
    return np.asarray(np.maximum(scan_c + np.minimum(longs_c, shorts_c), minimum_c))
