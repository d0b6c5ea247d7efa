"""Explanations add up, for any account."""

from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.check.explain import explanation, scenario_tables, with_order
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.hold import hold_of
from tests.property.books import Book, books
from tests.property.open_orders import open_orders
from tests.property.totals import totals_of


@given(books(several=True))
def test_parts_of_the_scan_add_up_to_scan_risk_and_groups_to_initial_margin(book: Book) -> None:
    account = AccountRisk.of(book.portfolio, book.world.arrays)
    tree = explanation(account)
    assert tree.amount == account.risk.initial == sum(group.amount for group in tree.parts)
    for group in tree.parts:
        scan, basis, minimum = group.parts
        assert group.amount == max(scan.amount + basis.amount, minimum.amount)
        assert sum(part.amount for part in scan.parts) == -scan.amount


@given(books(several=True), st.data())
def test_a_copy_with_an_order_is_the_account_that_holds_it(book: Book, data: st.DataObject) -> None:
    account = AccountRisk.of(book.portfolio, book.world.arrays)
    before = totals_of(account)
    legs = data.draw(open_orders(book.world)).accepted
    order = hold_of(book.world.arrays, book.portfolio.fees, legs)
    copy = with_order(account, order)
    assert totals_of(account) == before
    account.hold(order)
    assert totals_of(copy) == totals_of(account)
    assert [each.with_orders_s.tolist() for each in scenario_tables(copy)] == [
        each.with_orders_s.tolist() for each in scenario_tables(account)
    ]
