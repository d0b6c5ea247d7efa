"""Caps, haircuts, pegs and surcharges over open orders, under every model. [COL-01 to COL-06]"""

from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.check.decide import decide
from margingate_engine.check.max_size import max_order_size, with_lots
from margingate_engine.check.question import Policy, Question
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.hold import hold_of, order_hold
from tests.property.books import Book
from tests.property.collateral_worlds import TERMS, collateral_books, collateral_world
from tests.property.every_fill import worst_of_all_fills
from tests.property.fills import fill
from tests.property.open_orders import open_orders
from tests.property.orders import ask, in_trouble, requested_legs
from tests.property.test_every_model import MODEL_NAMES, tries
from tests.property.test_incremental import full
from tests.property.test_max_order_size import is_accepted, shrink
from tests.property.totals import totals_of

LARGEST_POSITION, SAMPLES = 40, 30
NAMES = ("span", *MODEL_NAMES)
FEW = ("span", "isolated", "tims")
"""Where models differ in nothing that is tried."""


@pytest.mark.parametrize("name", NAMES)
def test_no_combination_of_fills_leaves_less_headroom_than_is_held(name: str) -> None:
    """[COL-04, COL-05, COL-06]"""

    @tries(name, 40)
    @given(collateral_books(name, orders_max=4))
    def look(book: Book) -> None:
        assert full(book).risk.headroom <= worst_of_all_fills(book.world, book.portfolio)

    look()


@pytest.mark.parametrize("name", [each for each in NAMES if each != "isolated"])
def test_any_fill_at_the_limit_leaves_headroom_unchanged_or_higher(name: str) -> None:
    """[COL-05, COL-06] Haircuts of `isolated` are its own matter: docs/methodology/isolated.md"""

    @tries(name, 40)
    @given(st.data())
    def look(data: st.DataObject) -> None:
        book = data.draw(collateral_books(name, orders_max=4))
        portfolio = deepcopy(book.portfolio)
        before = full(book).risk.headroom
        for key, (leg,) in book.portfolio.legs.items():
            lots = data.draw(st.sampled_from((0, 1, (leg.lots + 1) // 2, leg.lots)))
            if lots:
                fill(book.world, portfolio, key, leg, lots)
                after = AccountRisk.of(portfolio, book.world.arrays).risk.headroom
                assert after >= before
                before = after

    look()


@pytest.mark.parametrize("name", FEW)
def test_a_hold_comes_off_exactly_and_never_lowers_initial_margin(name: str) -> None:
    """[COL-05, COL-06]"""

    @tries(name, 40)
    @given(st.data())
    def look(data: st.DataObject) -> None:
        book = data.draw(collateral_books(name, several=True))
        account, world = full(book), book.world
        before, totals = account.risk, totals_of(account)
        hold = hold_of(world.arrays, world.fees, data.draw(open_orders(world)).accepted)
        account.hold(hold)
        assert account.risk.initial >= before.initial
        assert account.risk.maintenance == before.maintenance
        account.release(hold)
        assert totals_of(account) == totals

    look()


@pytest.mark.parametrize("name", FEW)
def test_orders_that_went_and_cash_that_moved_leave_what_a_full_calculation_says(name: str) -> None:
    """[COL-05, COL-06]"""

    @tries(name, 30)
    @given(st.data())
    def look(data: st.DataObject) -> None:
        book, other = (data.draw(collateral_books(name, several=True)) for _ in range(2))
        account, portfolio = full(book), book.portfolio
        for order_id in portfolio.legs:
            account.release(order_hold(book.world.arrays, portfolio, order_id))
        for asset in {*portfolio.cash, *other.portfolio.cash}:
            units = other.portfolio.cash.get(asset, 0) - portfolio.cash.get(asset, 0)
            account.move_cash(asset, units)
        after = replace(portfolio, legs={}, amendments={}, cash=other.portfolio.cash)
        assert totals_of(account) == totals_of(full(book, after))

    look()


@pytest.mark.parametrize("name", NAMES)
def test_no_asset_counts_more_than_its_cap_nor_its_price(name: str) -> None:
    """[COL-02, COL-03, COL-04]"""
    world = collateral_world(name)
    for group in world.arrays.groups:
        assert group is not None
        terms = TERMS.assets[group.underlying]
        for coins in (10**9, 10**12, 10**15, 10**18):
            counted = group.counted(coins)
            assert counted <= coins * group.index_nano // 10**15
            assert terms.cap is None or counted <= terms.cap
            assert group.counted(-coins) <= -coins * group.index_nano // 10**15


@st.composite
def questions(draw: st.DrawFn, name: str) -> Question:
    """One leg of an account that is rich, on the edge or in trouble, at prices in doubt."""
    book = draw(collateral_books(name, orders_max=2))
    shrink(book.portfolio, LARGEST_POSITION)
    policy = Policy(
        allowance_ppm=draw(st.sampled_from((1_000, 0, 50_000))),
        borrow_limit_by_asset=tuple((asset, 10**19) for asset in ("USD", *TERMS.assets)),
    )
    asked = ask(book, draw(requested_legs(book)), policy=policy)
    trouble = draw(st.none() | st.integers(-100, 1_000))
    if trouble is not None:
        in_trouble(asked, trouble)
    return replace(asked.question, account=AccountRisk.of(book.portfolio, book.world.arrays))


@pytest.mark.parametrize("name", ["span", "cross", "isolated", "tims"])
def test_the_largest_size_and_every_smaller_one_are_accepted_and_the_next_is_not(name: str) -> None:
    """[COL-05, COL-06, DEC-06]"""

    @tries(name, 60)
    @given(questions(name))
    def look(question: Question) -> None:
        largest, reason = max_order_size(question)
        assert decide(with_lots(question, largest + 1)).reason is reason
        spread = {1 + (largest - 1) * number // SAMPLES for number in range(SAMPLES)}
        for lots in sorted({*spread, *range(1, 20), *range(largest - 20, largest + 1)}):
            if 1 <= lots <= largest:
                assert is_accepted(question, lots), lots

    look()
