"""AdminService, from message to message."""

import grpc
import pytest

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import admin_service_pb2 as pb
from margingate.v1 import types_pb2 as types
from tests.unit.rpc.gate import Gate, leg, order

Code = grpc.StatusCode
CALL = leg("CALL", "0.1", "200")


@pytest.fixture
def gate() -> Gate:
    return Gate().open(usd="100000")


def engage(**changes: object) -> pb.EngageKillSwitchRequest:
    usual: dict[str, object] = {
        "request_id": "k",
        "scope": pb.KILL_SCOPE_ALL,
        "mode": pb.KILL_MODE_BLOCK_ALL,
        "reason": "drill",
    }
    return pb.EngageKillSwitchRequest(**{**usual, **changes})  # type: ignore[arg-type]


def test_a_suspension_stops_orders_until_it_is_lifted(gate: Gate) -> None:
    suspend = pb.SuspendAccountRequest(request_id="s", account="a", reason="why")
    assert gate.ok("SuspendAccount", suspend).changed is True
    assert gate.ok("SuspendAccount", suspend).changed is True
    reason = gate.check(order(CALL)).decision.reject_reason
    assert reason == types.REJECT_REASON_ACCOUNT_SUSPENDED
    assert gate.ok("GetAccount", accounts.GetAccountRequest(account="a")).account.suspended
    resume = pb.ResumeAccountRequest(request_id="t", account="a")
    assert gate.ok("ResumeAccount", resume).changed is True
    assert gate.check(order(CALL)).decision.verdict == types.VERDICT_ACCEPTED


def test_a_suspension_is_not_taken_for_the_resumption_of_the_same_id(gate: Gate) -> None:
    gate.ok("ResumeAccount", pb.ResumeAccountRequest(request_id="s", account="a"))
    conflict = gate.answer("SuspendAccount", pb.SuspendAccountRequest(request_id="s", account="a"))
    assert (conflict.code, conflict.reason) == (Code.ALREADY_EXISTS, "REQUEST_ID_REUSED")


def test_a_kill_switch_is_shown_while_it_is_in_force(gate: Gate) -> None:
    switch = gate.ok("EngageKillSwitch", engage()).kill_switch
    assert (switch.scope, switch.mode, switch.reason) == (1, 1, "drill")
    assert switch.engage_time == gate.sent_time()
    assert gate.ok("GetLimits", pb.GetLimitsRequest()).kill_switches == [switch]
    assert gate.check(order(CALL)).decision.reject_reason == types.REJECT_REASON_KILL_SWITCH
    release = pb.ReleaseKillSwitchRequest(request_id="l", scope=pb.KILL_SCOPE_ALL)
    assert gate.ok("ReleaseKillSwitch", release).changed is True
    assert gate.ok("ReleaseKillSwitch", release).changed is True
    other = pb.ReleaseKillSwitchRequest(request_id="m", scope=pb.KILL_SCOPE_ALL)
    assert gate.ok("ReleaseKillSwitch", other).changed is False
    assert list(gate.ok("GetLimits", pb.GetLimitsRequest()).kill_switches) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"scope": 0}, "scope"),
        ({"scope": 9}, "scope"),
        ({"mode": 0}, "mode"),
        ({"mode": 9}, "mode"),
        ({"subject": "x"}, "subject"),
        ({"scope": pb.KILL_SCOPE_ACCOUNT}, "subject"),
        ({"scope": pb.KILL_SCOPE_UNDERLYING, "subject": "btc"}, "subject"),
        ({"scope": pb.KILL_SCOPE_UNDERLYING, "subject": "DOGE"}, "subject"),
        ({"reason": "x" * 257}, "reason"),
        ({"request_id": ""}, "request_id"),
    ],
)
def test_a_malformed_kill_switch_names_its_field(
    gate: Gate, changes: dict[str, object], field: str
) -> None:
    answer = gate.answer("EngageKillSwitch", engage(**changes))
    assert (answer.code, answer.fields) == (Code.INVALID_ARGUMENT, (field,))


def test_a_kill_switch_on_an_unknown_account_is_not_found(gate: Gate) -> None:
    request = engage(scope=pb.KILL_SCOPE_ACCOUNT, subject="nobody")
    assert gate.answer("EngageKillSwitch", request).reason == "ACCOUNT_NOT_FOUND"


def test_limits_are_answered_joined_and_shown_own_and_joined(gate: Gate) -> None:
    default = pb.Limits(max_order_quantity="5", price_collar="0.05", max_order_quantity_usd="100")
    gate.ok("SetLimits", pb.SetLimitsRequest(request_id="d", limits=default))
    own = pb.Limits(max_order_quantity="0.3", max_order_notional="50000.5")
    request = pb.SetLimitsRequest(request_id="o", account="a", limits=own)
    joined = pb.Limits(
        max_order_quantity="0.3",
        max_order_notional="50000.5",
        price_collar="0.05",
        max_order_quantity_usd="100",
    )
    assert gate.ok("SetLimits", request).effective == joined
    shown = gate.ok("GetLimits", pb.GetLimitsRequest(account="a"))
    assert (shown.own, shown.effective) == (own, joined)
    nobody = gate.answer("SetLimits", pb.SetLimitsRequest(request_id="x", account="nobody"))
    assert nobody.code is Code.NOT_FOUND


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        (pb.Limits(max_order_quantity="0"), "limits.max_order_quantity"),
        (pb.Limits(max_order_quantity_usd="-1"), "limits.max_order_quantity_usd"),
        (pb.Limits(max_order_notional="NaN"), "limits.max_order_notional"),
        (pb.Limits(max_order_notional="0.0000001"), "limits.max_order_notional"),
        (pb.Limits(price_collar="1.000001"), "limits.price_collar"),
        (pb.Limits(price_collar="0.0000001"), "limits.price_collar"),
    ],
)
def test_malformed_limits_name_their_field(gate: Gate, limits: pb.Limits, field: str) -> None:
    answer = gate.answer("SetLimits", pb.SetLimitsRequest(request_id="x", limits=limits))
    assert (answer.code, answer.fields) == (Code.INVALID_ARGUMENT, (field,))
