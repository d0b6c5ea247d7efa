"""Accounts under `var` against a reference that was written from the page.

[VAR-01 to VAR-13, VAR-15]
"""

from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.portfolio.account_risk import AccountRisk
from tests.property.books import Book, books
from tests.property.bridge import reference_of
from tests.property.effort import examples
from tests.property.var_worlds import var_reference, var_worlds
from tests.reference.account import Account
from tests.reference.var_account import VarBook


@st.composite
def var_books(draw: st.DrawFn, *, orders_max: int = 5, several: bool = False) -> Book:
    world = draw(st.sampled_from(var_worlds()))
    return draw(books(orders_max=orders_max, several=several, world=world))


def both(book: Book) -> tuple[AccountRisk, VarBook, Account]:
    """The engine's account, the reference, and the account as the reference keeps it."""
    account = AccountRisk.of(book.portfolio, book.world.arrays)
    return account, var_reference(book.world.name), reference_of(book.world, book.portfolio)


@examples(60)
@given(var_books(several=True))
def test_equity_and_margins_are_the_references_to_the_last_millionth(book: Book) -> None:
    account, reference, known = both(book)
    assert account.equity == reference.equity(known)
    assert account.positions_risk.initial == reference.initial(reference.groups_of(known))
    assert account.risk.initial == reference.initial(reference.open_groups(known))
    assert account.risk.maintenance == reference.maintenance(known)


@examples(60)
@given(var_books(several=True))
def test_the_requirement_has_the_references_parts_and_binding_world(book: Book) -> None:
    account, reference, known = both(book)
    groups = reference.open_groups(known)
    for each in account.requirements():
        assert tuple(amount for _, amount in each.charges) == reference.parts(groups)
        assert max(each.scenario, 0) == reference.binding(groups)
        assert each.is_exact == (not known.orders)


@examples(20)
@given(var_books(orders_max=3, several=True))
def test_no_fills_leave_less_headroom_than_is_held(book: Book) -> None:
    """[VAR-13]"""
    account, reference, known = both(book)
    assert account.risk.headroom <= reference.worst_by_trying(known)
