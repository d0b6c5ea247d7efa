"""What a server answers about accounts, against the books."""

from collections.abc import Iterator, Mapping
from fractions import Fraction

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import types_pb2 as types
from tests.crash.asked import EXECUTIONS
from tests.crash.books import Book
from tests.crash.logged import leg_message
from tests.crash.open_orders import Order
from tests.integration.main_job.wire import units
from tests.reference.account import Position
from tests.reference.contracts import Instrument
from tests.reference.fills import unit
from tests.reference.rounding import NANO


def account_differences(
    answer: accounts.GetAccountResponse, book: Book, instruments: Mapping[str, Instrument]
) -> Iterator[str]:
    """Where the account that a server shows is not that of the books; amounts to the last unit."""
    name = answer.account.account
    cash = {each.currency: units(each.amount, unit(each.currency)) for each in answer.balances}
    booked_cash = {asset: amount for asset, amount in book.account.cash.items() if amount}
    if cash != booked_cash:
        yield f"{name} has cash {cash}, by the books {booked_cash}"
    held = {each.instrument: Fraction(each.quantity) for each in answer.positions}
    booked = {s: p.lots * instruments[s].lot for s, p in book.account.positions.items()}
    if held != booked:
        yield f"{name} holds {held}, by the books {booked}"
        return
    for each in answer.positions:
        instrument = instruments[each.instrument]
        expected = _entry_price(instrument, book.account.positions[each.instrument])
        if Fraction(each.entry_price or 0) != expected:
            yield f"{name} entered {each.instrument} at {each.entry_price}, books {expected}"
    if answer.account.open_order_count != len(book.orders):
        yield f"{name} has {answer.account.open_order_count} orders, books {len(book.orders)}"


def order_differences(
    name: str, listed: list[types.OpenOrder], book: Book, instruments: Mapping[str, Instrument]
) -> Iterator[str]:
    """Where the open orders that a server lists are not those of the books."""
    shown = {order.order_id: order for order in listed}
    for order_id in sorted({*shown, *book.orders}):
        found, order = shown.get(order_id), book.orders.get(order_id)
        expected = None if order is None else _open_order(order, instruments)
        if found is not None:
            # Whoever asked for it, and when, is compared with the journals.
            found.ClearField("accept_time")
            found.ClearField("request_id")
        if found != expected:
            yield f"{name} order {order_id} is {found}, by the books {expected}"


def _open_order(order: Order, instruments: Mapping[str, Instrument]) -> types.OpenOrder:
    message = types.OpenOrder(
        order_id=order.order_id,
        legs=[leg_message(leg, instruments) for leg in order.legs if leg.lots],
        execution=next(e for e, name in EXECUTIONS.items() if name == order.execution),
        reduce_only=order.is_reduce_only,
        amended_legs=[leg_message(leg, instruments) for leg in order.amended or () if leg.lots],
        amend_pending=order.amended is not None,
    )
    if order.hold_ns:
        message.hold_duration.FromNanoseconds(order.hold_ns)
    return message


def timeless(answer: accounts.GetMarginResponse, *, is_same_market: bool) -> bytes:
    """A margin without what says when it was asked, how old prices were and from which snapshot.

    is_same_market: False leaves out of which prices that snapshot is.
    """
    copy = accounts.GetMarginResponse()
    copy.CopyFrom(answer)
    if not is_same_market:
        copy.basis.ClearField("market_digest")
    copy.basis.ClearField("market_version")
    copy.basis.ClearField("decision_time")
    copy.ClearField("stale")
    return bytes(copy.SerializeToString(deterministic=True))


def _entry_price(instrument: Instrument, position: Position) -> Fraction:
    """Average entry price of a future to the nearest 1e-9; 0 for what is none."""
    if not instrument.is_future:
        return Fraction(0)
    size = position.lots * instrument.size
    entry = Fraction(position.entry, unit(instrument.settlement))
    if instrument.inverse:
        return _nearest(size / entry) if entry else Fraction(0)
    return _nearest(-entry / size)


def _nearest(price: Fraction) -> Fraction:
    return Fraction(round(price * NANO), NANO)
