"""Wallets of positions from message to message."""

from decimal import Decimal

import grpc
import pytest

from margingate.v1 import account_service_pb2 as pb
from margingate.v1 import admin_service_pb2 as admin
from margingate.v1 import types_pb2 as types
from margingate_engine.models.registry import model
from margingate_server.ledger.numbers import PolicyNumbers
from margingate_server.service.desk import Desk
from margingate_server.service.terms import Terms
from tests.unit.engine.models.cross.standard_market import STANDARD
from tests.unit.rpc.gate import Gate
from tests.unit.service.small_desk import FEE_TIERS, small_model

Code = grpc.StatusCode


@pytest.fixture
def gate() -> Gate:
    """One account in isolated with a lot of NEAR at its mark: 0.1 coin, 202.051005 required."""
    gate = Gate().open(usd="5000")
    isolated = model("isolated", {"BTC": {**STANDARD, "future_initial_slope": Decimal("0.00005")}})
    gate.next_terms = Terms(
        model=small_model(), tiers=FEE_TIERS, policy=PolicyNumbers(), others={"isolated": isolated}
    )
    gate.ok("ReloadParameters", admin.ReloadParametersRequest())
    regime(gate, "c", "isolated")
    gate.ok(
        "SetPositions",
        pb.SetPositionsRequest(
            request_id="p",
            account="a",
            positions=[types.Position(instrument="NEAR", quantity="0.1")],
        ),
    )
    return gate


def regime(gate: Gate, request_id: str, model_name: str) -> pb.SetMarginRegimeResponse:
    request = pb.SetMarginRegimeRequest(request_id=request_id, account="a", model=model_name)
    answer: pb.SetMarginRegimeResponse = gate.ok("SetMarginRegime", request)
    return answer


def request(amount: str, request_id: str = "m", instrument: str = "NEAR") -> pb.MoveMarginRequest:
    return pb.MoveMarginRequest(
        request_id=request_id, account="a", instrument=instrument, amount=amount
    )


def shown(gate: Gate) -> list[pb.PositionRisk]:
    return list(gate.ok("GetMargin", pb.GetMarginRequest(account="a")).positions)


def test_a_position_is_shown_by_itself_before_and_after_margin_moved(gate: Gate) -> None:
    """[ISO-04]"""
    (bare,) = shown(gate)
    assert (bare.instrument, bare.wallet, bare.liquidatable) == ("NEAR", "0", True)
    answer = gate.ok("MoveMargin", request("300.5"))
    (position,) = shown(gate)
    assert answer.wallet == position.wallet == position.risk.equity == "300.5"
    assert answer.position == position
    assert position.risk.initial_margin == "202.051005"
    assert position.risk.maintenance_margin == "101.051005"
    assert not position.liquidatable
    assert (answer.risk.equity, answer.risk.initial_margin) == ("5000", "300.5")
    assert gate.ok("MoveMargin", request("300.5")) == answer
    assert gate.ok("MoveMargin", request("-98", "back")).wallet == "202.5"


def ranked(gate: Gate) -> pb.RankedAccount:
    """Account a, as all were margined last."""

    def revalue(desk: Desk, now_ns: int) -> None:
        desk.revaluing.put(desk.revaluing.take(10))
        desk.revaluing.figures(desk.shard.market.view, now_ns)

    gate.lane.look(revalue)
    (account,) = gate.ok("RankAccounts", pb.RankAccountsRequest()).accounts
    assert isinstance(account, pb.RankedAccount)
    return account


def test_everybody_who_asks_is_told_that_a_position_is_due(gate: Gate) -> None:
    """[MON-15] A statement tops no wallet up."""
    margined, due = pb.MARGIN_STATE_HEALTHY, pb.MARGIN_STATE_LIQUIDATION
    for state, suggested in ((due, ["-0.1"]), (margined, [])):
        assert gate.ok("GetAccount", pb.GetAccountRequest(account="a")).state == state
        outlook = gate.ok("GetOutlook", pb.GetOutlookRequest(account="a"))
        assert [each.quantity for each in outlook.suggested_reduction] == suggested
        assert (outlook.liquidation_prices[0].down_move == 0) == (state == due)
        assert ranked(gate).state == state
        assert ranked(gate).margin_ratio == pytest.approx(2.0005 if state == due else 0.06, 1e-3)
        gate.ok("MoveMargin", request("300"))


def test_who_comes_from_another_model_has_the_margin_of_each_position_in_its_wallet(
    gate: Gate,
) -> None:
    """[ISO-06]"""
    regime(gate, "d", "span")
    assert shown(gate) == []
    answer = regime(gate, "e", "isolated")
    (position,) = shown(gate)
    assert position.wallet == position.risk.equity == position.risk.initial_margin == "202.051005"
    assert not position.liquidatable
    assert (answer.after.equity, answer.after.initial_margin) == ("5000", "202.051005")
    regime(gate, "f", "isolated")
    assert shown(gate) == [position]


def test_a_move_is_refused_with_its_reason(gate: Gate) -> None:
    """[ISO-06]"""
    refused = gate.answer("MoveMargin", request("5000.000001"))
    assert (refused.code, refused.reason) == (
        Code.FAILED_PRECONDITION, "INSUFFICIENT_INITIAL_MARGIN",
    )  # fmt: skip
    for wrong, field in (
        (request("0"), "amount"),
        (request("x"), "amount"),
        (request("0.0000001"), "amount"),
        (request("1", instrument=""), "instrument"),
        (request("1", instrument="FAR"), "instrument"),
        (request("1", request_id=""), "request_id"),
    ):
        answer = gate.answer("MoveMargin", wrong)
        assert (answer.code, answer.fields) == (Code.INVALID_ARGUMENT, (field,))
    assert gate.answer("MoveMargin", request("1", instrument="NONE")).code is Code.NOT_FOUND


def test_other_models_show_no_positions_by_themselves(gate: Gate) -> None:
    gate.ok("MoveMargin", request("300"))
    regime(gate, "d", "span")
    assert shown(gate) == []
    answer = gate.answer("MoveMargin", request("1", "n"))
    assert (answer.code, answer.fields) == (Code.INVALID_ARGUMENT, ("account",))
    again = gate.ok("MoveMargin", request("300"))
    assert (again.wallet, again.HasField("position")) == ("300", False)
