"""Orders between the wire and the use cases."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from hashlib import blake2b

from google.protobuf.message import Message

from margingate.v1 import types_pb2 as pb
from margingate_engine.check.question import RequestedLeg, RequestedOrder
from margingate_engine.core.amounts import NANO
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.orders import Execution, Side
from margingate_engine.core.times import DAY_NS
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.holdings import OpenLeg
from margingate_server.ledger.fold_orders import open_legs
from margingate_server.ledger.numbers import OrderNumbers
from margingate_server.ledger.state import AccountState
from margingate_server.rpc.decimals import nano_text, parse_positive, parse_price
from margingate_server.rpc.fields import (
    count_between,
    enum_value,
    identifier,
    instrument_name,
    timestamp,
)
from margingate_server.service.amending import AmendLeg

LEGS_MAX = 32
BATCH_MAX = 1_000

SIDES = {pb.SIDE_BUY: Side.BUY, pb.SIDE_SELL: Side.SELL}
EXECUTIONS = {
    pb.EXECUTION_ATOMIC_COMBO: Execution.ATOMIC_COMBO,
    pb.EXECUTION_INDEPENDENT_LEGS: Execution.INDEPENDENT_LEGS,
}

EXECUTION_NUMBERS = {each.value: number for number, each in EXECUTIONS.items()} | {
    Execution.SINGLE.value: pb.EXECUTION_UNSPECIFIED
}
HOLD_NS_MIN, HOLD_NS_MAX = NANO, 30 * DAY_NS

RowOf = Callable[[str], int]
UnnamedOrder = Callable[[RowOf], RequestedOrder]


def body_digest(request: Message) -> str:
    """Digest of a request without what a retry may change: its id and its sent_time."""
    body = type(request)()
    body.CopyFrom(request)
    for name in ("request_id", "fill_id", "sent_time"):
        if name in body.DESCRIPTOR.fields_by_name:
            body.ClearField(name)
    return blake2b(body.SerializeToString(deterministic=True), digest_size=12).hexdigest()


def parse_order(order: pb.Order, path: str, *, needs_id: bool = True) -> UnnamedOrder:
    """The order as soon as its instruments' rows are known; InvalidInput for anything malformed."""
    order_id = order.order_id
    if needs_id or order_id:
        identifier(order_id, f"{path}.order_id")
    if not 1 <= len(order.legs) <= LEGS_MAX:
        raise InvalidInput(f"{path}.legs", f"must have 1 to {LEGS_MAX} entries")
    execution = Execution.SINGLE
    if len(order.legs) > 1 or order.execution:
        execution = enum_value(order.execution, EXECUTIONS, f"{path}.execution")
    if len(order.legs) == 1:
        execution = Execution.SINGLE
    legs = [_parse_leg(leg, f"{path}.legs[{number}]") for number, leg in enumerate(order.legs)]

    def with_rows(row_of: RowOf) -> RequestedOrder:
        return RequestedOrder(
            order_id=order_id,
            legs=tuple(
                RequestedLeg(
                    row=row_of(leg.instrument),
                    side=leg.side,
                    quantity=leg.quantity,
                    limit=leg.limit,
                )
                for leg in legs
            ),
            execution=execution,
            is_reduce_only=order.reduce_only,
        )

    return with_rows


def parse_amend_legs(legs: Sequence[pb.OrderLeg], path: str) -> tuple[AmendLeg, ...]:
    """The legs that an open order is to have; InvalidInput for anything malformed."""
    count_between(len(legs), 1, LEGS_MAX, path)
    return tuple(_parse_leg(leg, f"{path}[{number}]") for number, leg in enumerate(legs))


def _parse_leg(leg: pb.OrderLeg, path: str) -> AmendLeg:
    return AmendLeg(
        instrument=instrument_name(leg.instrument, f"{path}.instrument"),
        side=enum_value(leg.side, SIDES, f"{path}.side"),
        quantity=parse_positive(leg.quantity, f"{path}.quantity"),
        limit=optional_price(leg.limit_price, f"{path}.limit_price"),
    )


def parse_hold_ns(order: pb.Order, path: str) -> int:
    """How long the order may hold margin, 0 for no end; InvalidInput outside of the bounds."""
    if not order.HasField("hold_duration"):
        return 0
    seconds, nanos = order.hold_duration.seconds, order.hold_duration.nanos
    hold_ns = seconds * NANO + nanos
    if not (0 <= nanos < NANO and HOLD_NS_MIN <= hold_ns <= HOLD_NS_MAX):
        raise InvalidInput(f"{path}.hold_duration", "must lie between 1 second and 30 days")
    return hold_ns


def open_order(account: AccountState, order_id: str, table: InstrumentTable) -> pb.OpenOrder:
    """An open order with what is left of its legs."""
    memo, portfolio = account.orders[order_id], account.portfolio
    amended = portfolio.amendments.get(order_id)
    message = pb.OpenOrder(
        order_id=order_id,
        legs=list(_open_legs(portfolio.legs[order_id], table)),
        accept_time=timestamp(memo.accepted_ns),
        request_id=memo.request_id,
        execution=EXECUTION_NUMBERS[memo.execution],
        reduce_only=memo.is_reduce_only,
        amended_legs=list(_open_legs(amended or (), table)),
        amend_pending=amended is not None,
    )
    if memo.hold_ns:
        message.hold_duration.FromNanoseconds(memo.hold_ns)
    return message


def held_legs(order: OrderNumbers, table: InstrumentTable) -> Iterable[pb.OrderLeg]:
    """What is held of an accepted order, by leg."""
    return _open_legs(open_legs(table, order), table)


def _open_legs(legs: Iterable[OpenLeg], table: InstrumentTable) -> Iterable[pb.OrderLeg]:
    for leg in legs:
        instrument = table.instruments[leg.row]
        yield pb.OrderLeg(
            instrument=instrument.name,
            side=pb.SIDE_BUY if leg.side > 0 else pb.SIDE_SELL,
            quantity=nano_text(leg.lots * instrument.lot_nano),
            limit_price=nano_text(leg.price_nano),
        )


def check_leg_count(orders: Iterable[pb.Order], field: str) -> None:
    """Refuse a batch of too many legs."""
    if sum(len(order.legs) for order in orders) > BATCH_MAX:
        raise InvalidInput(field, f"may have at most {BATCH_MAX} legs in all")


def one_leg(row: int, side: Side, limit: Decimal | None) -> RequestedOrder:
    """An order of one leg whose quantity is still to be found."""
    leg = RequestedLeg(row=row, side=side, quantity=Decimal(1), limit=limit)
    return RequestedOrder(order_id="", legs=(leg,))


def optional_price(text: str, field: str) -> Decimal | None:
    """A limit, None for a market order."""
    return parse_price(text, field) if text else None
