"""Cash, positions and open orders kept from the requests, by the slow reference's arithmetic.

Knows of an event only which request it carried out; amounts come from the request itself. What a
request leaves to the server (a schedule's fee, the price of a market order, the entry of a
statement without a price) is taken from the event.
"""

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction

from margingate_engine.core.amounts import NANO
from margingate_engine.core.instruments import Instrument, InstrumentKind, OptionRight, Settlement
from margingate_server.ledger import events as e
from tests.reference import contracts
from tests.reference.account import Account, Position
from tests.reference.orders import OpenLeg, OpenOrder
from tests.simulation.instruments import BY_NAME
from tests.simulation.requests import (
    Adjust,
    Batch,
    Check,
    Fill,
    Key,
    Release,
    Request,
    SetPositions,
)
from tests.simulation.violation import hold


def reference_instrument(each: Instrument) -> contracts.Instrument:
    """A contract in the reference's words."""
    return contracts.Instrument(
        symbol=each.name,
        kind=contracts.Kind(each.kind.value),
        underlying=each.underlying,
        inverse=each.settlement is Settlement.INVERSE,
        lot=Fraction(each.lot_nano, NANO),
        size=Fraction(each.lot_nano, NANO) * Fraction(each.contract_nano, NANO),
        tick=Fraction(each.tick_nano, NANO),
        tick_steps=tuple(
            (Fraction(step.above_nano, NANO), Fraction(step.tick_nano, NANO))
            for step in each.tick_steps
        ),
        expiry_ns=each.expiry_ns,
        strike=Fraction(each.strike_nano or 0, NANO),
        call=each.right is OptionRight.CALL,
        halted=each.is_halted,
    )


CONTRACTS = {name: reference_instrument(each) for name, each in BY_NAME.items()}
SPOTS = {name for name, each in BY_NAME.items() if each.kind is InstrumentKind.SPOT}


class Books:
    """Accounts as they should be after a log. requests: all ever sent, by key and digest."""

    def __init__(self, requests: Mapping[Key, Mapping[str, Request]]) -> None:
        self._requests = requests
        self.accounts: dict[str, Account] = {}

    def follow(self, event: e.AnyEvent) -> None:
        """Carry out what the event's request asked for."""
        if isinstance(event, e.AccountOpened):
            self.accounts[event.account] = Account(cash=defaultdict(int))
        elif isinstance(event, e.CollateralAdjusted):
            self._adjust(self.accounts[event.account], event)
        elif isinstance(event, e.PositionsSet):
            self._set_positions(self.accounts[event.account], event)
        elif isinstance(event, e.OrderAccepted):
            self._accept(self.accounts[event.account], event)
        elif isinstance(event, e.OrdersReleased):
            self._release(self.accounts[event.account], event)
        elif isinstance(event, e.FillReported):
            self._fill(self.accounts[event.account], event)

    def _request(self, space: str, event: e.Event) -> Request:
        known = self._requests.get((space, event.account, event.request_id), {})
        request = known.get(event.request_digest)
        assert request is not None, f"nobody sent {event}"
        return request

    def _adjust(self, account: Account, event: e.CollateralAdjusted) -> None:
        request = self._request("request", event)
        assert isinstance(request, Adjust)
        account.cash[request.asset] += request.units
        hold(
            event.balance == account.cash[request.asset],
            "I7",
            "{} should have {} {}: {}",
            event.account,
            account.cash[request.asset],
            request.asset,
            event,
        )

    def _set_positions(self, account: Account, event: e.PositionsSet) -> None:
        request = self._request("request", event)
        assert isinstance(request, SetPositions)
        entry_by_name = {each.instrument: each.entry for each in event.positions}
        stated = {name: lots for name, lots, _ in request.stated}
        names = {*account.positions, *stated}
        breaks = {
            (name, account.lots(name), stated.get(name, 0))
            for name in names
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

    def _accept(self, account: Account, event: e.OrderAccepted) -> None:
        request = self._request("request", event)
        assert isinstance(request, Check)
        prices = prices_of(event)
        account.known_order_ids.add(request.order_id)
        account.orders[request.order_id] = OpenOrder(
            order_id=request.order_id,
            combo=False,
            legs=[
                OpenLeg(
                    symbol=leg.instrument,
                    side=leg.side,
                    lots=leg.lots,
                    price=Fraction(held if leg.price_nano is None else leg.price_nano, NANO),
                )
                for leg, held in zip(request.legs, prices, strict=True)
            ],
        )

    def _release(self, account: Account, event: e.OrdersReleased) -> None:
        request = self._request("request", event)
        wanted = tuple(sorted(account.orders))
        if isinstance(request, Release):
            wanted = (request.order_id,)
        hold(event.order_ids == wanted, "I7", "should release {}: {}", wanted, event)
        for order_id in wanted:
            hold(order_id in account.orders, "I7", "{} was not open: {}", order_id, event)
            del account.orders[order_id]

    def _fill(self, account: Account, event: e.FillReported) -> None:
        request = self._request("fill", event)
        assert isinstance(request, Fill)
        contract = CONTRACTS[request.instrument]
        order = account.orders.get(request.order_id)
        hold(event.flag == _flag(account, order, request), "I7", "wrongly flagged: {}", event)
        fee = event.fee if request.fee is None else request.fee
        signed = request.side * request.lots
        account.book(contract, signed, Fraction(request.price_nano, NANO), fee)
        if order is not None:
            _shrink(order, request)
            if not order.is_open:
                del account.orders[request.order_id]


def prices_of(event: e.OrderAccepted) -> tuple[int, ...]:
    """Prices that an accepted order is held at, in 1e-9."""
    return tuple(leg.price_nano for leg in event.order.legs)


def _open_lots(order: OpenOrder, fill: Fill) -> int:
    return sum(
        leg.lots for leg in order.legs if (leg.symbol, leg.side) == (fill.instrument, fill.side)
    )


def _flag(account: Account, order: OpenOrder | None, fill: Fill) -> str:
    if order is None:
        return "late" if fill.order_id in account.known_order_ids else "unknown_order"
    return "over_fill" if fill.lots > _open_lots(order, fill) else ""


def _shrink(order: OpenOrder, fill: Fill) -> None:
    """Orders of this world name an instrument once, so that there is one leg to shrink."""
    for leg in order.legs:
        if (leg.symbol, leg.side) == (fill.instrument, fill.side):
            leg.lots -= min(leg.lots, fill.lots)


def commands_of(request: Request) -> tuple[Request, ...]:
    """The requests with ids of their own that a request consists of."""
    return request.checks if isinstance(request, Batch) else (request,)
