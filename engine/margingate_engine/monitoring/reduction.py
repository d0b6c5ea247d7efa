"""Which positions an account in trouble should close, and how much of them. [MON-12]

Positions due for liquidation by their own margin first, then what lowers the shortfall most per
unit of notional. Effort is counted in trials of a
margin, not timed, so that the same account is told the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from margingate_engine.check.sizing import mark_price_nano
from margingate_engine.core.amounts import NANO, ceil_div
from margingate_engine.core.risk import Risk
from margingate_engine.monitoring.trial_book import TrialBook
from margingate_engine.portfolio.holdings import Portfolio
from margingate_engine.portfolio.risk_arrays import RiskArrays

POSITIONS_MAX = 40
"""Most positions that are tried one by one, those of the largest notional."""

TRIALS_MAX = 160
"""Trials after which no more positions are tried one by one."""

PARTS = 8
"""A position is closed in parts of at least an eighth."""

SLICES = 16
"""Where no single position helps, so many slices of all of them are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReductionStep:
    """Trade `lots` (signed, against the position) of the instrument at `row`, worth mark_nano."""

    row: int
    lots: int
    mark_nano: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """What to trade, the most effective first, and the margin of the positions before and after.

    is_enough: whether equity covers initial margin after it, and no position is due by its own. No
    steps where that is so before.
    """

    steps: tuple[ReductionStep, ...]
    before: Risk
    after: Risk
    is_enough: bool


def suggested_reduction(portfolio: Portfolio, arrays: RiskArrays) -> Reduction:
    """What brings the positions' initial margin back under equity, at marks, fees paid.

    What is due by its own margin is closed whole: less of it would be as near to liquidation.
    Open orders are left out. MissingData names what has no price.
    """
    book = TrialBook(portfolio, arrays)
    before = book.risk
    if not book.is_enough:
        search = _Search(book)
        search.close_due()
        search.close_one_by_one()
        if not book.risk.is_margined:
            search.close_slices()
        if not book.risk.is_margined:
            search.open_again([row for row in book.closed if row in search.rows])
        if not book.risk.is_margined:
            search.open_again_from_all()
    steps = tuple(
        ReductionStep(
            row=row,
            lots=-lots if portfolio.positions[row].lots > 0 else lots,
            mark_nano=mark_price_nano(arrays, row),
        )
        for row, lots in book.closed.items()
        if lots
    )
    return Reduction(steps=steps, before=before, after=book.risk, is_enough=book.is_enough)


@dataclass(slots=True)
class _Search:
    """Closes what a book has until its equity covers its margin."""

    book: TrialBook
    trials: int = 0
    rows: Sequence[int] = ()
    rates: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows = self.book.closable()

    def close_due(self) -> None:
        """Close what is due by its own margin, and leave it closed."""
        due = set(self.book.due())
        closing = [row for row in self.rows if row in due]
        self._close_all({row: self._whole(row) for row in closing})
        self.rows = [row for row in self.rows if row not in due]

    def close_one_by_one(self) -> None:
        """Close what helps most per notional, again and again, as long as anything helps."""
        stale: Sequence[int] = self.rows[:POSITIONS_MAX]
        while not self.book.risk.is_margined and self.trials < TRIALS_MAX:
            shortfall = self._shortfall()
            for row in stale:
                self.rates[row] = self._rate(row, self._part(row), shortfall)
            ranked = sorted(self.rates, key=lambda row: -self.rates[row])
            if not ranked or self.rates[ranked[0]] <= 0:
                return
            best = ranked[0]
            floor = max(0, self.rates[ranked[1]]) if len(ranked) > 1 else 0
            self._close_while_best(best, floor)
            group_i = self.book.arrays.group_i
            stale = [row for row in self.rates if group_i[row] == group_i[best]]

    def close_slices(self) -> None:
        """Close a part of everything that is left; what is enough, or all where nothing is."""
        before = dict(self.book.closed)
        shortfall, left = self._shortfall(), {row: self.book.left(row) for row in self.rows}
        for slices in range(1, SLICES + 1):
            self._close_all(
                {
                    row: before.get(row, 0) + ceil_div(lots * slices, SLICES)
                    for row, lots in left.items()
                }
            )
            if self.book.risk.is_margined:
                return
        if self._shortfall() >= shortfall:
            self._close_all({row: before.get(row, 0) for row in self.rows})

    def open_again(self, rows: Sequence[int]) -> None:
        """Leave what is worth more to the margin held than closed: its coins may weigh more."""
        for row in rows:
            if self.book.risk.is_margined:
                return
            lots = self.book.closed[row]
            if not lots:
                continue
            least, best = self._shortfall(), lots
            for closed in range(0, lots, ceil_div(lots, PARTS)):
                self.book.close(row, closed)
                shortfall = self._shortfall()
                if shortfall < least:
                    least, best = shortfall, closed
            self.book.close(row, best)

    def open_again_from_all(self) -> None:
        """Close everything and leave what weighs less held, by notional down and up; the better.

        Legs that help only together are not found one by one. Nothing changes where neither way
        leaves less short.
        """
        best, least = dict(self.book.closed), self._shortfall()
        tried = self.rows[: TRIALS_MAX // PARTS]
        for rows in (tried, tried[::-1]):
            self._close_all({row: self._whole(row) for row in self.rows})
            self.open_again(rows)
            if self.book.risk.is_margined:
                return
            if (shortfall := self._shortfall()) < least:
                best, least = dict(self.book.closed), shortfall
        self._close_all({row: best.get(row, 0) for row in self.rows})

    def _close_all(self, lots_by_row: Mapping[int, int]) -> None:
        for row, lots in lots_by_row.items():
            self.book.close(row, lots)

    def _part(self, row: int) -> int:
        return min(self.book.left(row), max(1, self._whole(row) // PARTS))

    def _whole(self, row: int) -> int:
        return self.book.left(row) + self.book.closed.get(row, 0)

    def _shortfall(self) -> int:
        self.trials += 1
        return -self.book.risk.headroom

    def _rate(self, row: int, lots: int, shortfall: int) -> int:
        """By how much less is short per notional, 1e-9, when so many lots more are closed."""
        notional = self.book.notional(row, lots)
        if not notional:
            return 0
        closed = self.book.closed.get(row, 0)
        self.book.close(row, closed + lots)
        gain = shortfall - self._shortfall()
        self.book.close(row, closed)
        return gain * NANO // notional

    def _close_while_best(self, row: int, floor: int) -> None:
        """Close a part, and as much again as long as it helps no less than the next best would."""
        lots = self._part(row)
        while lots:
            before = self.book.closed.get(row, 0)
            self.book.close(row, before + lots)
            if self.book.risk.is_margined:
                self._close_no_more(row, before)
                return
            lots = min(self.book.left(row), 2 * lots)
            if lots and self._rate(row, lots, self._shortfall()) <= floor:
                return

    def _close_no_more(self, row: int, too_few: int) -> None:
        """Close the fewest lots that are enough, of those between too few and what is closed."""
        enough = self.book.closed[row]
        while enough - too_few > 1:
            middle = (too_few + enough) // 2
            self.book.close(row, middle)
            self.trials += 1
            if self.book.risk.is_margined:
                enough = middle
            else:
                too_few = middle
        self.book.close(row, enough)
