"""Whether an event says what its request asked for: nobody's order is kept as another's."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, gcd
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

EXECUTIONS = {
    types.EXECUTION_UNSPECIFIED: "single",
    types.EXECUTION_ATOMIC_COMBO: "atomic_combo",
    types.EXECUTION_INDEPENDENT_LEGS: "independent_legs",
}
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
        case margin.AmendOrderRequest():
            return _is_amend(request, row, instruments)
        case margin.ConfirmAmendRequest():
            return (row.kind, event["order_id"]) == ("amend_confirmed", request.order_id)
        case margin.RejectAmendRequest():
            return (row.kind, event["order_id"]) == ("amend_withdrawn", request.order_id)
        case margin.ReleaseOrderRequest():
            released = [] if event["flag"] else [request.order_id]
            return (row.kind, event["order_ids"]) == ("orders_released", released)
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
    event = row.event
    if row.kind not in ("order_accepted", "order_rejected"):
        return False
    numbers = event["order"]
    hold_ns = order.hold_duration.seconds * NANO + order.hold_duration.nanos
    asked = (order.order_id, EXECUTIONS[order.execution], order.reduce_only)
    kept = (numbers["order_id"], numbers["execution"], numbers["is_reduce_only"])
    if asked != kept or not _are_legs(order.legs, numbers):
        return False
    if row.kind == "order_rejected":
        return True
    lots = [leg[2] for leg in numbers["legs"]]
    may_be_less = order.reduce_only
    return hold_ns == numbers["hold_ns"] and _are_lots(order.legs, lots, instruments, may_be_less)


def _is_amend(
    request: margin.AmendOrderRequest, row: Row, instruments: Mapping[str, Instrument]
) -> bool:
    if row.kind not in ("amend_accepted", "amend_rejected"):
        return False
    numbers, totals = row.event["order"], row.event["totals"]
    if numbers["order_id"] != request.order_id or not _are_legs(request.legs, numbers):
        return False
    if row.kind == "amend_rejected" or numbers["is_reduce_only"]:
        return True
    if numbers["execution"] == "atomic_combo":
        asked_lots = [
            Fraction(leg.quantity) / instruments[leg.instrument].lot for leg in request.legs
        ]
        return _are_units(asked_lots, totals, [leg[2] for leg in numbers["legs"]])
    return all(
        total * instruments[asked.instrument].lot == Fraction(asked.quantity)
        # Less than was filled cannot be asked for: what was filled remains, and nothing is open.
        or (total * instruments[asked.instrument].lot > Fraction(asked.quantity) and not kept[2])
        for asked, kept, total in zip(request.legs, numbers["legs"], totals, strict=True)
    )


def _are_units(asked: list[Fraction], totals: list[int], kept: list[int]) -> bool:
    """Whether a combo was changed to the units asked for, or to those that its fills began.

    Where any leg of a unit was filled its others are, too, and only still to be told.
    """
    units = gcd(*totals)
    ratios = [total // units for total in totals]
    asked_units = {lots / ratio for lots, ratio in zip(asked, ratios, strict=True)}
    begun = max(
        ceil(Fraction(total - lots, ratio))
        for total, lots, ratio in zip(totals, kept, ratios, strict=True)
    )
    return len(asked_units) == 1 and units == max(asked_units.pop(), begun)


def _are_legs(legs: Sequence[types.OrderLeg], numbers: dict[str, Any]) -> bool:
    """Instruments, sides, and the limits of what has a limit and is held."""
    return len(legs) == len(numbers["legs"]) and all(
        (asked.instrument, SIDES[asked.side], not asked.limit_price) == (name, side, is_market)
        and (is_market or not lots or Fraction(asked.limit_price) * NANO == price_nano)
        for asked, (name, side, lots, price_nano, is_market, *_) in zip(
            legs, numbers["legs"], strict=True
        )
    )


def _are_lots(
    legs: Sequence[types.OrderLeg],
    lots: list[int],
    instruments: Mapping[str, Instrument],
    may_be_less: bool,
) -> bool:
    return all(
        quantity == Fraction(asked.quantity)
        or (may_be_less and quantity < Fraction(asked.quantity))
        for asked, quantity in (
            (leg, held * instruments[leg.instrument].lot)
            for leg, held in zip(legs, lots, strict=True)
        )
    )


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
