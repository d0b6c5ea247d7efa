"""Headroom against every subset of fills, half fills included. [SPAN-14, SPAN-15]"""

from hypothesis import given, settings
from hypothesis import strategies as st

from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.margin_model import NOT_A_SCENARIO
from tests.property.books import Book, books
from tests.property.bridge import reference_book, reference_of
from tests.property.chain import worlds
from tests.property.effort import examples
from tests.property.subsets import worst_by_trying
from tests.reference.decision import Decider
from tests.span_margins import worst_margins

AS_CONFIGURED, NO_BASIS, LARGE_MINIMUM, LARGE_BASIS = range(4)


def is_exact(account: AccountRisk) -> bool:
    return all(each.is_exact for each in account.requirements())


@given(books(orders_max=6, several=True))
def test_headroom_is_the_worst_fill_where_exact_is_claimed_and_never_above_it(book: Book) -> None:
    account = AccountRisk.of(book.portfolio, book.world.arrays)
    worst = worst_by_trying(book.world, book.portfolio)
    assert account.risk.headroom <= worst
    if is_exact(account):
        assert account.risk.headroom == worst


@examples(40)
@given(st.sampled_from((NO_BASIS, LARGE_MINIMUM)), st.data())
def test_without_a_basis_ten_orders_in_several_groups_are_exact(
    number: int, data: st.DataObject
) -> None:
    book = data.draw(books(orders_max=10, world=worlds()[number]))
    account = AccountRisk.of(book.portfolio, book.world.arrays)
    assert is_exact(account)
    assert account.risk.headroom == worst_by_trying(book.world, book.portfolio)


@given(books(several=True))
def test_risk_is_the_references(book: Book) -> None:
    account = AccountRisk.of(book.portfolio, book.world.arrays)
    risk = Decider(reference_book(book.world)).risk(reference_of(book.world, book.portfolio))
    assert account.risk.equity == risk.equity
    assert account.risk.initial == risk.initial
    assert account.risk.maintenance == risk.maintenance


def test_the_books_reach_what_they_are_meant_to_test() -> None:
    """Bounds, minimums that bind, coins in debt, entry losses, and holdings that have expired."""
    reached: set[str] = set()

    @settings(max_examples=300, database=None)
    @given(books(orders_max=6))
    def look(book: Book) -> None:
        account = AccountRisk.of(book.portfolio, book.world.arrays)
        has_expired_i = book.world.arrays.snapshot.has_expired_i(book.world.table)
        if any(has_expired_i[row] for row in book.portfolio.positions):
            reached.add("expired")
        for number, each in worst_margins(account).items():
            totals = account.peek(number)
            reached.update(
                name
                for name, is_so in {
                    "bound": not each.is_exact,
                    "gap": each.basis and totals.orders.lots,
                    "minimum": each.scenario == NOT_A_SCENARIO,
                    "debt": totals.coin_pico < 0,
                    "entry": any(entry for entry, _ in totals.orders.floors.values()),
                }.items()
                if is_so
            )

    look()
    assert reached == {"bound", "gap", "minimum", "debt", "entry", "expired"}
