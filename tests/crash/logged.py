"""What an event of the log says: the promise it keeps, and the request it came from."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from margingate.v1 import types_pb2 as types
from tests.crash.contracts import stamp
from tests.crash.event_log import Row
from tests.crash.open_orders import Leg, legs_of
from tests.crash.promises import Key, decision_bytes, positions_said, released_said
from tests.integration.main_job.wire import text
from tests.reference.contracts import Instrument
from tests.reference.fills import unit
from tests.reference.rounding import MICRO

SAID_BY_ACCOUNTS = {
    "account_opened",
    "collateral_adjusted",
    "positions_set",
    "order_accepted",
    "order_rejected",
    "amend_accepted",
    "amend_rejected",
    "amend_confirmed",
    "amend_withdrawn",
    "orders_released",
    "fill_reported",
}


def key_of(row: Row) -> Key | None:
    """The id of the request that an event answers; None for what no client here asked for."""
    if not row.request_id or row.kind not in SAID_BY_ACCOUNTS:
        return None
    space = "fill" if row.kind == "fill_reported" else "request"
    return space, row.account, row.request_id


def promise_in(row: Row, instruments: Mapping[str, Instrument]) -> bytes:
    """The promise that an event keeps."""
    event = row.event
    match row.kind:
        case "order_accepted" | "order_rejected" | "amend_accepted" | "amend_rejected":
            return decision_bytes(decision_message(event, instruments))
        case "amend_confirmed" | "amend_withdrawn":
            return f"settled {_flag(event)}".encode()
        case "orders_released":
            return released_said(len(event["order_ids"]), _flag(event))
        case "fill_reported":
            return f"filled {_flag(event)}".encode()
        case "collateral_adjusted":
            balance = text(Fraction(event["balance"], unit(event["asset"])))
            return f"balance {event['asset']} {balance}".encode()
        case "account_opened":
            return f"opened {event['fee_tier']}".encode()
        case "positions_set":
            return positions_said(
                (
                    name,
                    text(booked * instruments[name].lot),
                    text(stated * instruments[name].lot),
                )
                for name, booked, stated in event["breaks"]
            )
    raise AssertionError(row.kind)


def decision_message(
    event: Mapping[str, Any], instruments: Mapping[str, Instrument]
) -> types.Decision:
    """A decision as the wire says it."""
    numbers = event["decision"]
    before, after = numbers["before"], numbers["after"]
    reason = numbers["reason"]
    message = types.Decision(
        verdict=types.VERDICT_REJECTED if reason else types.VERDICT_ACCEPTED,
        reject_reason=reason,
        detail=numbers["detail"],
        before=_risk(before),
        after=_risk(after),
        worst_before=_worst(numbers["worst_before"]),
        worst_after=_worst(numbers["worst_after"]),
        binding_component=numbers["binding"],
        risk_reducing=numbers["is_risk_reducing"],
        basis=types.Basis(
            market_version=numbers["market_version"],
            market_time=stamp(numbers["market_time_ns"]),
            account_version=numbers["account_version"],
            model=numbers["model"],
            parameters_digest=numbers["parameters_digest"],
            decision_time=stamp(numbers["decision_ns"]),
            market_digest=numbers["market_digest"],
        ),
        order_id=numbers["order_id"],
    )
    if before is not None and after is not None:
        message.margin_impact = _usd(after[1] - before[1])
        exact = numbers["is_exact"]
        message.exactness = types.EXACTNESS_EXACT if exact else types.EXACTNESS_BOUND
    if not reason:
        held = (leg for leg in legs_of(event["order"]) if leg.lots)
        message.held_legs.extend(leg_message(leg, instruments) for leg in held)
    return message


def leg_message(leg: Leg, instruments: Mapping[str, Instrument]) -> types.OrderLeg:
    """A leg of an order as the wire says it."""
    return types.OrderLeg(
        instrument=leg.symbol,
        side=types.SIDE_BUY if leg.side > 0 else types.SIDE_SELL,
        quantity=text(leg.lots * instruments[leg.symbol].lot),
        limit_price=text(leg.price),
    )


def _flag(event: Mapping[str, Any]) -> str:
    return f"LIFECYCLE_FLAG_{event['flag'].upper() or 'UNSPECIFIED'}"


def _risk(numbers: list[int] | None) -> types.Risk | None:
    if numbers is None:
        return None
    equity, initial, maintenance = numbers
    return types.Risk(
        equity=_usd(equity),
        initial_margin=_usd(initial),
        maintenance_margin=_usd(maintenance),
        headroom=_usd(equity - initial),
    )


def _worst(scenarios: list[list[Any]]) -> list[types.WorstScenario]:
    return [types.WorstScenario(group=g, scenario=n, description=d) for g, n, d in scenarios]


def _usd(micro: int) -> str:
    return text(Fraction(micro, MICRO))
