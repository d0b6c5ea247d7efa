"""A second set of books, kept by hand from the events: cash, positions, open orders, totals.

Money is integers, prices are fractions; nothing of the product is used. Fills are booked by the
slow reference of the methodology.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.crash.event_log import Row
from tests.crash.open_orders import Order
from tests.crash.settling import settled_units
from tests.reference.account import Account, Position
from tests.reference.contracts import Instrument
from tests.reference.fills import delivered_coins, flow
from tests.reference.rounding import NANO

DECIDED = {"order_accepted", "order_rejected", "amend_accepted", "amend_rejected"}


@dataclass(slots=True)
class Book:
    """One account. last_numbers: market version and margin that the last event left, if it told."""

    account: Account = field(default_factory=Account)
    orders: dict[str, Order] = field(default_factory=dict)
    version: int = 0
    closed: set[str] = field(default_factory=set)
    last_numbers: tuple[int, list[int]] | None = None

    def close(self, order_id: str) -> bool:
        """Close an order; False when it was not open."""
        self.closed.add(order_id)
        return self.orders.pop(order_id, None) is not None

    def close_done(self) -> None:
        """Close orders of which nothing is open."""
        for order_id in [each.order_id for each in self.orders.values() if not each.is_open]:
            self.close(order_id)


class Books:
    """Every account; `totals` is what went in from outside and what trades moved, by asset.

    launched_ns: when the process was launched whose events are booked.
    """

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self.by_account: dict[str, Book] = {}
        self.settlement_prices: dict[str, Fraction] = {}
        self.totals: Counter[str] = Counter()
        self.instruments = instruments
        self.launched_ns = 0
        self.counts: Counter[str] = Counter()
        self._admin_version = 0

    def apply(self, row: Row) -> Iterator[str]:
        """Book an event; says what is wrong with it."""
        self.counts[row.kind] += 1
        if row.kind == "account_opened":
            if row.account in self.by_account:
                yield f"event {row.seq}: {row.account} is opened twice"
            self.by_account[row.account] = Book()
        book = self.by_account.get(row.account)
        yield from self._count(row, book)
        if row.kind == "settlement_priced":
            for name, price_nano in row.event["prices"]:
                self.settlement_prices[name] = Fraction(price_nano, NANO)
        if book is None:
            return
        told = book.last_numbers
        if row.kind not in DECIDED:
            book.last_numbers = None
        for problem in self._change(row, book, told):
            yield f"event {row.seq} ({row.kind} of {row.account}): {problem}"

    def unconserved(self) -> Iterator[str]:
        """Assets of which the accounts have more or less than came in."""
        held: Counter[str] = Counter()
        for book in self.by_account.values():
            held.update(book.account.cash)
            for symbol, position in book.account.positions.items():
                held[self.instruments[symbol].settlement] += position.entry
        for asset in sorted({*held, *self.totals}):
            if held[asset] != self.totals[asset]:
                yield f"{asset}: accounts have {held[asset]}, {self.totals[asset]} came in"

    def _count(self, row: Row, book: Book | None) -> Iterator[str]:
        if book is not None:
            book.version += 1
            expected = book.version
        else:
            self._admin_version += 1
            expected = self._admin_version
        if row.version != expected:
            name = row.account or "the shard"
            yield f"event {row.seq}: version {row.version} of {name}, {expected} was due"

    def _change(self, row: Row, book: Book, told: tuple[int, list[int]] | None) -> Iterator[str]:
        event = row.event
        if row.kind in DECIDED:
            yield from _decided(event["decision"], book, told)
        match row.kind:
            case "order_accepted":
                yield from _accepted(row, book)
            case "amend_accepted" | "amend_rejected":
                yield from _amended(row, book)
            case "amend_confirmed" | "amend_withdrawn":
                yield from _answered(row, book)
            case "orders_released" | "orders_expired":
                yield from _ended(row, book, self.launched_ns)
            case "collateral_adjusted":
                yield from self._adjusted(event, book)
            case "positions_set":
                yield from self._stated(event, book)
            case "fill_reported":
                yield from self._filled(event, book)
            case "positions_settled":
                yield from self._settled(event, book)

    def _adjusted(self, event: dict[str, Any], book: Book) -> Iterator[str]:
        asset, cash = event["asset"], book.account.cash
        cash[asset] += event["units"]
        self.totals[asset] += event["units"]
        if cash[asset] != event["balance"]:
            yield f"balance {event['balance']} {asset}, by the books {cash[asset]}"

    def _stated(self, event: dict[str, Any], book: Book) -> Iterator[str]:
        account = book.account
        stated = {name: Position(lots, entry) for name, lots, entry in event["positions"]}
        booked = {name: position.lots for name, position in account.positions.items()}
        names = sorted({*booked, *stated})
        lots = {name: stated[name].lots if name in stated else 0 for name in names}
        breaks = [
            [name, booked.get(name, 0), lots[name]]
            for name in names
            if booked.get(name, 0) != lots[name]
        ]
        if event["breaks"] != breaks:
            yield f"breaks {event['breaks']}, by the books {breaks}"
        for sign, positions in ((-1, account.positions), (1, stated)):
            for name, position in positions.items():
                self.totals[self.instruments[name].settlement] += sign * position.entry
        account.positions = stated

    def _filled(self, event: dict[str, Any], book: Book) -> Iterator[str]:
        name = event["instrument"]
        instrument = self.instruments[name]
        price, lots = Fraction(event["price_nano"], NANO), event["side"] * event["lots"]
        if event["flow"] != flow(instrument, lots, price):
            yield f"credits {event['flow']}, by the books {flow(instrument, lots, price)}"
        if event["flag"] != _flag(event, book):
            yield f"flag {event['flag']!r}, by the books {_flag(event, book)!r}"
        self.counts[f"fill_reported, {event['flag'] or 'plain'}"] += 1
        book.account.book(instrument, lots, price, event["fee"])
        self.totals[instrument.settlement] += event["flow"] - event["fee"]
        self.totals[instrument.underlying] += delivered_coins(instrument, lots)
        if name in self.settlement_prices:
            yield from self._close(book, name, event["settled_units"])
        elif event["settled_units"] is not None:
            yield f"settles at once what has not settled: {event['settled_units']}"
        order = book.orders.get(event["order_id"])
        if order is not None:
            order.fill(name, event["side"], event["lots"], price)
        book.close_done()

    def _settled(self, event: dict[str, Any], book: Book) -> Iterator[str]:
        for name, lots, units in event["positions"]:
            held = book.account.lots(name)
            if held != lots:
                yield f"settles {lots} lots of {name}, by the books {held}"
            yield from self._close(book, name, units)
        for order in book.orders.values():
            order.end(event["instruments"])
        book.close_done()

    def _close(self, book: Book, name: str, units: int | None) -> Iterator[str]:
        """A position becomes cash."""
        instrument = self.instruments[name]
        position = book.account.positions.pop(name, Position())
        expected = settled_units(instrument, position, self.settlement_prices[name])
        if units != expected:
            yield f"{name} settles at {units}, by the books {expected}"
        book.account.cash[instrument.settlement] += expected
        self.totals[instrument.settlement] += expected - position.entry


def _decided(
    decision: dict[str, Any], book: Book, told: tuple[int, list[int]] | None
) -> Iterator[str]:
    """Nobody is over the limit, and each decision starts from what the last one left."""
    before, after, reason = decision["before"], decision["after"], decision["reason"]
    if decision["account_version"] != book.version - 1:
        yield f"rests on version {decision['account_version']} of the account"
    is_same_market = told is not None and told[0] == decision["market_version"]
    if told is not None and is_same_market and before not in (None, told[1]):
        yield f"margin before is {before}, the last event left {told[1]}"
    if not reason and not decision["is_risk_reducing"] and after[0] < after[1]:
        yield f"is over the limit: {after}"
    left = before if reason else after
    book.last_numbers = None if left is None else (decision["market_version"], left)


def _accepted(row: Row, book: Book) -> Iterator[str]:
    order = Order.of(row.event["order"], row.recorded_ns)
    if order.order_id in book.orders or order.order_id in book.closed:
        yield f"{order.order_id} was accepted before"
    book.orders[order.order_id] = order


def _amended(row: Row, book: Book) -> Iterator[str]:
    numbers, totals = row.event["order"], row.event["totals"]
    order = book.orders.get(numbers["order_id"])
    if order is None:
        yield f"{numbers['order_id']} is not open"
        return
    if order.amended is not None:
        yield f"{order.order_id} has a change pending already"
    if row.kind == "amend_rejected":
        return
    filled = order.filled_lots()
    order.amend(numbers, totals)
    assert order.amended is not None
    expected = [done + leg.lots for done, leg in zip(filled, order.amended, strict=True)]
    if totals != expected:
        yield f"totals {totals}, by the books {expected}"


def _answered(row: Row, book: Book) -> Iterator[str]:
    order_id, flag = row.event["order_id"], row.event["flag"]
    order = book.orders.get(order_id)
    if order is None or order.amended is None:
        is_known = order is not None or order_id in book.closed
        expected = "late" if is_known else "unknown_order"
        if flag != expected:
            yield f"{order_id} has no change pending: flag {flag!r}, by the books {expected!r}"
    elif flag:
        yield f"{order_id} has a change pending, the flag is {flag!r}"
    elif row.kind == "amend_confirmed":
        order.confirm()
    else:
        order.withdraw()
    book.close_done()


def _ended(row: Row, book: Book, launched_ns: int) -> Iterator[str]:
    """Holds end by themselves not before their time, which a restart begins anew."""
    for order_id in row.event["order_ids"]:
        order = book.orders.get(order_id)
        if row.kind == "orders_expired" and order is not None:
            age_ns = row.recorded_ns - max(order.accepted_ns, launched_ns)
            if not order.hold_ns or age_ns < order.hold_ns:
                yield f"{order_id} expires after {age_ns} ns, its hold is {order.hold_ns} ns"
        if not book.close(order_id):
            yield f"{order_id} was not open"


def _flag(event: dict[str, Any], book: Book) -> str:
    order = book.orders.get(event["order_id"])
    if order is None:
        return "late" if event["order_id"] in book.closed else "unknown_order"
    is_open = order.open_lots(event["instrument"], event["side"])
    return "over_fill" if event["lots"] > is_open else ""
