"""A decision of the server against the oracle's answer."""

from collections.abc import Iterator

from margingate.v1 import types_pb2 as types
from tests.integration.main_job.wire import read_risk, units
from tests.reference.decision import Answer
from tests.reference.margin import Risk
from tests.reference.rounding import MICRO

PREFIX = "REJECT_REASON_"
MARGIN_REASONS = (
    "INSUFFICIENT_COLLATERAL_CURRENCY",
    "INSUFFICIENT_INITIAL_MARGIN",
    "STILL_UNDERMARGINED",
)
TOLERANCE = 10**9


def reason_of(decision: types.Decision) -> str:
    """Reject reason as the oracle names it, empty when accepted."""
    if decision.verdict == types.VERDICT_ACCEPTED:
        assert decision.reject_reason == types.REJECT_REASON_UNSPECIFIED
        return ""
    assert decision.verdict == types.VERDICT_REJECTED
    return types.RejectReason.Name(decision.reject_reason).removeprefix(PREFIX)


def is_remembered(reason: str) -> bool:
    """True for decisions that bind: accepted ones and those computed from the account."""
    return not reason or reason in MARGIN_REASONS


def is_within_tolerance(answer: Answer) -> bool:
    """True when the headroom is so near to zero that the verdict rests on the last bits."""
    return answer.after is not None and abs(answer.after.headroom) * TOLERANCE <= answer.gross


def differences(decision: types.Decision, answer: Answer) -> Iterator[str]:
    """What differs, in words; nothing when the decision is the oracle's."""
    reason = reason_of(decision)
    if reason != answer.reason:
        yield f"reason {reason or 'ACCEPTED'}, oracle {answer.reason or 'ACCEPTED'}"
    if decision.HasField("before"):
        yield from _risk_differences("before", decision.before, answer.before, answer)
    if decision.HasField("after") and answer.after is not None:
        yield from _risk_differences("after", decision.after, answer.after, answer)
    if not is_remembered(answer.reason):
        return
    if not (decision.HasField("before") and decision.HasField("after")):
        yield "a decision from margin without margins"
        return
    yield from _impact_differences(decision)
    expected = types.EXACTNESS_EXACT if answer.is_exact else types.EXACTNESS_BOUND
    if decision.exactness != expected:
        yield f"exactness {types.Exactness.Name(decision.exactness)}, oracle {answer.is_exact}"
    if decision.risk_reducing != answer.risk_reducing:
        yield f"risk reducing {decision.risk_reducing}, oracle {answer.risk_reducing}"


def _impact_differences(decision: types.Decision) -> Iterator[str]:
    before, after = read_risk(decision.before), read_risk(decision.after)
    impact = units(decision.margin_impact, MICRO)
    if impact != after.initial - before.initial:
        yield f"margin impact {impact}, but {after.initial} - {before.initial}"


def _risk_differences(
    when: str, wire: types.Risk, expected: Risk | None, answer: Answer
) -> Iterator[str]:
    if expected is None:
        yield f"{when}: margins where the oracle misses prices"
        return
    found = read_risk(wire)
    if found.equity != expected.equity:
        yield f"{when}: equity {found.equity}, oracle {expected.equity}"
    for name in ("initial", "maintenance"):
        gap = abs(getattr(found, name) - getattr(expected, name))
        if gap * TOLERANCE > answer.gross:
            yield f"{when}: {name} {getattr(found, name)}, oracle {getattr(expected, name)}"
