"""The model `cross` against its reference, every subset of fills, and itself."""

import random
from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.check.question import Gates, Policy
from margingate_engine.core.orders import Side
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import Portfolio, Position
from tests.property.books import Book, books
from tests.property.bridge import reference_of
from tests.property.cross_worlds import cross_reference, cross_worlds
from tests.property.effort import examples
from tests.property.fills import fill
from tests.property.orders import Asked, ask, in_trouble, requested_legs
from tests.property.test_incremental import ORDER_STEPS, Walk
from tests.property.test_max_order_size import assert_largest, shrink
from tests.property.totals import totals_of


@st.composite
def cross_books(draw: st.DrawFn, *, orders_max: int = 5, several: bool = False) -> Book:
    world = draw(st.sampled_from(cross_worlds()))
    return draw(books(orders_max=orders_max, several=several, world=world))


def full(book: Book, portfolio: Portfolio | None = None) -> AccountRisk:
    return AccountRisk.of(portfolio or book.portfolio, book.world.arrays)


@examples(60)
@given(cross_books(several=True))
def test_risk_is_the_references(book: Book) -> None:
    """[CROSS-01 to CROSS-06]"""
    account, reference = full(book), cross_reference(book.world.name)
    known = reference_of(book.world, book.portfolio)
    assert account.equity == reference.equity(known)
    assert account.positions_risk.initial == reference.margin(known, initial=True)
    assert account.risk.maintenance == reference.margin(known, initial=False)
    assert account.risk.initial == reference.upper(known)


@examples(30)
@given(cross_books(orders_max=8))
def test_headroom_is_never_above_what_any_fills_leave(book: Book) -> None:
    """[CROSS-04] up to eight orders, half fills of up to four"""
    reference = cross_reference(book.world.name)
    worst = reference.worst_by_trying(reference_of(book.world, book.portfolio))
    assert full(book).risk.headroom <= worst


@examples(30)
@given(cross_books(orders_max=4, several=True))
def test_headroom_covers_combos_and_changes_that_are_pending(book: Book) -> None:
    """[CROSS-04] the legs of a combo may fill alone, at either limit of a change"""
    reference = cross_reference(book.world.name)
    worst = reference.worst_by_trying(reference_of(book.world, book.portfolio))
    assert full(book).risk.headroom <= worst


@examples(60)
@given(cross_books(orders_max=6), st.data())
def test_fills_at_the_limit_leave_headroom_unchanged_or_higher(
    book: Book, data: st.DataObject
) -> None:
    portfolio = deepcopy(book.portfolio)
    before = full(book).risk.headroom
    for key, (leg,) in book.portfolio.legs.items():
        lots = data.draw(st.sampled_from((0, 1, (leg.lots + 1) // 2, leg.lots)))
        if lots:
            fill(book.world, portfolio, key, leg, lots)
            after = full(book, portfolio).risk.headroom
            assert after >= before
            before = after


@examples(30)
@given(cross_books(several=True), st.data())
def test_after_any_changes_the_totals_are_those_of_a_full_calculation(
    book: Book, data: st.DataObject
) -> None:
    walk = Walk(book)
    for _ in range(data.draw(st.integers(1, 12))):
        walk.step(data, book.world, data.draw(st.sampled_from(ORDER_STEPS)))
    assert totals_of(walk.account) == totals_of(full(book, walk.portfolio))


@examples(30)
@given(cross_books(several=True), st.randoms(use_true_random=False))
def test_the_order_of_positions_and_orders_changes_nothing(
    book: Book, source: random.Random
) -> None:
    portfolio = deepcopy(book.portfolio)
    for name in ("cash", "positions", "legs", "amendments"):
        items = list(getattr(portfolio, name).items())
        source.shuffle(items)
        setattr(portfolio, name, dict(items))
    assert totals_of(full(book)) == totals_of(full(book, portfolio))


@examples(40)
@given(cross_books(orders_max=0), st.integers(2, 50))
def test_a_book_of_many_times_the_size_needs_no_less_than_as_many_times(
    book: Book, times: int
) -> None:
    """[CROSS-02] the slope of futures makes it more; each position is rounded up by less than 1"""
    alone, larger = (Portfolio(fees=book.portfolio.fees) for _ in range(2))
    for row, position in book.portfolio.positions.items():
        alone.positions[row] = Position(position.lots)
        larger.positions[row] = Position(times * position.lots)
    one, many = full(book, alone).risk, full(book, larger).risk
    assert many.initial >= times * (one.initial - len(alone.positions))


@st.composite
def questions(draw: st.DrawFn, *, largest_position: int | None = None) -> Asked:
    book = draw(cross_books(orders_max=3))
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


@examples(25)
@given(cross_books(orders_max=6))
def test_of_linear_options_not_above_their_mark_the_bound_is_the_worst_fill_itself(
    book: Book,
) -> None:
    """[CROSS-04] apart from flows and fees, rounded per lot in the one and once in the other"""
    arrays = book.world.arrays
    book.portfolio.legs = {
        key: (leg,)
        for key, (leg,) in book.portfolio.legs.items()
        if arrays.table.is_option_i[leg.row]
        and not arrays.table.is_inverse_i[leg.row]
        and (leg.side is Side.BUY or leg.price_nano <= arrays.mark_nano_i[leg.row])
    }
    reference = cross_reference(book.world.name)
    worst = reference.worst_by_trying(reference_of(book.world, book.portfolio))
    lots = sum(leg.lots for (leg,) in book.portfolio.legs.values())
    assert 0 <= worst - full(book).risk.headroom <= 2 * lots
