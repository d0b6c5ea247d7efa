"""`check` and `preview`: what is asked, what is shown, what a script is told."""

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from tests.unit.cli import answers
from tests.unit.cli.conftest import Run
from tests.unit.client.fake_server import FakeServer, Refusal, Silence

ORDER = ("desk-1", "buy", "2.5", "BTC-27DEC26-100000-C", "--limit", "0.0345")


def test_a_check_asks_for_the_order_typed(run: Run, server: FakeServer) -> None:
    server.answers("CheckOrder", answers.YES)
    ran = run("check", *ORDER, "--order-id", "o-1", "--request-id", "r-1")
    assert ran.code == 0
    (asked,) = server.asked("CheckOrder")
    assert (asked.account, asked.request_id) == ("desk-1", "r-1")
    assert asked.order == types.Order(
        order_id="o-1",
        legs=[
            types.OrderLeg(
                instrument="BTC-27DEC26-100000-C",
                side=types.SIDE_BUY,
                quantity="2.5",
                limit_price="0.0345",
            )
        ],
    )


@pytest.mark.parametrize(
    ("word", "execution"),
    [
        ("independent-legs", types.EXECUTION_INDEPENDENT_LEGS),
        ("atomic-combo", types.EXECUTION_ATOMIC_COMBO),
    ],
)
def test_more_legs_follow_the_first(
    run: Run, server: FakeServer, word: str, execution: types.Execution
) -> None:
    server.answers("PreviewOrder", margin.PreviewOrderResponse(decision=answers.ACCEPTED))
    more = ("--leg", "sell 1,000 BTC-PERPETUAL 95000", "--leg", "BUY 1 ETH")
    assert run("preview", *ORDER, *more, "--execution", word).code == 0
    (asked,) = server.asked("PreviewOrder")
    assert asked.order.execution == execution
    assert list(asked.order.legs[1:]) == [
        types.OrderLeg(
            instrument="BTC-PERPETUAL",
            side=types.SIDE_SELL,
            quantity="1000",
            limit_price="95000",
        ),
        types.OrderLeg(instrument="ETH", side=types.SIDE_BUY, quantity="1"),
    ]


@pytest.mark.parametrize("seconds", ["30", "30.0"])
def test_what_the_venue_was_told_is_told(run: Run, server: FakeServer, seconds: str) -> None:
    server.answers("CheckOrder", answers.YES)
    assert run("check", *ORDER, "--reduce-only", "--hold", seconds).code == 0
    (asked,) = server.asked("CheckOrder")
    assert asked.order.reduce_only
    assert asked.order.hold_duration == Duration(seconds=30)


def test_without_terms_an_order_has_none(run: Run, server: FakeServer) -> None:
    server.answers("CheckOrder", answers.YES)
    run("check", *ORDER)
    (asked,) = server.asked("CheckOrder")
    assert not asked.order.reduce_only
    assert not asked.order.HasField("hold_duration")


def test_a_preview_may_be_of_a_reduce_only_order(run: Run, server: FakeServer) -> None:
    cut = types.OrderLeg(instrument="ETH", side=types.SIDE_BUY, quantity="3", limit_price="3500")
    decision = types.Decision(verdict=types.VERDICT_ACCEPTED, held_legs=[cut])
    server.answers("PreviewOrder", margin.PreviewOrderResponse(decision=decision))
    ran = run("preview", "desk-1", "buy", "5", "ETH", "--limit", "3500", "--reduce-only")
    assert server.asked("PreviewOrder")[0].order.reduce_only
    assert " ".join(ran.row("held")) == "held buy 3 ETH at 3500"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("desk-1", "hold", "1", "ETH"), "hold"),
        (("desk-1", "buy", "one", "ETH"), "not a number"),
        (("desk-1", "buy", "0", "ETH"), "not above 0"),
        (("desk-1", "buy", "nan", "ETH"), "not a finite number"),
        (("desk-1", "buy", "1", "ETH", "--limit", "1.2.3"), "not a number"),
        (("desk-1", "buy", "1", "ETH", "--leg", "sell 1 BTC"), "--execution"),
        (
            ("desk-1", "buy", "1", "ETH", "--leg", "sell BTC", "--execution", "atomic-combo"),
            "buy|sell QUANTITY",
        ),
        (("desk-1", "buy", "1", "ETH", "--timeout", "0"), "--timeout"),
        (("desk-1", "buy", "1"), "INSTRUMENT"),
    ],
)
@pytest.mark.parametrize("command", ["check", "preview"])
def test_what_cannot_be_an_order_is_never_sent(
    run: Run, server: FakeServer, command: str, words: tuple[str, ...], complaint: str
) -> None:
    ran = run(command, *words)
    assert ran.code == 2
    assert complaint in " ".join(ran.err.replace("│", " ").split())
    assert server.requests == []


