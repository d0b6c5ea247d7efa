"""The incremental answer is the full one, bit for bit, whatever the way there."""

import random
from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.hold import hold_of
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from tests.property.books import CASH, Book, books, open_legs, rows, signed_lots
from tests.property.totals import totals_of


def full(book: Book, portfolio: Portfolio | None = None) -> AccountRisk:
    return AccountRisk.of(portfolio or book.portfolio, book.world.arrays)


class Walk:
    """An account risk and its portfolio, moved in step."""

    def __init__(self, book: Book) -> None:
        self.arrays, self.table = book.world.arrays, book.world.table
        self.portfolio = deepcopy(book.portfolio)
        self.account = full(book)

    def trade(self, row: int, lots: int, entry: int) -> None:
        before = self.portfolio.positions.get(row, Position(0))
        after = Position(before.lots + lots, before.entry + entry)
        asset = self.table.instruments[row].settlement_asset
        if not after.lots:  # what is left of the entry becomes cash
            self.portfolio.cash[asset] = self.portfolio.cash.get(asset, 0) + after.entry
            del self.portfolio.positions[row]
        else:
            self.portfolio.positions[row] = after
        self.account.move_position(row, before.lots, after.lots)
        self.account.move_cash(asset, entry)

    def pay(self, asset: str, units: int) -> None:
        self.portfolio.cash[asset] = self.portfolio.cash.get(asset, 0) + units
        self.account.move_cash(asset, units)

    def hold(self, key: str, *legs: OpenLeg) -> None:
        self.portfolio.legs[key] = legs
        self.account.hold(hold_of(self.arrays, self.portfolio.fees, legs))

    def release(self, key: str) -> None:
        legs = self.portfolio.legs.pop(key)
        self.account.release(hold_of(self.arrays, self.portfolio.fees, legs))


@given(books(combos=True), st.data())
def test_after_any_changes_the_totals_are_those_of_a_full_calculation(
    book: Book, data: st.DataObject
) -> None:
    walk = Walk(book)
    for number in range(data.draw(st.integers(1, 12))):
        step = data.draw(st.sampled_from(("trade", "close", "pay", "hold", "release", "look")))
        if step == "trade":
            row = data.draw(rows(book.world, spot=False))
            lots = data.draw(signed_lots(book.world, row))
            entry = data.draw(st.integers(-(10**9), 10**9))
            is_future = book.world.table.instruments[row].is_future
            walk.trade(row, lots, entry if is_future else 0)
        elif step == "close" and walk.portfolio.positions:
            row = data.draw(st.sampled_from(sorted(walk.portfolio.positions)))
            walk.trade(row, -walk.portfolio.positions[row].lots, 0)
        elif step == "pay":
            asset = data.draw(st.sampled_from(sorted(CASH)))
            walk.pay(asset, data.draw(CASH[asset]))
        elif step == "hold":
            legs = data.draw(st.lists(open_legs(book.world, combos=True), min_size=1, max_size=3))
            walk.hold(f"n{number}", *legs)
        elif step == "release" and walk.portfolio.legs:
            walk.release(data.draw(st.sampled_from(sorted(walk.portfolio.legs))))
        else:
            assert walk.account.risk is walk.account.risk
    assert totals_of(walk.account) == totals_of(full(book, walk.portfolio))


@given(books(combos=True), st.randoms(use_true_random=False))
def test_the_order_of_positions_orders_and_cash_changes_nothing(
    book: Book, source: random.Random
) -> None:
    def shuffled(mapping: dict[Any, Any]) -> dict[Any, Any]:
        keys = list(mapping)
        source.shuffle(keys)
        return {key: mapping[key] for key in keys}

    given_one = book.portfolio
    other = Portfolio(
        fees=given_one.fees,
        cash=shuffled(given_one.cash),
        positions=shuffled(given_one.positions),
        legs=shuffled(given_one.legs),
    )
    assert totals_of(full(book)) == totals_of(full(book, other))


@given(books(), st.data())
def test_a_flat_position_and_no_cash_change_nothing(book: Book, data: st.DataObject) -> None:
    account = full(book)
    before = totals_of(account)
    account.move_position(data.draw(rows(book.world)), 0, 0)
    account.move_cash("BTC", 0)
    assert totals_of(account) == before


@given(books(), st.data())
def test_hold_then_release_restores_every_total(book: Book, data: st.DataObject) -> None:
    account = full(book)
    before = totals_of(account)
    legs = data.draw(st.lists(open_legs(book.world, combos=True), min_size=1, max_size=4))
    order = hold_of(book.world.arrays, book.portfolio.fees, legs)
    account.hold(order)
    assert sum(each.orders.lots for each in account.groups.values()) >= sum(
        leg.lots for leg in legs
    )
    account.release(order)
    assert totals_of(account) == before


@given(books(), st.data())
def test_a_hold_never_lowers_initial_margin_and_never_moves_equity_or_maintenance(
    book: Book, data: st.DataObject
) -> None:
    account = full(book)
    before = account.risk
    account.hold(
        hold_of(book.world.arrays, book.portfolio.fees, [data.draw(open_legs(book.world))])
    )
    after = account.risk
    assert after.initial >= before.initial
    assert (after.equity, after.maintenance) == (before.equity, before.maintenance)


@given(books(), st.integers(2, 50))
def test_a_book_of_many_times_the_size_needs_no_less(book: Book, times: int) -> None:
    """Positions alone, coins left out: their requirement is positively homogeneous."""
    alone = Portfolio(fees=book.portfolio.fees)
    larger = Portfolio(fees=book.portfolio.fees)
    for row, position in book.portfolio.positions.items():
        alone.positions[row] = Position(position.lots, 0)
        larger.positions[row] = Position(times * position.lots, 0)
    one, many = full(book, alone).risk.initial, full(book, larger).risk.initial
    # Rounding of the coin balance, once for each of a scan and two buckets, in each of two coins.
    assert times * (one - 6) <= many + 6
