"""`amend`, `confirm-amend`, `reject-amend`: what is asked, what is shown, what a script is told."""

import grpc
import pytest

from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from tests.unit.cli import answers
from tests.unit.cli.conftest import Run
from tests.unit.client.fake_server import FakeServer, Refusal

AMEND = ("amend", "desk-1", "o-1", "buy", "5", "BTC-27DEC26-100000-C", "--limit", "0.04")
HELD = types.Decision(
    verdict=types.VERDICT_ACCEPTED,
    order_id="o-1",
    held_legs=[
        types.OrderLeg(
            instrument="BTC-27DEC26-100000-C", side=types.SIDE_BUY, quantity="3", limit_price="0.04"
        ),
        types.OrderLeg(instrument="ETH", side=types.SIDE_SELL, quantity="1", limit_price="3500"),
    ],
)


def test_a_change_asks_for_the_totals_typed(run: Run, server: FakeServer) -> None:
    server.answers("AmendOrder", margin.AmendOrderResponse(decision=answers.ACCEPTED, held=True))
    ran = run(*AMEND, "--leg", "sell 1,000 BTC-PERPETUAL", "--request-id", "r-1")
    assert ran.code == 0
    (asked,) = server.asked("AmendOrder")
    assert (asked.account, asked.order_id, asked.request_id) == ("desk-1", "o-1", "r-1")
    assert asked.HasField("sent_time")
    assert list(asked.legs) == [
        types.OrderLeg(
            instrument="BTC-27DEC26-100000-C", side=types.SIDE_BUY, quantity="5", limit_price="0.04"
        ),
        types.OrderLeg(instrument="BTC-PERPETUAL", side=types.SIDE_SELL, quantity="1000"),
    ]
    assert ran.row("ACCEPTED") == ["ACCEPTED"]
    assert ran.row("request") == ["request", "r-1"]


def test_what_is_held_and_so_may_be_sent_is_shown(run: Run, server: FakeServer) -> None:
    server.answers("AmendOrder", margin.AmendOrderResponse(decision=HELD, held=True))
    held = run(*AMEND).row("held")
    assert " ".join(held) == "held buy 3 BTC-27DEC26-100000-C at 0.04, sell 1 ETH at 3500"


def test_a_refused_change_exits_with_3_and_holds_nothing_new(run: Run, server: FakeServer) -> None:
    server.answers("AmendOrder", margin.AmendOrderResponse(decision=answers.REJECTED))
    ran = run(*AMEND)
    assert ran.code == 3
    assert "INSUFFICIENT_INITIAL_MARGIN" in ran.out
    assert not [line for line in ran.out.splitlines() if line.strip().startswith("held")]


def test_a_remembered_answer_to_a_change_says_so(run: Run, server: FakeServer) -> None:
    remembered = margin.AmendOrderResponse(decision=HELD, replayed=True, held=True)
    server.answers("AmendOrder", remembered)
    ran = run(*AMEND)
    assert "the remembered answer" in ran.out
    assert "do not send it" not in ran.out
    assert ran.code == 0


def test_a_remembered_change_that_holds_nothing_now_is_not_to_be_sent(
    run: Run, server: FakeServer
) -> None:
    server.answers("AmendOrder", margin.AmendOrderResponse(decision=HELD, replayed=True))
    ran = run(*AMEND)
    assert ran.code == 3
    assert "do not send it" in " ".join(ran.out.split())


def test_json_has_the_whole_answer_and_the_id_that_was_made(run: Run, server: FakeServer) -> None:
    server.answers("AmendOrder", margin.AmendOrderResponse(decision=HELD, held=True))
    ran = run(*AMEND, "--json")
    assert ran.code == 0
    assert ran.json["request_id"] == server.asked("AmendOrder")[0].request_id
    assert [each["quantity"] for each in ran.json["decision"]["held_legs"]] == ["3", "1"]


@pytest.mark.parametrize(
    ("code", "reason", "exit_code"),
    [
        (grpc.StatusCode.FAILED_PRECONDITION, "AMEND_PENDING", 4),
        (grpc.StatusCode.NOT_FOUND, "ORDER_NOT_FOUND", 4),
        (grpc.StatusCode.UNAVAILABLE, "LEDGER_DOWN", 5),
    ],
)
def test_a_change_without_a_decision_says_why(
    run: Run, server: FakeServer, code: grpc.StatusCode, reason: str, exit_code: int
) -> None:
    message = f"refused: {reason} (o-1)"
    server.answers("AmendOrder", Refusal(code=code, message=message, reason=reason))
    ran = run(*AMEND, "--request-id", "r-1")
    assert ran.code == exit_code
    assert reason in ran.err
    if exit_code == 5:
        assert "r-1" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("amend", "desk-1", "o-1", "buy", "0", "ETH"),
        ("amend", "desk-1", "o-1", "keep", "1", "ETH"),
        ("amend", "desk-1", "o-1", "buy", "1"),
        (*AMEND, "--leg", "sell BTC"),
        ("confirm-amend", "desk-1"),
        ("reject-amend", "desk-1"),
    ],
)
def test_what_cannot_be_a_change_is_never_sent(
    run: Run, server: FakeServer, words: tuple[str, ...]
) -> None:
    assert run(*words).code == 2
    assert server.requests == []


@pytest.mark.parametrize(
    ("command", "rpc", "done"),
    [
        ("confirm-amend", "ConfirmAmend", "the change is the order"),
        ("reject-amend", "RejectAmend", "the order is what it was"),
    ],
)
def test_the_answer_of_the_venue_is_passed_on(
    run: Run, server: FakeServer, command: str, rpc: str, done: str
) -> None:
    response, request = (getattr(margin, f"{rpc}{kind}") for kind in ("Response", "Request"))
    server.answers(
        rpc,
        response(changed=True, risk=answers.BEFORE),
        response(flag=types.LIFECYCLE_FLAG_LATE, risk=answers.BEFORE),
        response(flag=types.LIFECYCLE_FLAG_UNKNOWN_ORDER),
    )
    ran = run(command, "desk-1", "o-1", "--request-id", "r-1")
    assert ran.code == 0
    assert done in ran.out
    assert ran.row("headroom") == ["headroom", "80,000.00"]
    assert server.asked(rpc) == [request(request_id="r-1", account="desk-1", order_id="o-1")]
    late = run(command, "desk-1", "o-1")
    assert done not in late.out
    assert "no change was pending: the order was released, filled or answered before" in " ".join(
        late.out.split()
    )
    unknown = run(command, "desk-1", "o-1", "--json")
    assert unknown.json["flag"] == "LIFECYCLE_FLAG_UNKNOWN_ORDER"
    assert unknown.json["request_id"] == server.asked(rpc)[2].request_id
