"""Orders between the wire and the use cases."""

from decimal import Decimal

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from margingate.v1 import account_service_pb2, margin_service_pb2
from margingate.v1 import types_pb2 as types
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.orders import Execution, Side
from margingate_server.rpc.order_codec import LEGS_MAX, body_digest, parse_order
from tests.unit.rpc.gate import leg, order

CALL = leg("CALL", "0.1", "200")


def request(**changes: object) -> margin_service_pb2.CheckOrderRequest:
    usual: dict[str, object] = {
        "request_id": "r",
        "account": "a",
        "order": order(CALL),
        "sent_time": Timestamp(seconds=5),
    }
    return margin_service_pb2.CheckOrderRequest(**{**usual, **changes})  # type: ignore[arg-type]


def refused_field(wrong: types.Order) -> str:
    with pytest.raises(InvalidInput) as refused:
        parse_order(wrong, "items[4].order")
    return refused.value.field


def test_the_digest_of_a_body_ignores_id_and_sent_time_and_nothing_else() -> None:
    digest = body_digest(request())
    assert body_digest(request(request_id="s", sent_time=Timestamp(seconds=6))) == digest
    assert body_digest(request(account="b")) != digest
    assert body_digest(request(order=order(CALL, order_id="p"))) != digest
    assert body_digest(request(order=order(leg("CALL", "0.10", "200")))) != digest
    assert body_digest(request(order=order(leg("CALL", "0.1")))) != digest


def test_the_digest_of_a_fill_ignores_its_fill_id() -> None:
    fills = [margin_service_pb2.ReportFillRequest(fill_id=name, price="5") for name in "fg"]
    assert body_digest(fills[0]) == body_digest(fills[1])
    fills[1].price = "6"
    assert body_digest(fills[0]) != body_digest(fills[1])


def test_the_digest_leaves_the_request_as_it_was() -> None:
    once = request()
    body_digest(once)
    assert once == request()


def test_fields_that_we_do_not_know_are_part_of_the_body() -> None:
    raw = account_service_pb2.GetAccountRequest(account="a").SerializeToString()
    plain = account_service_pb2.GetAccountRequest.FromString(raw)
    extended = account_service_pb2.GetAccountRequest.FromString(raw + b"\xf8\x3f\x01")
    assert body_digest(plain) != body_digest(extended)


def test_an_order_is_parsed_to_exact_quantities_on_rows() -> None:
    two = types.Order(
        order_id="o",
        legs=[CALL, leg("NEAR", "-2.50")],
        execution=types.EXECUTION_ATOMIC_COMBO,
    )
    parsed = parse_order(two, "order")({"CALL": 3, "NEAR": 8}.__getitem__)
    assert (parsed.order_id, parsed.execution) == ("o", Execution.ATOMIC_COMBO)
    first, second = parsed.legs
    assert (first.row, first.side, first.quantity, first.limit) == (
        *(3, Side.BUY, Decimal("0.1"), Decimal(200)),
    )
    assert (second.row, second.side, second.quantity, second.limit) == (
        *(8, Side.SELL, Decimal("2.5"), None),
    )


@pytest.mark.parametrize(
    "execution", [types.EXECUTION_UNSPECIFIED, types.EXECUTION_INDEPENDENT_LEGS]
)
def test_the_execution_of_a_single_leg_does_not_matter(execution: int) -> None:
    single = order(CALL)
    single.execution = execution  # type: ignore[assignment]
    assert parse_order(single, "order")(lambda _name: 0).execution is Execution.SINGLE


def test_several_legs_need_an_execution_and_any_must_be_known() -> None:
    several = order(CALL, CALL)
    for unknown in (0, 3, -1):
        several.execution = unknown  # type: ignore[assignment]
        assert refused_field(several) == "items[4].order.execution"
    single = order(CALL)
    single.execution = 9  # type: ignore[assignment]
    assert refused_field(single) == "items[4].order.execution"


def test_an_order_has_1_to_32_legs() -> None:
    assert refused_field(order()) == "items[4].order.legs"
    assert refused_field(order(*(CALL,) * (LEGS_MAX + 1))) == "items[4].order.legs"
    full = parse_order(order(*(CALL,) * LEGS_MAX), "order")(lambda _name: 0)
    assert len(full.legs) == LEGS_MAX == 32


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (types.OrderLeg(instrument="", side=1, quantity="1"), "instrument"),
        (types.OrderLeg(instrument="X" * 65, side=1, quantity="1"), "instrument"),
        (types.OrderLeg(instrument="X", quantity="1"), "side"),
        (types.OrderLeg(instrument="X", side=9, quantity="1"), "side"),  # type: ignore[arg-type]
        (types.OrderLeg(instrument="X", side=1), "quantity"),
        (types.OrderLeg(instrument="X", side=1, quantity="0"), "quantity"),
        (types.OrderLeg(instrument="X", side=1, quantity="-1"), "quantity"),
        (types.OrderLeg(instrument="X", side=1, quantity="1", limit_price="-1"), "limit_price"),
        (types.OrderLeg(instrument="X", side=1, quantity="1", limit_price="1e5"), "limit_price"),
    ],
)
def test_a_malformed_leg_is_named_with_its_number(wrong: types.OrderLeg, field: str) -> None:
    assert refused_field(order(CALL, wrong)) == f"items[4].order.legs[1].{field}"


@pytest.mark.parametrize("order_id", ["", "x" * 65, "a b"])
def test_an_order_to_hold_needs_an_id(order_id: str) -> None:
    assert refused_field(order(CALL, order_id=order_id)) == "items[4].order.order_id"


def test_an_order_to_preview_may_have_none_but_no_odd_one() -> None:
    parse_order(order(CALL, order_id=""), "order", needs_id=False)
    with pytest.raises(InvalidInput):
        parse_order(order(CALL, order_id="a b"), "order", needs_id=False)
