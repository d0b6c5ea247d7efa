"""Random books over random groups: what must hold of their requirement. [TIMS-04 to TIMS-09]"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.models.tims.minimum import LotMinimum
from margingate_engine.models.tims.requirement import (
    PortfolioGroupRequirement,
    UnderlyingMargin,
    maintenance,
    portfolio_requirements,
)
from tests.property.effort import examples
from tests.property.tims_books import CLASS_OF, Book, books
from tests.reference.tims import requirement


def margins(book: Book, lots: tuple[int, ...]) -> dict[str, UnderlyingMargin]:
    found = {}
    for underlying in CLASS_OF:
        rows_r, minimum = np.array([*book.coins[underlying], 0]), 0
        for count, contract in zip(lots, book.contracts, strict=True):
            if contract.underlying == underlying:
                rows_r = rows_r + count * np.array([*contract.pnl, 0])
                minimum += LotMinimum(contract.long_minimum, contract.short_minimum).of(count)
        found[underlying] = UnderlyingMargin.of_positions(rows_r, basis=0, minimum=minimum)
    return found


def required(book: Book, lots: tuple[int, ...]) -> tuple[PortfolioGroupRequirement, ...]:
    return portfolio_requirements(book.tree(), margins(book, lots))


def total(book: Book, lots: tuple[int, ...]) -> int:
    return sum(each.total for each in required(book, lots))


@examples(100)
@given(books())
def test_it_is_what_the_slow_way_finds_to_the_last_unit(book: Book) -> None:
    found = {each.name: each.total for each in required(book, book.lots)}
    expected = requirement(book.groups(), book.contracts, book.lots, book.coins)
    assert found == {name: expected[name] for name in found}
    assert sum(expected.values()) == sum(found.values())


@examples(30)
@given(books(), st.randoms(use_true_random=False))
def test_the_order_of_underlyings_and_positions_does_not_matter(book: Book, random: object) -> None:
    parts = list(margins(book, book.lots).items())
    random.shuffle(parts)  # type: ignore[attr-defined]
    assert portfolio_requirements(book.tree(), dict(parts)) == required(book, book.lots)


@examples(30)
@given(books())
def test_rows_added_and_taken_one_by_one_leave_what_adding_all_at_once_gives(book: Book) -> None:
    for underlying, whole in margins(book, book.lots).items():
        rows_r = np.array([*book.coins[underlying], 0])
        for sign in (1, -1, 1):
            for count, contract in zip(book.lots, book.contracts, strict=True):
                if contract.underlying == underlying:
                    rows_r = rows_r + sign * count * np.array([*contract.pnl, 0])
        piecewise = UnderlyingMargin.of_positions(rows_r, basis=0, minimum=whole.minimum)
        assert piecewise == whole


@examples(60)
@given(books(), st.integers(1, 7))
def test_k_times_the_book_requires_k_times_as_much(book: Book, k: int) -> None:
    """Coins too; up to the rounding of each portfolio group, which is less than a unit."""
    many = Book(
        **{**book.parts(), "coins": {u: tuple(k * x for x in r) for u, r in book.coins.items()}}
    )
    scaled = required(many, tuple(k * lots for lots in book.lots))
    for one, more in zip(required(book, book.lots), scaled, strict=True):
        assert k * (one.total - 1) < more.total <= k * one.total


@examples(60)
@given(books(), st.lists(st.integers(0, 10**9), min_size=10, max_size=10), st.sampled_from("ABCD"))
def test_a_hedge_that_loses_nowhere_never_raises_it(book: Book, gain: list[int], at: str) -> None:
    hedged = {
        u: tuple(map(sum, zip(r, gain, strict=True))) if u == at else r
        for u, r in book.coins.items()
    }
    better = Book(**{**book.parts(), "coins": hedged})
    assert total(better, book.lots) <= total(book, book.lots)


@dataclass(frozen=True)
class Line:
    """Totals of a book at sizes 0, 1, 2 ... of one contract more."""

    totals: list[int]

    def is_convex(self) -> bool:
        """Up to the unit by which each total may be rounded up."""
        steps = zip(self.totals, self.totals[1:], self.totals[2:], strict=False)
        return all(first + last - 2 * middle > -2 for first, middle, last in steps)


@examples(60)
@given(books(), st.data())
def test_along_a_line_of_sizes_it_is_convex(book: Book, data: st.DataObject) -> None:
    """[TIMS-09]"""
    chosen = data.draw(st.integers(0, len(book.contracts) - 1))
    sign = data.draw(st.sampled_from((1, -1)))
    sizes = [
        tuple(n + sign * more * (row == chosen) for row, n in enumerate(book.lots))
        for more in range(12)
    ]
    totals = [total(book, each) for each in sizes]
    assert Line(totals).is_convex()


@examples(60)
@given(books(), st.data())
def test_sizes_that_a_sum_of_money_covers_follow_one_another(
    book: Book, data: st.DataObject
) -> None:
    """[TIMS-09] Rounding opens no gap: max size may be searched by halving."""
    chosen = data.draw(st.integers(0, len(book.contracts) - 1))
    slope = data.draw(st.integers(-(10**6), 10**6))
    totals = [
        total(book, tuple(n + more * (row == chosen) for row, n in enumerate(book.lots)))
        for more in range(12)
    ]
    equity = data.draw(st.sampled_from(totals))
    covered = [each <= equity + slope * more for more, each in enumerate(totals)]
    changes = sum(a != b for a, b in pairwise(covered))
    assert changes <= (1 if covered[0] else 2)


@examples(30)
@given(books(), st.integers(1, 10**6))
def test_maintenance_is_its_part_and_never_more_than_initial(book: Book, fraction_ppm: int) -> None:
    found = required(book, book.lots)
    exact = Fraction(sum(each.total for each in found) * fraction_ppm, 10**6)
    kept = maintenance(found, fraction_ppm)
    assert exact <= kept < exact + len(found)
    assert kept <= sum(each.total for each in found)
