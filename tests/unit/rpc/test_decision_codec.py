"""Decisions and risks on the wire."""

from margingate.v1 import types_pb2 as types
from margingate_engine.core.explanation import Component
from margingate_engine.core.risk import Risk
from margingate_engine.market.table import InstrumentTable
from margingate_server.ledger.numbers import (
    DecisionNumbers,
    LegNumbers,
    OrderNumbers,
    RiskNumbers,
    WorstNumbers,
)
from margingate_server.rpc.decision_codec import (
    component_message,
    decision_message,
    risk_message,
)
from margingate_server.service.decisions import CheckAnswer
from tests.unit.engine.small_market import INSTRUMENTS

ORDER = OrderNumbers(
    order_id="o",
    legs=(LegNumbers("NEAR", -1, 3, 10**14, is_market=True), LegNumbers("CALL", 1, 0, 0)),
)
BEFORE, AFTER = RiskNumbers(-1, 2_000_000, 1), RiskNumbers(-1, 1_500_000, 1)


def answer(decision: DecisionNumbers) -> CheckAnswer:
    table = InstrumentTable(INSTRUMENTS)
    return CheckAnswer(decision=decision, order=ORDER, table=table, is_replayed=False, seq=0)


def test_what_is_held_of_an_accepted_order_is_told_leg_by_leg() -> None:
    message = decision_message(answer(DecisionNumbers(reason=0)))
    assert list(message.held_legs) == [
        types.OrderLeg(
            instrument="NEAR", side=types.SIDE_SELL, quantity="0.3", limit_price="100000"
        )
    ]
    assert not decision_message(answer(DecisionNumbers(reason=22))).held_legs


def test_headroom_is_equity_less_initial_margin_to_the_last_unit() -> None:
    message = risk_message(Risk(equity=-1, initial=2_000_000, maintenance=1))
    assert message == types.Risk(
        equity="-0.000001",
        initial_margin="2",
        maintenance_margin="0.000001",
        headroom="-2.000001",
    )
    assert risk_message(None) is None


def test_a_refusal_by_a_rule_has_no_risk_and_no_impact() -> None:
    message = decision_message(answer(DecisionNumbers(reason=5, detail="leg 0: price off tick")))
    assert message.verdict == types.VERDICT_REJECTED
    assert message.reject_reason == types.REJECT_REASON_OFF_TICK
    assert message.detail == "leg 0: price off tick"
    assert not message.HasField("before")
    assert not message.HasField("after")
    assert message.margin_impact == ""
    assert message.exactness == types.EXACTNESS_UNSPECIFIED


def test_the_margin_impact_is_signed() -> None:
    reducing = DecisionNumbers(reason=0, before=BEFORE, after=AFTER, is_risk_reducing=True)
    message = decision_message(answer(reducing))
    assert message.margin_impact == "-0.5"
    assert message.risk_reducing is True
    assert message.verdict == types.VERDICT_ACCEPTED


def test_a_bound_is_told_as_one() -> None:
    numbers = DecisionNumbers(reason=22, before=BEFORE, after=AFTER, is_exact=False)
    assert decision_message(answer(numbers)).exactness == types.EXACTNESS_BOUND


def test_binding_scenarios_and_other_failing_rules_are_listed() -> None:
    numbers = DecisionNumbers(reason=5, worst_after=(WorstNumbers("BTC", -1, "minimum"),))
    message = decision_message(answer(numbers), also_failing=(6, 17))
    assert message.worst_after[0] == types.WorstScenario(
        group="BTC", scenario=-1, description="minimum"
    )
    assert list(message.also_failing) == [6, 17]


def test_a_tree_keeps_its_shape() -> None:
    leaf = Component(name="leaf", subject="X", amount=-1)
    tree = Component(name="root", amount=2_000_000, parts=(leaf, leaf))
    message = component_message(tree)
    assert message is not None
    assert (message.name, message.amount, len(message.children)) == ("root", "2", 2)
    assert message.children[1].amount == "-0.000001"
