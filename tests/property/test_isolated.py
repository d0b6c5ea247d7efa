"""The model `isolated` against its reference, every subset of fills, and itself."""

import random
from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.check.question import Gates, Policy
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.group_totals import Pocket
from margingate_engine.portfolio.holdings import Portfolio
from tests.property.books import Book, books
from tests.property.bridge import reference_of
from tests.property.cross_worlds import cross_reference, cross_worlds
from tests.property.effort import examples
from tests.property.fills import fill
from tests.property.orders import Asked, ask, in_trouble, requested_legs
from tests.property.test_max_order_size import assert_largest, shrink
from tests.property.totals import totals_of
from tests.reference.isolated import IsolatedBook


@st.composite
def isolated_books(draw: st.DrawFn, *, orders_max: int = 5, several: bool = False) -> Book:
    world = draw(st.sampled_from(cross_worlds("isolated")))
    book = draw(books(orders_max=orders_max, several=several, world=world))
    for row in book.portfolio.positions:
        wallet = draw(st.sampled_from((0, 0, 1, 10**9)) | st.integers(1, 10**11))
        if draw(st.integers(0, 4)) == 0 and world.table.is_future_i[row]:
            wallet = -wallet  # a gain was used elsewhere
        if wallet:
            book.portfolio.wallets[row] = wallet
    return book


def full(book: Book, portfolio: Portfolio | None = None) -> AccountRisk:
    return AccountRisk.of(portfolio or book.portfolio, book.world.arrays)


def wallets(book: Book) -> dict[str, int]:
    names = book.world.table.instruments
    return {names[row].name: wallet for row, wallet in book.portfolio.wallets.items()}


def reference(book: Book) -> IsolatedBook:
    return IsolatedBook(cross_reference(book.world.name))


@examples(60)
@given(isolated_books(several=True))
def test_risk_is_the_references(book: Book) -> None:
    """[ISO-01 to ISO-05]"""
    account, known = full(book), reference_of(book.world, book.portfolio)
    oracle = reference(book)
    assert account.equity == oracle.book.equity(known)
    assert account.positions_risk.headroom == oracle.headroom(known, wallets(book))
    assert account.risk.initial == oracle.upper(known, wallets(book))


@examples(30)
@given(isolated_books(orders_max=8))
def test_headroom_is_never_above_what_any_fills_leave(book: Book) -> None:
    """[ISO-05] half fills of up to four orders, wallets topped up or not"""
    known = reference_of(book.world, book.portfolio)
    assert full(book).risk.headroom <= reference(book).worst_by_trying(known, wallets(book))


@examples(30)
@given(isolated_books(orders_max=4, several=True))
def test_headroom_covers_combos_and_changes_that_are_pending(book: Book) -> None:
    """[ISO-05]"""
    known = reference_of(book.world, book.portfolio)
    assert full(book).risk.headroom <= reference(book).worst_by_trying(known, wallets(book))


@examples(40)
@given(isolated_books(orders_max=6), st.data())
def test_fills_at_the_limit_leave_headroom_unchanged_or_higher(
    book: Book, data: st.DataObject
) -> None:
    """[ISO-05] wallets follow as the ledger has them"""
    portfolio = deepcopy(book.portfolio)
    before = full(book).risk.headroom
    for key, (leg,) in book.portfolio.legs.items():
        lots = data.draw(st.sampled_from((0, 1, (leg.lots + 1) // 2, leg.lots)))
        if lots:
            fill(book.world, portfolio, key, leg, lots)
            after = full(book, portfolio).risk.headroom
            assert after >= before
            before = after


@examples(40)
@given(isolated_books(several=True), st.data())
def test_wallets_that_were_moved_are_those_of_a_full_calculation(
    book: Book, data: st.DataObject
) -> None:
    """[ISO-02]"""
    account, portfolio = full(book), deepcopy(book.portfolio)
    for row, position in portfolio.positions.items():
        assert account.risk is account.risk
        portfolio.wallets[row] = data.draw(st.integers(1, 10**10))
        account.allocate(row, Pocket(position.lots, portfolio.wallets[row], position.entry))
    assert totals_of(account) == totals_of(full(book, portfolio))


@examples(40)
@given(isolated_books(several=True), st.randoms(use_true_random=False))
def test_the_order_of_positions_orders_and_wallets_changes_nothing(
    book: Book, source: random.Random
) -> None:
    portfolio = deepcopy(book.portfolio)
    for name in ("cash", "positions", "legs", "amendments", "wallets"):
        items = list(getattr(portfolio, name).items())
        source.shuffle(items)
        setattr(portfolio, name, dict(items))
    assert totals_of(full(book)) == totals_of(full(book, portfolio))


@examples(60)
@given(isolated_books())
def test_no_account_has_more_headroom_isolated_than_cross(book: Book) -> None:
    """[ISO-01] the sum of what positions lack is what cross requires, a surplus is held back"""
    number = [each.name for each in cross_worlds()].index(book.world.name)
    cross = AccountRisk.of(book.portfolio, cross_worlds()[number].arrays)
    account = full(book)
    assert account.equity == cross.equity
    assert account.risk.initial >= cross.risk.initial
    assert account.risk.maintenance >= cross.risk.maintenance


@st.composite
def questions(draw: st.DrawFn, *, largest_position: int | None = None) -> Asked:
    book = draw(isolated_books(orders_max=3))
    if largest_position is not None:
        shrink(book.portfolio, largest_position)
    policy = Policy(
        allowance_ppm=draw(st.sampled_from((1_000, 1_000, 0, 50_000))),
        may_hedges_grow=draw(st.booleans()),
        borrow_limit_by_asset=(("USD", 10**13), ("BTC", 10**14), ("ETH", 10**15)),
    )
    gates = Gates(is_reduce_only=draw(st.integers(0, 3)) == 0)
    asked = ask(book, draw(requested_legs(book)), policy=policy, gates=gates)
    trouble = draw(st.none() | st.integers(-20_000, 200_000))
    if trouble is not None:
        in_trouble(asked, trouble if largest_position is None else trouble // 500)
    return asked


@examples(40)
@given(questions())
def test_the_largest_size_and_every_smaller_one_are_accepted(asked: Asked) -> None:
    """[DEC-06]"""
    assert_largest(asked.question)


@examples(40)
@given(questions(largest_position=40))
def test_small_positions_leave_no_size_untried(asked: Asked) -> None:
    """[DEC-06]"""
    assert_largest(asked.question)