@pytest.mark.parametrize("seconds", ["0.5", "0", "-1", "soon", "nan", "inf", "1e300", "2592001"])
def test_a_hold_that_cannot_be_is_never_sent(run: Run, server: FakeServer, seconds: str) -> None:
    ran = run("check", *ORDER, "--hold", seconds)
    assert ran.code == 2
    assert "--hold" in ran.err
    assert server.requests == []


def test_bytes_that_are_no_text_are_a_usage_error(run: Run, server: FakeServer) -> None:
    ran = run("check", "desk-\udcff", *ORDER[1:])
    assert ran.code == 2
    assert "not UTF-8" in ran.err
    assert server.requests == []


def test_a_yes_shows_margin_and_basis(run: Run, server: FakeServer) -> None:
    server.answers("CheckOrder", answers.YES)
    ran = run("check", *ORDER, "--request-id", "r-1")
    assert ran.row("ACCEPTED") == ["ACCEPTED"]
    assert ran.row("headroom") == ["headroom", "80,000.00", "80,000.00", "0.00"]
    assert ran.row("request") == ["request", "r-1"]
    assert ran.row("exactness") == ["exactness", "exact"]
    assert "13: price -1, vol up" in ran.out
    assert "version 42 of 2027-01-15 08:00:00.250Z" in ran.out
    assert "span, parameters abcdef012345" in ran.out


def test_a_no_shows_why_and_exits_with_3(run: Run, server: FakeServer) -> None:
    server.answers("CheckOrder", answers.NO)
    ran = run("check", *ORDER)
    assert ran.code == 3
    assert "INSUFFICIENT_INITIAL_MARGIN  legs[0] needs [much] more" in ran.out
    assert ran.row("initial margin")[2:] == ["20,000.00", "120,000.50", "+100,000.50"]
    assert ran.row("headroom") == ["headroom", "80,000.00", "-20,000.50", "-100,000.50"]
    assert ran.row("margin impact")[2:] == ["100,000.50"]
    assert ran.row("also failing")[2:] == ["PRICE_COLLAR"]
    assert ran.row("binding") == ["binding", "basis", "charge"]
    assert "2: price 0, vol down  (before: 13: price -1, vol up)" in ran.out


@pytest.mark.parametrize("verdict", [types.VERDICT_UNSPECIFIED, 99])
def test_a_verdict_that_is_no_yes_exits_with_3(
    run: Run, server: FakeServer, verdict: types.Verdict.ValueType
) -> None:
    decision = types.Decision(verdict=verdict)
    server.answers("CheckOrder", margin.CheckOrderResponse(decision=decision))
    ran = run("check", *ORDER)
    assert ran.code == 3
    assert "ACCEPTED" not in ran.out


def test_a_remembered_answer_says_so(run: Run, server: FakeServer) -> None:
    server.answers(
        "CheckOrder", margin.CheckOrderResponse(decision=answers.ACCEPTED, replayed=True)
    )
    shown = run("check", *ORDER)
    assert "the remembered answer" in shown.out
    assert "do not send it" in shown.out
    assert shown.code == 3
    server.answers(
        "CheckOrder", margin.CheckOrderResponse(decision=answers.NO.decision, replayed=True)
    )
    assert "do not send it" not in run("check", *ORDER).out


def test_json_has_the_whole_answer_and_the_request_id_that_was_made(
    run: Run, server: FakeServer
) -> None:
    server.answers("CheckOrder", answers.NO)
    ran = run("check", *ORDER, "--json")
    assert ran.code == 3
    assert ran.json["request_id"] == server.asked("CheckOrder")[0].request_id
    assert ran.json["replayed"] is False
    assert ran.json["decision"]["verdict"] == "VERDICT_REJECTED"
    assert ran.json["decision"]["after"]["headroom"] == "-20000.500000"
    assert ran.json["decision"]["also_failing"] == ["REJECT_REASON_PRICE_COLLAR"]


def test_a_retried_check_repeats_its_request_id(run: Run, server: FakeServer) -> None:
    away = Refusal(code=grpc.StatusCode.UNAVAILABLE)
    server.answers("CheckOrder", away, answers.YES)
    assert run("check", *ORDER).code == 0
    first, second = server.asked("CheckOrder")
    assert first == second


