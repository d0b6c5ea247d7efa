"""Margin states where accounts are shown: of now, and as published."""

import pytest

from margingate.v1 import account_service_pb2 as pb
from margingate.v1 import types_pb2 as types
from margingate_server.ledger.monitoring_events import MarginStateChanged
from margingate_server.service.desk import Desk
from tests.unit.rpc.gate import Gate


@pytest.fixture
def gate() -> Gate:
    gate = Gate().open(usd="50000")
    short = types.Position(instrument="CALL", quantity="-2")
    gate.ok(
        "SetPositions",
        pb.SetPositionsRequest(request_id="p", account="a", positions=[short]),
    )
    return gate


def shown(gate: Gate) -> pb.GetAccountResponse:
    answer: pb.GetAccountResponse = gate.ok("GetAccount", pb.GetAccountRequest(account="a"))
    return answer


def publish(desk: Desk, now_ns: int) -> tuple[None, int]:
    event = MarginStateChanged(account="a", previous="healthy", state="warning")
    return None, desk.shard.record(event, now_ns)


def test_an_account_shows_its_state_of_now_beside_the_published_one(gate: Gate) -> None:
    before = shown(gate)
    assert before.state == before.account.published_state == pb.MARGIN_STATE_HEALTHY
    gate.lane.decide(publish)
    after = shown(gate)
    assert after.state == pb.MARGIN_STATE_HEALTHY
    assert after.account.published_state == pb.MARGIN_STATE_WARNING
    (listed,) = gate.ok("ListAccounts", pb.ListAccountsRequest()).accounts
    assert listed.published_state == pb.MARGIN_STATE_WARNING


def test_a_fall_below_the_margin_shows_at_once(gate: Gate) -> None:
    withdrawn = pb.AdjustCollateralRequest(
        request_id="w", account="a", currency="USD", amount="-10000"
    )
    gate.ok("AdjustCollateral", withdrawn)
    gate.quote(index=140_000.0)
    answer = shown(gate)
    assert answer.state > pb.MARGIN_STATE_HEALTHY
    assert answer.account.published_state == pb.MARGIN_STATE_HEALTHY


def test_old_prices_leave_the_state_of_now_unknown(gate: Gate) -> None:
    gate.clock.ns += 11 * 10**9
    assert shown(gate).state == pb.MARGIN_STATE_UNKNOWN
