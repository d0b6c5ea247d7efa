"""GetOutlook on the wire."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from margingate.v1 import account_service_pb2 as pb
from margingate.v1 import types_pb2 as types
from margingate_server.rpc import outlook_servicer
from margingate_server.rpc.outlook_servicer import OutlookServicer
from margingate_server.service.refusals import Busy
from tests.unit.rpc.gate import Gate, leg, order


def hold(gate: Gate, **quantities: str) -> None:
    positions = [
        types.Position(instrument=name, quantity=quantity) for name, quantity in quantities.items()
    ]
    request = pb.SetPositionsRequest(request_id="p", account="a", positions=positions)
    gate.ok("SetPositions", request)


def outlook(gate: Gate) -> pb.GetOutlookResponse:
    answer: pb.GetOutlookResponse = gate.ok("GetOutlook", pb.GetOutlookRequest(account="a"))
    return answer


def test_a_short_call_is_liquidated_above_and_closed_when_margin_is_missing() -> None:
    gate = Gate().open(usd="50000")
    hold(gate, CALL="-2")
    calm = outlook(gate)
    (price,) = calm.liquidation_prices
    assert (price.underlying, price.index_price) == ("BTC", "100000")
    assert price.up_move > 0
    assert float(price.up_price) == pytest.approx(100_000 * (1 + price.up_move))
    assert not price.HasField("down_move")
    assert price.down_price == ""
    assert calm.reduction_is_enough
    assert not calm.suggested_reduction
    assert not calm.HasField("after_reduction")
    gate.ok(
        "AdjustCollateral",
        pb.AdjustCollateralRequest(request_id="w", account="a", currency="USD", amount="-1"),
    )
    assert outlook(gate).positions_only.equity != calm.positions_only.equity


def test_what_to_close_restores_the_margin() -> None:
    gate = Gate().open(usd="1000")
    hold(gate, CALL="-2")
    answer = outlook(gate)
    (trade,) = answer.suggested_reduction
    assert trade.instrument == "CALL"
    assert 0 < float(trade.quantity) <= 2
    assert answer.reduction_is_enough
    assert float(answer.after_reduction.headroom) >= 0 > float(answer.positions_only.headroom)


def test_the_next_expiry_is_named_with_what_expires() -> None:
    gate = Gate().open(usd="50000")
    hold(gate, CALL="1")
    expiry = outlook(gate).next_expiry
    assert list(expiry.instruments) == ["CALL"]
    assert expiry.expiry_time.ToNanoseconds() > 0
    assert float(expiry.positions_only.initial_margin) == 0


def test_the_outlook_rests_on_what_get_margin_rests_on() -> None:
    gate = Gate().open(usd="50000")
    hold(gate, CALL="-1")
    gate.check(order(leg("CALL", "-0.1", "200")))
    answer, margin = outlook(gate), gate.ok("GetMargin", pb.GetMarginRequest(account="a"))
    assert answer.basis == margin.basis
    assert answer.positions_only == margin.positions_only
    assert list(answer.order_ids) == ["o"]


def test_an_account_without_anything_has_nothing_ahead() -> None:
    answer = outlook(Gate().open(usd="1"))
    assert not answer.liquidation_prices
    assert not answer.HasField("next_expiry")


def test_an_unknown_account_has_no_outlook() -> None:
    answer = Gate().answer("GetOutlook", pb.GetOutlookRequest(account="nobody"))
    assert answer.reason == "ACCOUNT_NOT_FOUND"


def test_too_many_at_once_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlook_servicer, "WAIT_SECONDS_MAX", 0.01)
    gate = Gate().open()
    servicer = OutlookServicer(gate.lane)
    request, caller = pb.GetOutlookRequest(account="a"), Caller()
    with taken(servicer), pytest.raises(Busy):
        servicer.GetOutlook(request, caller)
    servicer.GetOutlook(request, caller)
    caller.is_there = False
    with pytest.raises(Busy):
        servicer.GetOutlook(request, caller)


class Caller:
    """A context of a call whose client may have gone."""

    is_there = True

    def is_active(self) -> bool:
        return self.is_there


@contextmanager
def taken(servicer: OutlookServicer) -> Iterator[None]:
    with servicer._turn():
        yield
