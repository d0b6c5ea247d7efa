"""The incremental answer is the full one, bit for bit, whatever the way there."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.group_totals import Pocket
from margingate_engine.portfolio.hold import changing_hold, hold_of, more, order_hold
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from tests.property.books import CASH, Book, books
from tests.property.chain import World
from tests.property.effort import examples
from tests.property.fills import shrunk
from tests.property.legs import open_legs, rows, signed_lots
from tests.property.open_orders import changed_legs, open_orders
from tests.property.totals import totals_of

Legs = tuple[OpenLeg, ...]


def full(book: Book, portfolio: Portfolio | None = None) -> AccountRisk:
    return AccountRisk.of(portfolio or book.portfolio, book.world.arrays)


class Walk:
    """An account risk and its portfolio, moved in step."""

    def __init__(self, book: Book) -> None:
        self.arrays, self.table = book.world.arrays, book.world.table
        self.portfolio = deepcopy(book.portfolio)
        self.account = full(book)
        self.order_count = 0

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
        self.account.allocate(row, Pocket(after.lots, 0, after.entry))
        self.account.move_cash(asset, entry)

    def pay(self, asset: str, units: int) -> None:
        self.portfolio.cash[asset] = self.portfolio.cash.get(asset, 0) + units
        self.account.move_cash(asset, units)

    def hold(self, key: str, legs: Legs) -> None:
        self.portfolio.legs[key] = legs
        self.account.hold(hold_of(self.arrays, self.portfolio.fees, legs))

    def amend(self, key: str, legs: Legs) -> None:
        """As a decision on a change does: what it takes more is added."""
        held = order_hold(self.arrays, self.portfolio, key)
        either = changing_hold(self.arrays, self.portfolio.fees, self.portfolio.legs[key], legs)
        self.account.hold(more(either, held))
        self.portfolio.amendments[key] = legs

    def confirm(self, key: str) -> None:
        with self.changing(key):
            self.portfolio.legs[key] = self.portfolio.amendments.pop(key)

    def withdraw(self, key: str) -> None:
        with self.changing(key):
            del self.portfolio.amendments[key]

    def fill(self, key: str, leg: OpenLeg, lots: int) -> None:
        with self.changing(key):
            for legs_by_order in (self.portfolio.legs, self.portfolio.amendments):
                if key in legs_by_order:
                    legs_by_order[key] = shrunk(legs_by_order[key], leg.number, lots)
        if self.table.instruments[leg.row].kind is not InstrumentKind.SPOT:
            self.trade(leg.row, int(leg.side) * lots, 0)

    def release(self, key: str) -> None:
        with self.changing(key):
            del self.portfolio.legs[key]
            self.portfolio.amendments.pop(key, None)

    @contextmanager
    def changing(self, key: str) -> Iterator[None]:
        """As the ledger follows an order: its hold comes off, and what it has become goes on."""
        self.account.release(order_hold(self.arrays, self.portfolio, key))
        yield
        if key in self.portfolio.legs:
            self.account.hold(order_hold(self.arrays, self.portfolio, key))

    def step(self, data: st.DataObject, world: World, name: str) -> None:
        """One random step in the life of an order, or nothing where none is in that state."""
        pending = sorted(self.portfolio.amendments)
        calm = sorted({*self.portfolio.legs} - {*pending})
        if name == "hold":
            self.order_count += 1
            self.hold(f"n{self.order_count}", data.draw(open_orders(world)).accepted)
        elif name == "amend" and calm:
            key = data.draw(st.sampled_from(calm))
            self.amend(key, data.draw(changed_legs(world, self.portfolio.legs[key])))
        elif name in ("confirm", "withdraw") and pending:
            getattr(self, name)(data.draw(st.sampled_from(pending)))
        elif name == "release" and self.portfolio.legs:
            self.release(data.draw(st.sampled_from(sorted(self.portfolio.legs))))
        elif name == "fill" and self.portfolio.legs:
            key = data.draw(st.sampled_from(sorted(self.portfolio.legs)))
            legs = (*self.portfolio.legs[key], *self.portfolio.amendments.get(key, ()))
            if legs:
                leg = data.draw(st.sampled_from(legs))
                self.fill(key, leg, data.draw(st.integers(1, leg.lots + 2)))


ORDER_STEPS = ("hold", "amend", "amend", "confirm", "withdraw", "fill", "fill", "release")


@given(books(several=True), st.data())
def test_after_any_changes_the_totals_are_those_of_a_full_calculation(
    book: Book, data: st.DataObject
) -> None:
    walk = Walk(book)
    for _ in range(data.draw(st.integers(1, 15))):
        step = data.draw(st.sampled_from(("trade", "close", "pay", "look", *ORDER_STEPS)))
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
        elif step == "look":
            assert walk.account.risk is walk.account.risk
        else:
            walk.step(data, book.world, step)
    assert totals_of(walk.account) == totals_of(full(book, walk.portfolio))


@examples(200)
@given(books(orders_max=3, several=True), st.data())
def test_orders_that_are_accepted_changed_filled_and_released_leave_exact_totals(
    book: Book, data: st.DataObject
) -> None:
    """[SPAN-16, SPAN-17] after every step, and nothing once all is released"""
    walk = Walk(book)
    for _ in range(data.draw(st.integers(3, 12))):
        walk.step(data, book.world, data.draw(st.sampled_from(ORDER_STEPS)))
        assert totals_of(walk.account) == totals_of(full(book, walk.portfolio))
    for key in sorted(walk.portfolio.legs):
        walk.release(key)
    assert not walk.account.outflows
    assert all(not each.orders.lots for each in walk.account.groups.values())
    assert totals_of(walk.account) == totals_of(full(book, walk.portfolio))


@given(books(several=True), st.randoms(use_true_random=False))
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
        amendments=shuffled(given_one.amendments),
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
    legs = data.draw(open_orders(book.world, legs_max=4)).accepted
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


@given(books(several=True), st.data())
def test_a_change_holds_what_covers_both_shapes_and_both_together_as_far_as_they_can_fill(
    book: Book, data: st.DataObject
) -> None:
    """[SPAN-17] whichever way round, in one step or in two"""
    arrays, fees = book.world.arrays, book.portfolio.fees
    first = data.draw(open_orders(book.world))
    second = data.draw(changed_legs(book.world, first.accepted))
    old, new = hold_of(arrays, fees, first.legs), hold_of(arrays, fees, second)
    account, at_once = full(book), full(book)
    account.hold(old)
    account.hold(more(changing_hold(arrays, fees, first.legs, second), old))
    at_once.hold(changing_hold(arrays, fees, second, first.legs))
    assert totals_of(account) == totals_of(at_once)
    for shape in (old, new):
        alone = full(book)
        alone.hold(shape)
        assert account.risk.headroom <= alone.risk.headroom
        assert all(account.outflows.get(a, 0) >= units for a, units in alone.outflows.items())


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
