"""Between bytes and messages: what cannot be parsed never reaches a use case."""

from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from margingate.v1 import account_service_pb2, admin_service_pb2, margin_service_pb2
from margingate_engine.core.errors import InvalidInput
from margingate_server.rpc.transport import MESSAGE_BYTES_MAX, changes_something, parsed
from tests.unit.rpc.gate import METHODS, Gate, leg, order
from tests.unit.rpc.watch import Watch

GARBAGE = {
    "noise": b"\xff" * 50,
    "cut short": b"\x0a\x05ab",
    "wrong wire type": b"\x0d\x01\x02\x03\x04\x0a",
    "an open group": b"\x0b",
    "bad UTF-8": b"\x0a\x02\xff\xfe",
    "a lone surrogate": b"\x0a\x03\xed\xa0\x80",
    "field number zero": b"\x02\x01a",
    "overlong varint": b"\x08" + b"\xff" * 11,
    "deep nesting": b"\x1a\x7f" * 60,
}


class Ended(Exception):  # noqa: N818
    """What abort raises."""


class Context:
    """A servicer's context that remembers how the call was ended."""

    def __init__(self, *metadata: tuple[str, str | bytes]) -> None:
        self.metadata = metadata
        self.code: grpc.StatusCode | None = None
        self.trailing: Any = None

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return self.metadata

    def set_trailing_metadata(self, trailing: Any) -> None:
        self.trailing = trailing

    def abort(self, code: grpc.StatusCode, _message: str) -> None:
        self.code = code
        raise Ended


def call(
    gate: Gate, raw: bytes, context: Context, behavior: Any, method: str = "CheckOrder"
) -> bytes:
    handler = gate.transport.handler(
        METHODS[method], margin_service_pb2.CheckOrderRequest, behavior, None
    )
    return bytes(handler.unary_unary(raw, context))


def unreachable(_request: Message, _context: object) -> Message:
    raise AssertionError("reached")


