"""The worst of many fills where each requirement is a program: all are bounded, few are solved.

A pairing that is taken greedily is one that the program may choose, so the requirement is never
above its sum, and the least headroom of fills never below what this sum leaves. Fills are solved
in the order of what it leaves at least, until the next cannot be worse than the worst found.
"""

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from margingate_engine.models.strategy.account_book import book_of
from margingate_engine.models.strategy.columns import candidates
from margingate_engine.models.strategy.greedy import greedy_counts
from margingate_engine.models.strategy.legs import Book
from margingate_engine.models.strategy.margin import STANDARD_EFFORT, ongoing_margin
from margingate_engine.models.strategy.model import StrategyModel
from margingate_engine.models.strategy.ongoing import OngoingCosts
from margingate_engine.models.strategy.pieces import cut
from margingate_engine.models.strategy.terms import Phase
from margingate_engine.portfolio.account_risk import AccountRisk

Books = tuple[tuple[str, Book], ...]


class _Filled(NamedTuple):
    """Positions after some fills, 1e-6 USD. least: no more than their headroom."""

    least: int
    equity: int
    books: Books


class Programs:
    """Requirements of books by underlying, and bounds of them, each worked out once."""

    def __init__(self, model: StrategyModel) -> None:
        self._model = model
        self.at_most = cache(self._at_most)
        self.required = cache(self._required)
        self._costs = cache(self._costs_at)

    def least_headroom(self, fills: Iterable[tuple[AccountRisk, int]]) -> int:
        """The least of what counts of equity less the requirement of positions, over all fills."""
        found = sorted((self._filled(*each) for each in fills), key=lambda each: each.least)
        worst = found[0].equity - self._sum(found[0].books)
        for each in found:
            if each.least >= worst:
                break
            worst = min(worst, each.equity - self._sum(each.books))
        return worst

    def books(self, account: AccountRisk) -> Books:
        """What the positions of an account are, by underlying."""
        return tuple(
            (totals.group.underlying, book_of(totals, ()))
            for totals in account.groups.values()
            if not totals.is_empty
        )

    def _filled(self, account: AccountRisk, equity: int) -> _Filled:
        books = self.books(account)
        return _Filled(equity - sum(self.at_most(*each) for each in books), equity, books)

    def _sum(self, books: Books) -> int:
        return sum(self.required(*each) for each in books)

    def _required(self, underlying: str, book: Book) -> int:
        parameters = self._model.parameters[underlying]
        return ongoing_margin(book, parameters, Phase.INITIAL).requirement_micro

    def _at_most(self, underlying: str, book: Book) -> int:
        """What the book requires paired greedily; what no option can be paired with as it is."""
        assert book.series_count <= STANDARD_EFFORT.series_max, "else it is no program's choice"
        cut_book = cut(book)
        counts = greedy_counts(candidates(cut_book, self._costs(underlying, book.underlying_nano)))
        paired = sum(column.unit_micro * count for column, count in counts.items())
        rest = Book(
            underlying_nano=book.underlying_nano, spot=cut_book.odd_spot, futures=book.futures
        )
        return paired + self.required(underlying, rest)

    def _costs_at(self, underlying: str, underlying_nano: int) -> OngoingCosts:
        return OngoingCosts(self._model.parameters[underlying], underlying_nano, Phase.INITIAL)
