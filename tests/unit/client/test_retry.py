"""What is repeated, how often, and that it is the same request."""

from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate.v1 import margin_service_pb2 as wire
from margingate.v1.types_pb2 import VERDICT_ACCEPTED, Decision
from margingate_server.client import MarginGate, MargingateCallError, RetryPolicy, buy, is_accepted
from tests.unit.client.fake_server import FakeServer, Refusal, Silence

YES = wire.CheckOrderResponse(decision=Decision(verdict=VERDICT_ACCEPTED))
AWAY = Refusal(code=grpc.StatusCode.UNAVAILABLE, message="not ready")
CALL = buy("1", "BTC-PERPETUAL", "95000")


def test_a_call_that_found_nobody_is_repeated_with_the_same_request(
    server: FakeServer, gate: MarginGate, pauses: list[float]
) -> None:
    server.answers("CheckOrder", AWAY, AWAY, YES)

    assert is_accepted(gate.check_order("desk-1", CALL).decision)

    first, second, third = server.asked("CheckOrder")
    assert first.request_id
    assert first.order.order_id
    assert first == second == third
    assert 0.025 <= pauses[0] <= 0.05
    assert 0.05 <= pauses[1] <= 0.1


def test_a_call_that_took_too_long_is_repeated_with_the_same_request(server: FakeServer) -> None:
    server.answers("CheckOrder", Silence(), YES)
    with MarginGate.connect(server.target, timeout_seconds=0.3) as gate:
        answer = gate.check_order("desk-1", CALL, request_id="r-1")

    assert is_accepted(answer.decision)
    assert [each.request_id for each in server.asked("CheckOrder")] == ["r-1", "r-1"]


def test_after_the_last_try_the_error_has_the_id_to_repeat_the_call_with(
    server: FakeServer, gate: MarginGate, pauses: list[float]
) -> None:
    server.answers("CheckOrder", AWAY)

    with pytest.raises(MargingateCallError) as caught:
        gate.check_order("desk-1", CALL)

    asked = server.asked("CheckOrder")
    assert len(asked) == 3
    assert len(pauses) == 2
    assert caught.value.code == "UNAVAILABLE"
    assert caught.value.is_unanswered
    assert caught.value.request_id == asked[0].request_id


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED]
)
def test_an_answer_that_was_lost_on_its_way_is_no_refusal(
    server: FakeServer, gate: MarginGate, code: grpc.StatusCode
) -> None:
    lost = Refusal(code=code, message="Received RST_STREAM", has_details=False)
    server.answers("CheckOrder", lost, YES)
    assert is_accepted(gate.check_order("desk-1", CALL).decision)
    first, second = server.asked("CheckOrder")
    assert first == second

    server.answers("CheckOrder", lost)
    with pytest.raises(MargingateCallError) as caught:
        gate.check_order("desk-1", CALL, request_id="r-1")
    assert caught.value.is_unanswered
    assert caught.value.request_id == "r-1"


def test_a_closed_connection_is_an_error_of_the_call(server: FakeServer, gate: MarginGate) -> None:
    gate.close()
    with pytest.raises(MargingateCallError) as caught:
        gate.check_order("desk-1", CALL, request_id="r-1")
    assert (caught.value.code, caught.value.request_id) == ("CANCELLED", "r-1")
    assert server.requests == []


def test_the_id_to_repeat_a_fill_with_is_its_fill_id(server: FakeServer, gate: MarginGate) -> None:
    server.answers("ReportFill", AWAY)
    with pytest.raises(MargingateCallError) as caught:
        gate.report_fill("desk-1", "o-1", CALL, fill_id="trade-7")
    assert caught.value.request_id == "trade-7"


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.INTERNAL,
    ],
)
def test_a_refusal_is_final(
    server: FakeServer, gate: MarginGate, pauses: list[float], code: grpc.StatusCode
) -> None:
    server.answers("CheckOrder", Refusal(code=code, reason="OURS"))

    with pytest.raises(MargingateCallError) as caught:
        gate.check_order("desk-1", CALL)

    assert caught.value.code == code.name
    assert not caught.value.is_unanswered
    assert len(server.asked("CheckOrder")) == 1
    assert pauses == []


def test_nobody_listening_is_unavailable() -> None:
    with (
        MarginGate.connect("127.0.0.1:1", sleep=lambda _: None) as gate,
        pytest.raises(MargingateCallError) as caught,
    ):
        gate.list_orders("desk-1")
    assert caught.value.code == "UNAVAILABLE"


@given(tries=st.integers(1, 60), jitter=st.floats(0.0, 1.0, exclude_max=True))
def test_no_pause_is_longer_than_the_longest_or_shorter_than_half_the_doubling(
    tries: int, jitter: float
) -> None:
    policy = RetryPolicy(pause_seconds_first=0.1, pause_seconds_max=2.0)
    doubling = min(2.0, 0.1 * 2.0 ** (tries - 1))
    assert doubling / 2 <= policy.pause_seconds(tries, jitter) <= doubling


@pytest.mark.parametrize(
    "wrong", [{"tries_max": 0}, {"pause_seconds_first": -0.1}, {"pause_seconds_first": 5.0}]
)
def test_a_policy_that_cannot_be_followed_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"tries_max|pause"):
        RetryPolicy(**wrong)
