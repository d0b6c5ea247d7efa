"""Cash, positions and open orders kept from the requests, by the slow reference's arithmetic.

Knows of an event only which request it carried out; amounts come from the request itself. What a
request leaves to the server (a schedule's fee, the price of a market order, the entry of a
statement without a price) is taken from the event.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from margingate_engine.core.amounts import NANO
from margingate_server.ledger import events as e
from margingate_server.ledger.fold import REQUEST_SPACE
from margingate_server.ledger.requests import FILL_SPACE
from tests.reference.account import Account, Position
from tests.simulation.book_orders import BookLeg, BookOrder
from tests.simulation.contracts import CONTRACTS, settled_units
from tests.simulation.office_requests import Adjust, SetPositions
from tests.simulation.reduce_only import cut_lots
from tests.simulation.requests import Amend, Batch, Check, Fill, Key, Release, Request
from tests.simulation.violation import hold

Ended = e.OrdersReleased | e.OrdersExpired


@dataclass(slots=True)
class Booked:
    """An account as it should be. ids: every order that it ever had."""

    holdings: Account = field(default_factory=lambda: Account(cash=defaultdict(int)))
    orders: dict[str, BookOrder] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)


class Books:
    """Accounts as they should be after a log.

    requests: all ever sent, by key and digest. price_of: what the venue says that an instrument
    settles at, in 1e-9 USD. asked: what every accepted order was asked as.
    """

    def __init__(
        self,
        requests: Mapping[Key, Mapping[str, Request]],
        price_of: Callable[[str], int],
    ) -> None:
        self._requests = requests
        self._price_of = price_of
        self.accounts: dict[str, Booked] = {}
        self.settled: set[str] = set()
        self.asked: dict[tuple[str, str], Check] = {}

    def follow(self, event: e.AnyEvent) -> None:
        """Carry out what the event's request asked for."""
        if isinstance(event, e.AccountOpened):
            self.accounts[event.account] = Booked()
        elif isinstance(event, e.SettlementPriced):
            self._priced(event)
        elif event.account:
            self._follow_account(self.accounts[event.account], event)

    def _follow_account(self, account: Booked, event: e.AnyEvent) -> None:
        match event:
            case e.CollateralAdjusted():
                self._adjust(account.holdings, event)
            case e.PositionsSet():
                self._set_positions(account.holdings, event)
            case e.OrderAccepted():
                self._accept(account, event)
            case e.AmendAccepted():
                self._change(account, event)
            case e.AmendConfirmed() | e.AmendWithdrawn():
                self._settle_change(account, event)
            case e.OrdersReleased():
                self._release(account, event)
            case e.OrdersExpired():
                self._end(account, event)
            case e.FillReported():
                self._fill(account, event)
            case e.PositionsSettled():
                self._settle(account, event)

    def _request(self, space: str, event: e.Event) -> Request:
        known = self._requests.get((space, event.account, event.request_id), {})
        request = known.get(event.request_digest)
        assert request is not None, f"nobody sent {event}"
        return request

    def _adjust(self, account: Account, event: e.CollateralAdjusted) -> None:
        request = self._request(REQUEST_SPACE, event)
        assert isinstance(request, Adjust)
        account.cash[request.asset] += request.units
        balance = account.cash[request.asset]
        hold(event.balance == balance, "I7", "the balance should be {}: {}", balance, event)

    def _set_positions(self, account: Account, event: e.PositionsSet) -> None:
        request = self._request(REQUEST_SPACE, event)
        assert isinstance(request, SetPositions)
        entry_by_name = {each.instrument: each.entry for each in event.positions}
        stated = {name: lots for name, lots, _ in request.stated}
        breaks = {
            (name, account.lots(name), stated.get(name, 0))
            for name in {*account.positions, *stated}
            if account.lots(name) != stated.get(name, 0)
        }
        told = {(b.instrument, b.booked_lots, b.stated_lots) for b in event.breaks}
        hold(breaks == told, "I7", "breaks should be {}: {}", breaks, event)
        account.positions.clear()
        for name, lots, price_nano in request.stated:
            if price_nano is not None:
                account.state(CONTRACTS[name], lots, Fraction(price_nano, NANO))
            elif lots:
                account.positions[name] = Position(lots, entry_by_name[name])

    def _accept(self, account: Booked, event: e.OrderAccepted) -> None:
        request = self._request(REQUEST_SPACE, event)
        assert isinstance(request, Check)
        legs = [
            BookLeg(leg.instrument, leg.side, leg.lots, price_nano)
            for leg, price_nano in zip(request.legs, self._prices(request, event), strict=True)
        ]
        if request.is_reduce_only:
            _cut(legs, account.holdings, account.orders.values())
            hold(any(leg.lots for leg in legs), "I7", "nothing to reduce: {}", event)
        account.ids.add(request.order_id)
        self.asked[event.account, request.order_id] = request
        account.orders[request.order_id] = BookOrder(
            legs=legs,
            totals=[leg.lots for leg in legs],
            is_reduce_only=request.is_reduce_only,
            is_combo=request.is_combo,
        )

    def _change(self, account: Booked, event: e.AmendAccepted) -> None:
        request = self._request(REQUEST_SPACE, event)
        assert isinstance(request, Amend)
        order = account.orders[request.order_id]
        hold(order.amended is None, "I7", "a change is pending already: {}", event)
        legs = order.changed(request.legs, self._prices(request, event))
        if order.is_reduce_only:
            others = [each for each in account.orders.values() if each is not order]
            _cut(legs, account.holdings, others)
        order.change(legs)
        totals = tuple(order.amended_totals)
        hold(event.totals == totals, "I7", "totals should be {}: {}", totals, event)

    @staticmethod
    def _prices(request: Check | Amend, event: e.OrderAccepted | e.AmendAccepted) -> list[int]:
        return [
            held.price_nano if leg.price_nano is None else leg.price_nano
            for leg, held in zip(request.legs, event.order.legs, strict=True)
        ]

    def _settle_change(self, account: Booked, event: e.AmendConfirmed | e.AmendWithdrawn) -> None:
        order = account.orders.get(event.order_id)
        flag = ""
        if order is None or order.amended is None:
            flag = "late" if event.order_id in account.ids else "unknown_order"
        hold(event.flag == flag, "I7", "should be flagged {!r}: {}", flag, event)
        if order is not None and not flag:
            order.settle_change(is_confirmed=isinstance(event, e.AmendConfirmed))
            self._close_done(account)

    def _release(self, account: Booked, event: e.OrdersReleased) -> None:
        request = self._request(REQUEST_SPACE, event)
        order_ids, flag = tuple(sorted(account.orders)), ""
        if isinstance(request, Release):
            order_ids = (request.order_id,)
            if request.order_id not in account.orders:
                flag = "late" if request.order_id in account.ids else "unknown_order"
                order_ids = ()
        is_right = (event.order_ids, event.flag) == (order_ids, flag)
        hold(is_right, "I7", "should release {} {!r}: {}", order_ids, flag, event)
        self._end(account, event)

    @staticmethod
    def _end(account: Booked, event: Ended) -> None:
        for order_id in event.order_ids:
            hold(order_id in account.orders, "I7", "{} was not open: {}", order_id, event)
            del account.orders[order_id]

    def _fill(self, account: Booked, event: e.FillReported) -> None:
        request = self._request(FILL_SPACE, event)
        assert isinstance(request, Fill)
        order = account.orders.get(request.order_id)
        hold(event.flag == _flag(account, order, request), "I7", "wrongly flagged: {}", event)
        fee = event.fee if request.fee is None else request.fee
        signed = request.side * request.lots
        contract, price = CONTRACTS[request.instrument], Fraction(request.price_nano, NANO)
        account.holdings.book(contract, signed, price, fee)
        if order is not None:
            order.fill(request.instrument, request.side, request.lots)
            self._close_done(account)
        if request.instrument in self.settled:
            self._to_cash(account.holdings, request.instrument)

    def _priced(self, event: e.SettlementPriced) -> None:
        for each in event.prices:
            price_nano = self._price_of(each.instrument)
            hold(each.price_nano == price_nano, "I7", "should be {}: {}", price_nano, each)
            hold(each.instrument not in self.settled, "I7", "settled twice: {}", each)
            self.settled.add(each.instrument)

    def _settle(self, account: Booked, event: e.PositionsSettled) -> None:
        """Positions of what has a settlement price become cash, and its orders end."""
        held = {name for name in account.holdings.positions if name in self.settled}
        told = {each.instrument for each in event.positions}
        hold(held == told, "I7", "should settle {}: {}", held, event)
        for name in held:
            self._to_cash(account.holdings, name)
        for order in account.orders.values():
            order.end(self.settled)
        self._close_done(account)

    def _to_cash(self, account: Account, name: str) -> None:
        """What is held of a settled instrument becomes cash."""
        position = account.positions.pop(name, None)
        if position is not None:
            price = Fraction(self._price_of(name), NANO)
            account.cash[CONTRACTS[name].settlement] += settled_units(name, position, price)

    @staticmethod
    def _close_done(account: Booked) -> None:
        for order_id in [key for key, order in account.orders.items() if not order.is_open]:
            del account.orders[order_id]


def _cut(legs: Sequence[BookLeg], holdings: Account, others: Collection[BookOrder]) -> None:
    """Reduce-only: as the venue leaves them."""
    for leg, lots in zip(legs, cut_lots(legs, holdings, others), strict=True):
        leg.lots = lots


def _flag(account: Booked, order: BookOrder | None, fill: Fill) -> str:
    if order is None:
        return "late" if fill.order_id in account.ids else "unknown_order"
    return "over_fill" if fill.lots > order.open_lots(fill.instrument, fill.side) else ""


def commands_of(request: Request) -> tuple[Request, ...]:
    """The requests with ids of their own that a request consists of."""
    return request.checks if isinstance(request, Batch) else (request,)
