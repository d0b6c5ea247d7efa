"""Orders over gRPC from the first answer to the last fill, with restarts and lost replies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from tests.integration.main_job.server import Server, start_server
from tests.integration.support.one_way import one_way
from tests.integration.support.pages import wait_until
from tests.integration.support.wire import CALL_SECONDS_MAX, Wire, connected, leg, now, order

BTC, ETH = "BTC_USDC-PERPETUAL", "ETH_USDC-PERPETUAL"
LOST_SECONDS = 1.5

NONE = types.LIFECYCLE_FLAG_UNSPECIFIED
LATE = types.LIFECYCLE_FLAG_LATE
OVER, UNKNOWN = types.LIFECYCLE_FLAG_OVER_FILL, types.LIFECYCLE_FLAG_UNKNOWN_ORDER


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Server, Wire]]:
    """A server on the frozen simulated market, and its services."""
    server = start_server(["--freeze"], folder)
    try:
        with connected(server.target) as wire:
            yield server, wire
        assert server.stop() == 0
    finally:
        server.end()


def amend_request(request_id: str, order_id: str, *legs: types.OrderLeg) -> Any:
    return margin.AmendOrderRequest(
        request_id=request_id, account="a", order_id=order_id, legs=legs, sent_time=now()
    )


def amend(wire: Wire, request_id: str, order_id: str, *legs: types.OrderLeg) -> types.Decision:
    request = amend_request(request_id, order_id, *legs)
    return wire.margin.AmendOrder(request, timeout=CALL_SECONDS_MAX).decision


def fill(wire: Wire, fill_id: str, order_id: str, traded: types.OrderLeg, fee: str) -> Any:
    return wire.margin.ReportFill(
        margin.ReportFillRequest(
            fill_id=fill_id,
            account="a",
            order_id=order_id,
            instrument=traded.instrument,
            side=traded.side,
            quantity=traded.quantity,
            price=traded.limit_price,
            fee=fee,
        ),
        timeout=CALL_SECONDS_MAX,
    )


def settle(wire: Wire, method: str, request_id: str, order_id: str) -> Any:
    request = getattr(margin, f"{method}Request")(
        request_id=request_id, account="a", order_id=order_id
    )
    return getattr(wire.margin, method)(request, timeout=CALL_SECONDS_MAX)


def decision(wire: Wire, request_id: str) -> types.Decision:
    request = margin.GetDecisionRequest(account="a", request_id=request_id)
    return wire.margin.GetDecision(request, timeout=CALL_SECONDS_MAX).decision


def orders(wire: Wire) -> list[types.OpenOrder]:
    request = margin.ListOrdersRequest(account="a")
    return list(wire.margin.ListOrders(request, timeout=CALL_SECONDS_MAX).orders)


def combo(order_id: str, *legs: types.OrderLeg) -> types.Order:
    made = order(order_id, *legs)
    made.execution = types.EXECUTION_ATOMIC_COMBO
    return made


def trade(wire: Wire) -> dict[str, types.Decision]:
    """A day of account a; every decision by its request id."""
    wire.open("a", USD="100000")
    told = {"buy": wire.check("buy", order("o", leg(BTC, "1", "89000"))).decision}
    assert fill(wire, "f-1", "o", leg(BTC, "0.2", "88990"), "5").open_quantity == "0.8"
    second = ("f-2", "o", leg(BTC, "0.1", "88995.5"), "0.5")
    assert fill(wire, *second).open_quantity == "0.7"
    assert fill(wire, *second).replayed
    told["more"] = amend(wire, "more", "o", leg(BTC, "2", "89050"))
    assert list(told["more"].held_legs) == [leg(BTC, "1.7", "89050")]
    beyond_the_old = fill(wire, "f-3", "o", leg(BTC, "0.9", "89050"), "1.25")
    assert (beyond_the_old.flag, beyond_the_old.open_quantity) == (NONE, "0")
    assert settle(wire, "ConfirmAmend", "c-1", "o").changed
    assert [each.quantity for each in orders(wire)[0].legs] == ["0.8"]
    told["less"] = amend(wire, "less", "o", leg(BTC, "1.5", "89050"))
    assert settle(wire, "RejectAmend", "c-2", "o").changed
    assert [each.quantity for each in orders(wire)[0].legs] == ["0.8"]
    assert settle(wire, "ReleaseOrder", "x-1", "o").released
    assert fill(wire, "f-4", "o", leg(BTC, "0.1", "89060"), "0").flag == LATE
    assert fill(wire, "f-5", "unheard", leg(BTC, "0.3", "89010"), "2").flag == UNKNOWN
    told["sell"] = wire.check("sell", order("p", leg(BTC, "-0.5", "89020"))).decision
    over = fill(wire, "f-6", "p", leg(BTC, "-0.6", "89020"), "1")
    assert (over.flag, over.open_quantity, over.position) == (OVER, "0", "1")
    told["far"] = amend_refused(wire)
    return told


def amend_refused(wire: Wire) -> types.Decision:
    """What is left open for the night: a combo with an end, and an order with a change pending."""
    spread = combo("spread", leg(BTC, "0.2", "89000"), leg(ETH, "-4", "2925"))
    spread.hold_duration.FromSeconds(86_400)
    assert wire.check("spread", spread).decision.verdict == types.VERDICT_ACCEPTED
    wire.check("rest", order("rest", leg(ETH, "3", "2926")))
    refused = amend(wire, "far", "rest", leg(ETH, "3000", "2926"))
    assert refused.reject_reason == types.REJECT_REASON_INSUFFICIENT_INITIAL_MARGIN
    pending = amend(wire, "night", "rest", leg(ETH, "5", "2926.5"))
    assert pending.verdict == types.VERDICT_ACCEPTED
    return refused


def test_a_day_of_orders_is_the_same_after_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, wire):
        told = trade(wire)
        accepted = {name for name, each in told.items() if each.verdict == types.VERDICT_ACCEPTED}
        assert accepted == {"buy", "more", "less", "sell"}
        account, listed = wire.account(), orders(wire)
        # Bought 1.6 for 142,451.55 and sold 0.6 of it for 53,412; the fees of all fills are 9.75.
        assert [(each.currency, each.amount) for each in account.balances] == [
            ("USD", "99982.91875")
        ]
        assert [(each.instrument, each.quantity) for each in account.positions] == [(BTC, "1")]
    with serving(tmp_path) as (_, wire):
        assert orders(wire) == listed
        assert wire.account() == account
        for request_id, earlier in told.items():
            assert decision(wire, request_id) == earlier
        again = amend_request("more", "o", leg(BTC, "2", "89050"))
        answer = wire.margin.AmendOrder(again, timeout=CALL_SECONDS_MAX)
        assert (answer.replayed, answer.decision) == (True, told["more"])
        assert fill(wire, "f-6", "p", leg(BTC, "-0.6", "89020"), "1").replayed
        assert settle(wire, "ConfirmAmend", "c-1", "o").changed
        assert wire.account() == account
        night, spread = (
            next(each for each in orders(wire) if each.order_id == name)
            for name in ("rest", "spread")
        )
        assert spread.hold_duration.seconds == 86_400
        assert night.amend_pending
        assert settle(wire, "ConfirmAmend", "c-3", "rest").changed
        assert [each.quantity for each in orders(wire)[0].legs] == ["5"]
        clean = margin.ReleaseAllRequest(request_id="x-2", account="a")
        assert wire.margin.ReleaseAll(clean, timeout=CALL_SECONDS_MAX).released_count == 2


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Wire]]:
    """A server for tests that open their own accounts."""
    with serving(tmp_path_factory.mktemp("orders")) as both:
        yield both


@pytest.mark.parametrize("make", [combo, order])
def test_legs_across_underlyings_are_held_all_or_none(
    wire: tuple[Server, Wire], make: Callable[..., types.Order]
) -> None:
    _, calls = wire
    name = make.__name__
    calls.open(name, USD="20000")
    before = calls.account(name)
    too_much = make("o", leg(BTC, "0.1", "89000"), leg(ETH, "2", "2926"), leg(ETH, "-90", "2900"))
    refused = calls.check("r-1", too_much, name).decision
    assert refused.reject_reason == types.REJECT_REASON_INSUFFICIENT_INITIAL_MARGIN
    off_tick = make("o", leg(BTC, "0.1", "89000"), leg(ETH, "2", "2926.001"))
    assert calls.check("r-2", off_tick, name).decision.reject_reason == types.REJECT_REASON_OFF_TICK
    listed = margin.ListOrdersRequest(account=name)
    assert not calls.margin.ListOrders(listed, timeout=CALL_SECONDS_MAX).orders
    assert calls.account(name).risk == before.risk

    legs = (
        leg(BTC, "0.1", "89000"),
        leg(ETH, "-3", "2925"),
        leg("BTC-30JAN26-100000-C", "0.1", "0.001"),
    )
    calls.open(f"{name}-rich", USD="20000", BTC="1")
    accepted = calls.check("r-3", make("o", *legs), f"{name}-rich").decision
    assert accepted.verdict == types.VERDICT_ACCEPTED
    assert list(accepted.held_legs) == list(legs)
    assert {each.group for each in accepted.worst_after} == {"BTC", "ETH"}
    listed.account = f"{name}-rich"
    (held,) = calls.margin.ListOrders(listed, timeout=CALL_SECONDS_MAX).orders
    assert list(held.legs) == list(legs)


def test_holds_whose_reply_was_lost_are_found_by_request_id_and_released(
    wire: tuple[Server, Wire],
) -> None:
    server, calls = wire
    calls.open("a", USD="100000")
    check = margin.CheckOrderRequest(
        request_id="lost",
        account="a",
        order=order("o", leg(BTC, "1", "89000")),
        sent_time=now(),
    )
    change = amend_request("changed", "o", leg(BTC, "2", "89000"))
    for method, request in (("CheckOrder", check), ("AmendOrder", change)):
        lose_the_reply(server, method, request)
        wait_until(lambda r=request: is_decided(calls, r.request_id), "the decision is durable")
    (held,) = orders(calls)
    assert (held.order_id, held.request_id, held.amend_pending) == ("o", "lost", True)
    for method, request in (("CheckOrder", check), ("AmendOrder", change)):
        found = decision(calls, request.request_id)
        assert found.verdict == types.VERDICT_ACCEPTED
        again = getattr(calls.margin, method)(request, timeout=CALL_SECONDS_MAX)
        assert (again.replayed, again.decision) == (True, found)
    assert calls.account().risk.initial_margin == decision(calls, "changed").after.initial_margin
    assert settle(calls, "ReleaseOrder", "free", "o").released
    assert calls.account().risk.initial_margin == "0"


def lose_the_reply(server: Server, method: str, request: Any) -> None:
    """Make a call whose request arrives and whose reply does not."""
    with one_way(server.grpc_port) as way, connected(way.target) as routed:
        assert routed.is_healthy()
        way.lose_answers()
        with pytest.raises(grpc.RpcError) as lost:
            getattr(routed.margin, method)(request, timeout=LOST_SECONDS)
        assert lost.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def is_decided(calls: Wire, request_id: str) -> bool:
    try:
        return bool(decision(calls, request_id).order_id)
    except grpc.RpcError:
        return False
