"""The comparison must notice each thing that a server could get wrong."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from margingate.v1 import types_pb2 as types
from tests.integration.main_job.comparison import differences, is_within_tolerance
from tests.integration.main_job.counters import decisions_by_reason
from tests.reference.decision import Answer
from tests.reference.margin import Risk

GROSS = 5 * 10**9  # tolerates five units
ANSWER = Answer(
    reason="",
    before=Risk(900, 300, 200),
    after=Risk(900, 400, 200),
    is_exact=True,
    gross=GROSS,
)


def risk(equity: int, initial: int, maintenance: int) -> types.Risk:
    def usd(micro: int) -> str:
        return f"{micro / 10**6:.6f}"

    return types.Risk(
        equity=usd(equity),
        initial_margin=usd(initial),
        maintenance_margin=usd(maintenance),
        headroom=usd(equity - initial),
    )


def decision() -> types.Decision:
    return types.Decision(
        verdict=types.VERDICT_ACCEPTED,
        before=risk(900, 300, 200),
        after=risk(900, 400, 200),
        margin_impact="0.0001",
        exactness=types.EXACTNESS_EXACT,
    )


def test_the_same_decision_has_no_differences() -> None:
    assert not list(differences(decision(), ANSWER))


def test_a_requirement_may_differ_by_a_billionth_of_the_gross_and_no_more() -> None:
    for initial, differs in ((405, False), (406, True)):
        found = decision()
        found.after.CopyFrom(risk(900, initial, 200))
        found.margin_impact = f"0.000{initial - 300}"
        assert bool(list(differences(found, ANSWER))) == differs


def test_a_verdict_rests_on_the_last_bits_only_near_zero_headroom() -> None:
    assert not is_within_tolerance(ANSWER)
    assert is_within_tolerance(replace(ANSWER, after=Risk(400, 404, 200)))
    assert not is_within_tolerance(replace(ANSWER, after=Risk(400, 406, 200)))


def rejected(found: types.Decision) -> None:
    found.verdict = types.VERDICT_REJECTED
    found.reject_reason = types.REJECT_REASON_INSUFFICIENT_INITIAL_MARGIN


def richer(found: types.Decision) -> None:
    found.before.CopyFrom(risk(901, 301, 200))


def maintained(found: types.Decision) -> None:
    found.after.CopyFrom(risk(900, 400, 300))


def impactful(found: types.Decision) -> None:
    found.margin_impact = "0.0002"


def bounded(found: types.Decision) -> None:
    found.exactness = types.EXACTNESS_BOUND


def reducing(found: types.Decision) -> None:
    found.risk_reducing = True


def without_margins(found: types.Decision) -> None:
    found.ClearField("after")


@pytest.mark.parametrize(
    "spoil", [rejected, richer, maintained, impactful, bounded, reducing, without_margins]
)
def test_every_field_that_is_wrong_is_a_difference(spoil: Callable[[types.Decision], None]) -> None:
    found = decision()
    spoil(found)
    assert list(differences(found, ANSWER))


def test_counters_are_read_by_reason_and_zeros_are_left_out() -> None:
    page = (
        "# TYPE margingate_decisions_total counter\n"
        'margingate_decisions_total{decision="accept",reason="none"} 3.0\n'
        'margingate_decisions_total{decision="reject",reason="OFF_TICK"} 2.0\n'
        'margingate_decisions_total{decision="reject",reason="OFF_LOT"} 0.0\n'
    )
    assert decisions_by_reason(page) == {"": 3, "OFF_TICK": 2}
