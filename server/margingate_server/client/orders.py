"""Orders in plain Python, and what they are on the wire."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from margingate.v1 import types_pb2 as wire
from margingate_server.client.amounts import Amount, amount_text, optional_text
from margingate_server.client.ids import new_id


class Side(StrEnum):
    """Side of an order or fill."""

    BUY = "buy"
    SELL = "sell"


class Execution(StrEnum):
    """How several legs may fill."""

    ATOMIC_COMBO = "atomic-combo"
    INDEPENDENT_LEGS = "independent-legs"


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg: quantity > 0 in the venue's unit, limit in the quote currency (None: market)."""

    side: Side
    quantity: Amount
    instrument: str
    limit_price: Amount | None = None


def buy(quantity: Amount, instrument: str, limit_price: Amount | None = None) -> Leg:
    """A leg that buys."""
    return Leg(Side.BUY, quantity, instrument, limit_price)


def sell(quantity: Amount, instrument: str, limit_price: Amount | None = None) -> Leg:
    """A leg that sells."""
    return Leg(Side.SELL, quantity, instrument, limit_price)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a venue was told besides legs and prices.

    is_reduce_only: it cuts the order to what closes a position. hold_seconds: when the order's time
    in force ends there, and its margin need not be held any longer; None for never.
    """

    is_reduce_only: bool = False
    hold_seconds: float | None = None


NO_TERMS = Terms()


@dataclass(frozen=True, slots=True)
class Order:
    """One of several orders of a batch; ids are made where none are given."""

    legs: Sequence[Leg]
    execution: Execution | None = None
    order_id: str = field(default_factory=new_id)
    request_id: str = field(default_factory=new_id)
    terms: Terms = NO_TERMS


_SIDES = {Side.BUY: wire.SIDE_BUY, Side.SELL: wire.SIDE_SELL}
_EXECUTIONS = {
    None: wire.EXECUTION_UNSPECIFIED,
    Execution.ATOMIC_COMBO: wire.EXECUTION_ATOMIC_COMBO,
    Execution.INDEPENDENT_LEGS: wire.EXECUTION_INDEPENDENT_LEGS,
}


def encode_side(side: Side) -> "wire.Side.ValueType":
    """The side on the wire."""
    return _SIDES[side]


def encode_order(
    legs: Sequence[Leg], execution: Execution | None, order_id: str, terms: Terms = NO_TERMS
) -> wire.Order:
    """The order on the wire."""
    order = wire.Order(
        order_id=order_id,
        legs=[encode_leg(leg) for leg in legs],
        execution=_EXECUTIONS[execution],
        reduce_only=terms.is_reduce_only,
    )
    if terms.hold_seconds is not None:
        order.hold_duration.FromNanoseconds(round(terms.hold_seconds * 1e9))
    return order


def encode_leg(leg: Leg) -> wire.OrderLeg:
    """The leg on the wire."""
    return wire.OrderLeg(
        instrument=leg.instrument,
        side=_SIDES[leg.side],
        quantity=amount_text(leg.quantity),
        limit_price=optional_text(leg.limit_price),
    )
