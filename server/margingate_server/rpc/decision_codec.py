"""Decisions, risks and explanations, from the use cases to the wire."""

from collections.abc import Iterable

from margingate.v1 import types_pb2 as pb
from margingate_engine.check.decide import Worst
from margingate_engine.check.explain import GroupScenarios
from margingate_engine.core.amounts import MICRO
from margingate_engine.core.explanation import Component
from margingate_engine.core.risk import Risk
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_server.ledger.numbers import RiskNumbers, WorstNumbers
from margingate_server.rpc.decimals import usd_text
from margingate_server.rpc.fields import timestamp
from margingate_server.rpc.order_codec import held_legs
from margingate_server.service.decisions import CheckAnswer
from margingate_server.service.market import MarketView

FLAGS = {
    "": pb.LIFECYCLE_FLAG_UNSPECIFIED,
    "unknown_order": pb.LIFECYCLE_FLAG_UNKNOWN_ORDER,
    "over_fill": pb.LIFECYCLE_FLAG_OVER_FILL,
    "late": pb.LIFECYCLE_FLAG_LATE,
}


def risk_message(risk: Risk | RiskNumbers | None) -> pb.Risk | None:
    """A Risk in decimal text; None stays None, which leaves the field absent."""
    if risk is None:
        return None
    return pb.Risk(
        equity=usd_text(risk.equity),
        initial_margin=usd_text(risk.initial),
        maintenance_margin=usd_text(risk.maintenance),
        headroom=usd_text(risk.equity - risk.initial),
    )


def exactness(*, is_exact: bool) -> "pb.Exactness.ValueType":
    """EXACT or BOUND."""
    return pb.EXACTNESS_EXACT if is_exact else pb.EXACTNESS_BOUND


def decision_message(answer: CheckAnswer, also_failing: Iterable[int] = ()) -> pb.Decision:
    """A decision as stored."""
    decision = answer.decision
    before, after = decision.before, decision.after
    is_accepted = decision.reason == pb.REJECT_REASON_UNSPECIFIED
    message = pb.Decision(
        verdict=pb.VERDICT_ACCEPTED if is_accepted else pb.VERDICT_REJECTED,
        reject_reason=pb.RejectReason.ValueType(decision.reason),
        detail=decision.detail,
        before=risk_message(before),
        after=risk_message(after),
        worst_before=worst_messages(decision.worst_before),
        worst_after=worst_messages(decision.worst_after),
        binding_component=decision.binding,
        risk_reducing=decision.is_risk_reducing,
        basis=pb.Basis(
            market_version=decision.market_version,
            market_time=timestamp(decision.market_time_ns),
            account_version=decision.account_version,
            model=decision.model,
            parameters_digest=decision.parameters_digest,
            decision_time=timestamp(decision.decision_ns),
            market_digest=decision.market_digest,
        ),
        order_id=decision.order_id,
        also_failing=[pb.RejectReason.ValueType(reason) for reason in also_failing],
        held_legs=held_legs(answer.order, answer.table) if is_accepted else (),
    )
    if before is not None and after is not None:
        message.margin_impact = usd_text(after.initial - before.initial)
        message.exactness = exactness(is_exact=decision.is_exact)
    return message


def worst_messages(worst: Iterable[Worst | WorstNumbers]) -> list[pb.WorstScenario]:
    """Binding scenarios by group."""
    return [
        pb.WorstScenario(group=each.group, scenario=each.scenario, description=each.description)
        for each in worst
    ]


def component_message(component: Component | None) -> pb.ExplanationNode | None:
    """A calculation tree."""
    if component is None:
        return None
    return pb.ExplanationNode(
        name=component.name,
        subject=component.subject,
        amount=usd_text(component.amount),
        children=[each for part in component.parts if (each := component_message(part))],
    )


def scenario_messages(tables: Iterable[GroupScenarios]) -> list[pb.ScenarioTable]:
    """Scenario tables by group, in USD."""
    return [
        pb.ScenarioTable(
            group=each.group,
            descriptions=each.descriptions,
            pnl=(each.pnl_s / MICRO).tolist(),
            pnl_with_orders=(each.with_orders_s / MICRO).tolist(),
        )
        for each in tables
    ]


def basis_message(
    view: MarketView, account_version: int, now_ns: int, model: MarginModel | None = None
) -> pb.Basis:
    """The state that an answer of now rests on. model: None for that of the view's arrays."""
    model = view.arrays.model if model is None else model
    return pb.Basis(
        market_version=view.snapshot.version,
        market_time=timestamp(view.snapshot.market_time_ns),
        account_version=account_version,
        model=model.name,
        parameters_digest=model.parameters_digest,
        decision_time=timestamp(now_ns),
        market_digest=view.digest,
    )
