"""A decision: the answer first, then what it rests on."""

from rich.console import Group, RenderableType
from rich.text import Text

from margingate_server.cli.tables.explanation import calculation_tree, scenario_comparison
from margingate_server.cli.tables.layout import BAD, FAINT, GOOD, facts
from margingate_server.cli.tables.risk import before_after_table
from margingate_server.cli.tables.texts import time_text, words
from margingate_server.client import (
    AmendOrderResponse,
    Basis,
    CheckOrderResponse,
    Decision,
    OrderLeg,
    PreviewOrderResponse,
    WorstScenario,
    enum_name,
    enum_names,
    is_accepted,
)


def check_table(answer: CheckOrderResponse | AmendOrderResponse, request_id: str) -> RenderableType:
    """The answer to a check, or to a change of an order."""
    note = "the remembered answer to this request id" if answer.replayed else ""
    if note and is_accepted(answer.decision) and not answer.held:
        note += "; it ended, was filled or was changed since: do not send it"
    return decision_table(answer.decision, request_id, note)


def preview_tables(answer: PreviewOrderResponse) -> RenderableType:
    """The answer to a preview; with everything behind it where the server explained."""
    decision = answer.decision
    parts = [decision_table(decision, "", "a preview: nothing is held")]
    if answer.HasField("explanation_before"):
        parts.append(calculation_tree(answer.explanation_before, "before the order"))
    if answer.HasField("explanation_after"):
        parts.append(calculation_tree(answer.explanation_after, "with the order"))
    parts += scenario_comparison(
        list(answer.scenarios_before),
        list(answer.scenarios_after),
        list(decision.worst_before),
        list(decision.worst_after),
    )
    return Group(*parts)


def decision_table(decision: Decision, request_id: str, note: str = "") -> RenderableType:
    """Verdict and reason, margin before and after, and the basis to replay it."""
    parts: list[RenderableType] = [_verdict(decision, note)]
    if decision.HasField("after"):
        parts.append(before_after_table(decision.before, decision.after, decision.margin_impact))
    parts.append(_facts(decision, request_id))
    return Group(*parts)


def _verdict(decision: Decision, note: str) -> Text:
    is_yes = is_accepted(decision)
    name = enum_name(decision, "verdict") or "NO VERDICT"
    line = Text.assemble((name, GOOD if is_yes else BAD))
    reason = enum_name(decision, "reject_reason")
    if reason:
        line.append(f"  {reason}", style="bold")
    if decision.detail:
        line.append(f"  {decision.detail}")
    if decision.risk_reducing:
        line.append("  because it reduces risk", style="bold")
    if note:
        line.append(f"  ({note})", style=FAINT)
    return line


def _facts(decision: Decision, request_id: str) -> RenderableType:
    worst_before = {each.group: _scenario(each) for each in decision.worst_before}
    rows: list[tuple[str, str | Text]] = [
        ("order", decision.order_id),
        ("request", request_id),
        ("held", ", ".join(_leg(each) for each in decision.held_legs)),
        ("also failing", ", ".join(enum_names(decision, "also_failing"))),
    ]
    for each in decision.worst_after:
        before = worst_before.get(each.group, "none")
        change = "" if before == _scenario(each) else f"  (before: {before})"
        rows.append((f"worst for {each.group}", _scenario(each) + change))
    rows += [
        ("binding", words(decision.binding_component) if decision.HasField("after") else ""),
        ("exactness", words(enum_name(decision, "exactness"))),
    ]
    if decision.HasField("basis"):
        rows += basis_facts(decision.basis)
    return facts(rows)


def _leg(leg: OrderLeg) -> str:
    side = words(enum_name(leg, "side"))
    return f"{side} {leg.quantity} {leg.instrument} at {leg.limit_price}"


def _scenario(worst: WorstScenario) -> str:
    """Number and words; words alone where no scenario binds."""
    return f"{worst.scenario}: {worst.description}" if worst.scenario > 0 else worst.description


def basis_facts(basis: Basis) -> list[tuple[str, str | Text]]:
    """Names and values of what a number rests on."""
    return [
        ("market", f"version {basis.market_version} of {time_text(basis.market_time)}"),
        ("account", f"event {basis.account_version}"),
        ("model", f"{basis.model}, parameters {basis.parameters_digest[:12]}"),
        ("decided", time_text(basis.decision_time)),
    ]
