"""Open orders against every combination of their fills, halves included. [TIMS-07, TIMS-08]"""

import numpy as np
from hypothesis import given

from margingate_engine.models.tims.minimum import LotMinimum
from margingate_engine.models.tims.requirement import (
    PortfolioGroupRequirement,
    UnderlyingMargin,
    portfolio_requirements,
)
from tests.property.effort import examples
from tests.property.tims_books import CLASS_OF, Book, books
from tests.reference.tims import Contract, Order, worst_shortfall


def margin(book: Book, underlying: str) -> UnderlyingMargin:
    rows_r, worst_r = np.array([*book.coins[underlying], 0]), np.zeros(11, dtype=np.int64)
    held = [n for n, c in enumerate(book.contracts) if c.underlying == underlying]
    up, down = dict.fromkeys(held, 0), dict.fromkeys(held, 0)
    for row in held:
        rows_r = rows_r + book.lots[row] * np.array([*book.contracts[row].pnl, 0])
    for order in book.orders:
        if order.contract in held:
            side, lots = (1 if order.lots > 0 else -1), abs(order.lots)
            pnl_v = np.array(book.contracts[order.contract].pnl)
            d_r = np.array([*(side * pnl_v + np.array(order.coins)), 0])
            worst_r += lots * np.minimum(d_r - order.loss, 0)
            up[order.contract] += max(0, order.lots)
            down[order.contract] += min(0, order.lots)
    rates = {
        n: LotMinimum(book.contracts[n].long_minimum, book.contracts[n].short_minimum) for n in held
    }
    minimum = sum(rates[n].worst(book.lots[n] + down[n], book.lots[n] + up[n]) for n in held)
    return UnderlyingMargin.with_orders(rows_r, worst_r, basis=0, minimum=minimum)


def bound(book: Book) -> tuple[PortfolioGroupRequirement, ...]:
    return portfolio_requirements(book.tree(), {u: margin(book, u) for u in CLASS_OF})


def never_above(book: Book) -> None:
    found = bound(book)
    worst = worst_shortfall(book.groups(), book.contracts, book.lots, book.coins, book.orders)
    total = sum(each.total for each in found)
    assert total >= worst
    if all(each.is_exact or each.total == 0 for each in found):
        assert total == worst


@examples(100)
@given(books(orders_max=4))
def test_no_fills_require_more_than_the_bound_and_what_is_called_exact_is(book: Book) -> None:
    never_above(book)


@examples(3)
@given(books(orders_max=8, orders_min=8))
def test_nor_do_the_fills_of_eight_orders(book: Book) -> None:
    never_above(book)


@examples(30)
@given(books(orders_max=6))
def test_one_order_more_never_lowers_the_bound(book: Book) -> None:
    """[TIMS-07] Minimums aside, which a hedge's open order leaves as they are."""
    totals = [
        sum(each.total for each in bound(Book(**{**book.parts(), "orders": book.orders[:count]})))
        for count in range(len(book.orders) + 1)
    ]
    assert totals == sorted(totals)


def test_entry_losses_scaled_with_the_gains_they_lower_would_be_too_few() -> None:
    """C gains 1,000 against a loss of A at 90 %, and an order of one lot of C loses 50 on entry."""
    flat = (0,) * 10
    book = Book(
        portfolio_of={"near": "all", "far": "all"},
        product_offset_ppm={"near": 900_000, "far": 0},
        portfolio_offset_ppm={"all": 0},
        contracts=(Contract("C", flat, 0, 0),),
        lots=(0,),
        coins={"A": (-1_000, *flat[1:]), "B": flat, "C": (1_000, *flat[1:]), "D": flat},
        orders=(Order(contract=0, lots=1, loss=50, coins=flat),),
    )
    margins = {u: margin(book, u) for u in CLASS_OF}
    gain = margins["C"]
    scaled = gain._replace(pnl_v=tuple(each + gain.entry for each in gain.pnl_v), entry=0)
    (low,) = portfolio_requirements(book.tree(), {**margins, "C": scaled})
    worst = worst_shortfall(book.groups(), book.contracts, book.lots, book.coins, book.orders)
    assert low.total == 145 < worst == 150 == bound(book)[0].total