def test_a_refused_call_names_the_field_in_one_line_and_exits_with_4(
    run: Run, server: FakeServer
) -> None:
    violation = ("order.legs[0].quantity", "has more than\n9 decimal places")
    server.answers(
        "CheckOrder",
        Refusal(code=grpc.StatusCode.INVALID_ARGUMENT, violations=(violation,)),
    )
    ran = run("check", *ORDER)
    assert ran.code == 4
    assert ran.out == ""
    assert ran.err == (
        "margingate: INVALID_ARGUMENT: order.legs[0].quantity: has more than 9 decimal places\n"
    )


def test_a_server_that_stays_away_exits_with_5_and_says_how_to_repeat(
    run: Run, server: FakeServer
) -> None:
    server.answers("CheckOrder", Refusal(code=grpc.StatusCode.UNAVAILABLE, message="starting"))
    ran = run("check", *ORDER, "--request-id", "r-77")
    assert ran.code == 5
    assert f"no answer from {server.target} (UNAVAILABLE: starting)" in ran.err
    assert "make run" in ran.err
    assert "r-77" in ran.err


def test_a_server_that_does_not_answer_in_time_exits_with_5(run: Run, server: FakeServer) -> None:
    server.answers("CheckOrder", Silence())
    ran = run("check", *ORDER, "--timeout", "0.3")
    assert ran.code == 5
    assert "DEADLINE_EXCEEDED" in ran.err


def test_nobody_listening_is_said_without_a_stack_trace(run: Run) -> None:
    ran = run("orders", "desk-1", "--target", "127.0.0.1:1")
    assert ran.code == 5
    assert "no answer from 127.0.0.1:1" in ran.err
    assert "make run" in ran.err
    assert "take" not in ran.err.replace("taken", "")  # a read has no effect to warn of
    assert "Traceback" not in ran.err


def test_an_explained_preview_shows_trees_and_scenarios_before_and_after(
    run: Run, server: FakeServer
) -> None:
    worse = types.ScenarioTable(
        group="BTC",
        descriptions=answers.SCENARIOS.descriptions,
        pnl=[10.0, -20.25],
        pnl_with_orders=[-19000.0, -119000.5],
    )
    before = types.WorstScenario(group="BTC", scenario=1, description="price 0, vol up")
    decision = types.Decision()
    decision.CopyFrom(answers.REJECTED)
    del decision.worst_before[:]
    decision.worst_before.append(before)
    server.answers(
        "PreviewOrder",
        margin.PreviewOrderResponse(
            decision=decision,
            explanation_before=answers.TREE,
            explanation_after=answers.TREE,
            scenarios_before=[answers.SCENARIOS],
            scenarios_after=[worse],
        ),
    )
    ran = run("preview", *ORDER, "--explain")
    assert ran.code == 3
    assert server.asked("PreviewOrder")[0].explain
    assert ran.row("before the order")[-1] == "20,000.00"
    assert ran.row("with the order")[-1] == "20,000.00"
    assert ran.out.count("basis charge BTC  0.000001") == 2
    assert ran.row("1 ")[-4:] == ["-19,000.00", "◀", "worst", "-19,000.00"]
    assert ran.row("2 ")[-4:] == ["-20.25", "-119,000.50", "◀", "worst"]


def test_a_plain_preview_asks_for_no_explanation(run: Run, server: FakeServer) -> None:
    server.answers("PreviewOrder", margin.PreviewOrderResponse(decision=answers.ACCEPTED))
    ran = run("preview", *ORDER)
    assert ran.code == 0
    assert "nothing is held" in ran.out
    assert not server.asked("PreviewOrder")[0].explain


@pytest.mark.parametrize(
    ("decision", "code"), [(answers.ACCEPTED, 0), (answers.REJECTED, 3)], ids=["yes", "no"]
)
def test_an_earlier_decision_exits_like_the_check_did(
    run: Run, server: FakeServer, decision: types.Decision, code: int
) -> None:
    server.answers("GetDecision", margin.GetDecisionResponse(decision=decision))
    ran = run("decision", "desk-1", "r-1")
    assert ran.code == code
    assert server.asked("GetDecision")[0].request_id == "r-1"
    assert ran.row("order") == ["order", "o-1"]


def test_an_earlier_yes_shows_what_was_held_for_it(run: Run, server: FakeServer) -> None:
    cut = types.OrderLeg(instrument="ETH", side=types.SIDE_SELL, quantity="3", limit_price="0")
    decision = types.Decision(verdict=types.VERDICT_ACCEPTED, held_legs=[cut])
    server.answers("GetDecision", margin.GetDecisionResponse(decision=decision))
    assert " ".join(run("decision", "desk-1", "r-1").row("held")) == "held sell 3 ETH at 0"