@pytest.mark.parametrize("raw", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_an_invalid_message_and_reaches_nobody(raw: bytes) -> None:
    gate, context = Gate(), Context()
    with pytest.raises(Ended):
        call(gate, raw, context, unreachable)
    assert context.code is grpc.StatusCode.INVALID_ARGUMENT
    assert b"message" in context.trailing[0][1]
    assert gate.watch.of("incident", "changed") == []


def test_a_message_may_have_a_mebibyte_and_not_a_byte_more() -> None:
    kind = margin_service_pb2.CheckOrderRequest
    overhead = len(kind(request_id="x" * 1_000_000).SerializeToString()) - 1_000_000
    largest = kind(request_id="x" * (MESSAGE_BYTES_MAX - overhead)).SerializeToString()
    assert len(largest) == MESSAGE_BYTES_MAX == 1 << 20
    parsed(kind, largest)
    with pytest.raises(InvalidInput) as refused:
        parsed(kind, largest + b"\x00")
    assert refused.value.field == "message"


def test_an_empty_message_is_one() -> None:
    assert parsed(margin_service_pb2.CheckOrderRequest, b"").account == ""


@pytest.mark.parametrize(
    ("metadata", "is_refused"),
    [
        ((), False),
        ((("x-account-id", "a"),), False),
        ((("x-account-id", "b"),), True),
        ((("x-account-id", "a"), ("x-account-id", "b")), True),
        ((("x-account-id", ""),), True),
        ((("other", "b"), ("x-account-id-bin", b"b")), False),
    ],
)
def test_a_call_routed_by_another_account_is_refused(metadata: Any, is_refused: bool) -> None:
    gate, context = Gate().open(usd="1000"), Context(*metadata)
    raw = gate.check_request(order(leg("CALL", "0.1", "200"))).SerializeToString()
    called = []

    def behavior(request: Message, _context: object) -> Message:
        called.append(request)
        return margin_service_pb2.CheckOrderResponse()

    if is_refused:
        with pytest.raises(Ended):
            call(gate, raw, context, behavior)
        assert context.code is grpc.StatusCode.INVALID_ARGUMENT
    else:
        call(gate, raw, context, behavior)
    assert len(called) == (not is_refused)


def test_a_request_about_no_account_may_carry_any_header() -> None:
    gate = Gate()
    request = admin_service_pb2.ReleaseKillSwitchRequest(
        request_id="r", scope=admin_service_pb2.KILL_SCOPE_ALL
    )
    answer = gate.answer("ReleaseKillSwitch", request, (("x-account-id", "a"),))
    assert answer.code is grpc.StatusCode.OK


def test_what_nobody_foresaw_is_internal_with_an_incident() -> None:
    gate, context = Gate(), Context()

    def behavior(_request: Message, _context: object) -> Message:
        raise ZeroDivisionError("secret")

    with pytest.raises(Ended):
        call(gate, b"", context, behavior)
    assert context.code is grpc.StatusCode.INTERNAL
    assert b"secret" not in context.trailing[0][1]
    assert len(gate.watch.of("incident")) == 1


def test_every_call_is_counted_once_with_its_code() -> None:
    gate = Gate(is_listed=False)
    gate.watch.told.clear()
    path = "/margingate.v1.AccountService/GetAccount"
    gate.answer("GetAccount", account_service_pb2.GetAccountRequest(account="nobody"))
    gate.open()
    gate.watch.told.clear()
    gate.answer("GetAccount", account_service_pb2.GetAccountRequest(account="a"))
    assert gate.watch.of("started", "finished") == [("started",), ("finished", path, "OK")]


def test_what_may_change_something_is_told_with_request_and_answer() -> None:
    gate = Gate(is_listed=False)
    gate.watch.told.clear()
    request = gate.check_request(order(leg("CALL", "0.1", "200")))
    raw = request.SerializeToString()
    response = margin_service_pb2.CheckOrderResponse(replayed=True)
    assert call(gate, raw, Context(), lambda *_: response) == response.SerializeToString()
    with pytest.raises(Ended):
        call(gate, raw, Context(("x-account-id", "b")), unreachable)
    path = "/margingate.v1.MarginService/CheckOrder"
    assert gate.watch.of("changed") == [
        ("changed", path, "OK", request, response),
        ("changed", path, "INVALID_ARGUMENT", request, None),
    ]


def test_requests_that_only_look_change_nothing() -> None:
    looking = {
        *("PreviewOrder", "BatchPreviewOrders", "GetMaxOrderSize", "GetDecision", "ListOrders"),
        *("GetAccount", "ListAccounts", "GetMargin", "GetMarket", "GetRiskArray", "ListModels"),
        *("GetLimits", "PublishInstruments", "PublishQuotes", "ReloadParameters"),
        *("CompareRegimes", "SimulatePortfolio", "RankAccounts", "GetOutlook"),
    }
    changing = {
        name
        for name, method in METHODS.items()
        if changes_something(GetMessageClass(method.input_type)())
    }
    assert changing == METHODS.keys() - looking


@pytest.mark.parametrize(
    "report", ["started", "decoded", "encoded", "finished", "changed", "decided", "checked"]
)
def test_an_observer_that_fails_breaks_no_answer(
    monkeypatch: pytest.MonkeyPatch, report: str
) -> None:
    gate = Gate().open(usd="1000")

    def broken(*_: object) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(Watch, report, broken)
    assert gate.check(order(leg("CALL", "0.1", "200"))).decision.order_id == "o"
    assert gate.answer("CheckOrder", margin_service_pb2.CheckOrderRequest()).fields == ("account",)


def test_stages_are_timed_of_checks_and_of_nothing_else() -> None:
    gate = Gate().open(usd="1000")
    one = order(leg("CALL", "0.1", "200"))
    gate.ok("PreviewOrder", margin_service_pb2.PreviewOrderRequest(account="a", order=one))
    gate.ok("ListOrders", margin_service_pb2.ListOrdersRequest(account="a"))
    assert gate.watch.of("decoded", "encoded") == []
    gate.check(one)
    assert gate.watch.of("decoded", "encoded") == [("decoded",), ("encoded",)]
    item = margin_service_pb2.BatchCheckItem(request_id="s", order=one)
    batch = margin_service_pb2.BatchCheckOrdersRequest(
        account="a", sent_time=gate.sent_time(), items=[item]
    )
    gate.ok("BatchCheckOrders", batch)
    assert gate.watch.of("decoded", "encoded") == [("decoded",), ("encoded",)] * 2
    change = margin_service_pb2.AmendOrderRequest(
        request_id="t",
        account="a",
        order_id="o",
        legs=[leg("CALL", "0.1", "190")],
        sent_time=gate.sent_time(),
    )
    gate.ok("AmendOrder", change)
    assert gate.watch.of("decoded", "encoded") == [("decoded",), ("encoded",)] * 3
