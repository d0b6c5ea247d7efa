"""A second set of books, kept by hand from the events: cash, positions, open orders, totals.

Money is integers, prices are fractions; nothing of the product is used. Fills are booked by the
slow reference of the methodology.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.crash.event_log import Row
from tests.reference.account import Account, Position
from tests.reference.contracts import Instrument
from tests.reference.fills import delivered_coins, flow
from tests.reference.orders import OpenLeg, OpenOrder
from tests.reference.rounding import NANO


@dataclass(slots=True)
class Book:
    """One account. last_numbers: market version and margin that the last event left, if it told."""

    account: Account = field(default_factory=Account)
    version: int = 0
    closed: set[str] = field(default_factory=set)
    last_numbers: tuple[int, list[int]] | None = None


class Books:
    """Every account; `totals` is what went in from outside and what trades moved, by asset."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self.by_account: dict[str, Book] = {}
        self.totals: Counter[str] = Counter()
        self.instruments = instruments
        self.accepted_count = 0
        self._admin_version = 0

    def apply(self, row: Row) -> Iterator[str]:
        """Book an event; says what is wrong with it."""
        if row.kind == "account_opened":
            if row.account in self.by_account:
                yield f"event {row.seq}: {row.account} is opened twice"
            self.by_account[row.account] = Book()
        book = self.by_account.get(row.account)
        yield from self._count(row, book)
        if book is None:
            return
        told = book.last_numbers
        if row.kind not in ("order_accepted", "order_rejected"):
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
        match row.kind:
            case "order_accepted" | "order_rejected":
                yield from _decided(row.event["decision"], book, told)
                if row.kind == "order_accepted":
                    yield from self._accepted(row.event, book)
            case "orders_released":
                for order_id in row.event["order_ids"]:
                    if book.account.orders.pop(order_id, None) is None:
                        yield f"{order_id} was not open"
                    book.closed.add(order_id)
            case "collateral_adjusted":
                yield from self._adjusted(row.event, book)
            case "positions_set":
                yield from self._stated(row.event, book)
            case "fill_reported":
                yield from self._filled(row.event, book)

    def _accepted(self, event: dict[str, Any], book: Book) -> Iterator[str]:
        order_id = event["order_id"]
        if order_id in book.account.orders or order_id in book.closed:
            yield f"{order_id} was accepted before"
        self.accepted_count += 1
        legs = [
            OpenLeg(symbol=name, side=side, lots=lots, price=Fraction(price_nano, NANO))
            for name, side, lots, price_nano, *_ in event["legs"]
        ]
        book.account.orders[order_id] = OpenOrder(
            order_id=order_id, combo=event["is_combo"], legs=legs
        )

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
        instrument = self.instruments[event["instrument"]]
        price, lots = Fraction(event["price_nano"], NANO), event["side"] * event["lots"]
        if event["flow"] != flow(instrument, lots, price):
            yield f"credits {event['flow']}, by the books {flow(instrument, lots, price)}"
        if event["flag"] != _flag(event, book):
            yield f"flag {event['flag']!r}, by the books {_flag(event, book)!r}"
        book.account.book(instrument, lots, price, event["fee"])
        self.totals[instrument.settlement] += event["flow"] - event["fee"]
        self.totals[instrument.underlying] += delivered_coins(instrument, lots)
        _shrink(event, book, price)


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


def _flag(event: dict[str, Any], book: Book) -> str:
    order = book.account.orders.get(event["order_id"])
    if order is None:
        return "late" if event["order_id"] in book.closed else "unknown_order"
    is_open = sum(
        leg.lots
        for leg in order.legs
        if (leg.symbol, leg.side) == (event["instrument"], event["side"])
    )
    return "over_fill" if event["lots"] > is_open else ""


def _shrink(event: dict[str, Any], book: Book, price: Fraction) -> None:
    """Take a fill off its order: first off legs whose limit allows it, the smaller hold first."""
    order = book.account.orders.get(event["order_id"])
    if order is None:
        return
    side, lots = event["side"], event["lots"]
    matching = [leg for leg in order.legs if (leg.symbol, leg.side) == (event["instrument"], side)]
    rank: Callable[[OpenLeg], tuple[bool, Fraction]] = lambda leg: (  # noqa: E731
        side * leg.price < side * price,
        side * leg.price,
    )
    for leg in sorted(matching, key=rank):
        taken = min(leg.lots, lots)
        leg.lots -= taken
        lots -= taken
    if not order.is_open:
        del book.account.orders[event["order_id"]]
        book.closed.add(event["order_id"])
