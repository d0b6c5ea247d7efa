"""Whether an event says what its request asked for: nobody's order is kept as another's."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from google.protobuf.message import Message

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from tests.crash.event_log import Row
from tests.crash.promises import Key
from tests.reference.contracts import Instrument
from tests.reference.fills import unit
from tests.reference.rounding import NANO

SIDES = {types.SIDE_BUY: 1, types.SIDE_SELL: -1}


def is_what_was_asked(
    request: Message, key: Key, row: Row, instruments: Mapping[str, Instrument]
) -> bool:
    """True when the event is of the kind and content of the request."""
    event = row.event
    match request:
        case margin.CheckOrderRequest():
            return _is_order(request.order, row, instruments)
        case margin.BatchCheckOrdersRequest():
            items = [each for each in request.items if each.request_id == key[2]]
            return all(_is_order(each.order, row, instruments) for each in items)
        case margin.ReleaseOrderRequest():
            return row.kind == "orders_released" and event["order_ids"] == [request.order_id]
        case margin.ReleaseAllRequest():
            return row.kind == "orders_released"
        case margin.ReportFillRequest():
            return row.kind == "fill_reported" and _is_fill(request, event, instruments)
        case accounts.CreateAccountRequest():
            return row.kind == "account_opened"
        case accounts.AdjustCollateralRequest():
            units = Fraction(request.amount) * unit(request.currency)
            adjusted = ("collateral_adjusted", request.currency, units)
            return adjusted == (row.kind, event["asset"], event["units"])
        case accounts.SetPositionsRequest():
            return row.kind == "positions_set" and _is_statement(request, event, instruments)
    raise AssertionError(type(request))


def _is_order(order: types.Order, row: Row, instruments: Mapping[str, Instrument]) -> bool:
    if row.kind == "order_rejected":
        return bool(row.event["decision"]["order_id"] == order.order_id)
    if row.kind != "order_accepted" or row.event["order_id"] != order.order_id:
        return False
    legs = row.event["legs"]
    return len(legs) == len(order.legs) and all(
        _is_leg(asked, kept, instruments) for asked, kept in zip(order.legs, legs, strict=True)
    )


def _is_leg(asked: types.OrderLeg, kept: list[Any], instruments: Mapping[str, Instrument]) -> bool:
    name, side, lots, price_nano = kept[:4]
    quantity = lots * instruments[name].lot
    wanted = (asked.instrument, SIDES[asked.side], Fraction(asked.quantity))
    is_price = not asked.limit_price or Fraction(asked.limit_price) * NANO == price_nano
    return wanted == (name, side, quantity) and is_price


def _is_fill(
    request: margin.ReportFillRequest, event: dict[str, Any], instruments: Mapping[str, Instrument]
) -> bool:
    instrument = instruments[request.instrument]
    asked = (
        request.order_id,
        request.instrument,
        SIDES[request.side],
        Fraction(request.quantity) / instrument.lot,
        Fraction(request.price) * NANO,
    )
    kept = tuple(event[name] for name in ("order_id", "instrument", "side", "lots", "price_nano"))
    fee = Fraction(request.fee or 0) * unit(instrument.settlement)
    return asked == kept and (not request.fee or fee == event["fee"])


def _is_statement(
    request: accounts.SetPositionsRequest,
    event: dict[str, Any],
    instruments: Mapping[str, Instrument],
) -> bool:
    asked = {each.instrument: Fraction(each.quantity) for each in request.positions}
    kept = {name: lots * instruments[name].lot for name, lots, _ in event["positions"]}
    return kept == {name: quantity for name, quantity in asked.items() if quantity}
