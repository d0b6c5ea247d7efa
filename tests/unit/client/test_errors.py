"""What is known of a call without an answer."""

import grpc
import pytest

from margingate_server.client import FieldViolation, MarginGate, MargingateCallError
from tests.unit.client.fake_server import FakeServer, Refusal


def failure(server: FakeServer, gate: MarginGate, refusal: Refusal) -> MargingateCallError:
    server.answers("GetAccount", refusal)
    with pytest.raises(MargingateCallError) as caught:
        gate.accounts.get("desk-1")
    return caught.value


def test_an_error_has_the_reason_the_variables_and_the_fields_at_fault(
    server: FakeServer, gate: MarginGate
) -> None:
    error = failure(
        server,
        gate,
        Refusal(
            code=grpc.StatusCode.INVALID_ARGUMENT,
            message="2 fields are wrong",
            reason="INVALID_FIELD",
            violations=(("order.legs[0].quantity", "must be > 0"), ("account", "account is empty")),
        ),
    )

    assert error.reason == "INVALID_FIELD"
    assert error.details == "2 fields are wrong"
    assert error.metadata == {"account": "desk-1"}
    assert error.violations == (
        FieldViolation("order.legs[0].quantity", "must be > 0"),
        FieldViolation("account", "account is empty"),
    )
    assert str(error) == ("INVALID_ARGUMENT: order.legs[0].quantity: must be > 0; account is empty")


def test_an_error_of_a_proxy_has_code_and_message(server: FakeServer, gate: MarginGate) -> None:
    plain = Refusal(
        code=grpc.StatusCode.PERMISSION_DENIED, message="by the proxy", has_details=False
    )
    error = failure(server, gate, plain)
    assert (error.code, error.reason, error.violations) == ("PERMISSION_DENIED", "", ())
    assert str(error) == "PERMISSION_DENIED: by the proxy"


def test_details_that_contradict_their_status_are_not_believed(
    server: FakeServer, gate: MarginGate
) -> None:
    odd = Refusal(code=grpc.StatusCode.NOT_FOUND, reason="LIE", details_contradict=True)
    error = failure(server, gate, odd)
    assert (error.code, error.reason) == ("NOT_FOUND", "")
