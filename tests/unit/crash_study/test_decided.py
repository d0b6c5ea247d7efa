"""What became of orders, counted by hand."""

from decimal import Decimal

from margingate_engine.core.orders import Side
from margingate_engine.core.reasons import RejectReason
from margingate_engine.monitoring.states import MarginState
from margingate_server.crash_study.decided import (
    Answered,
    GapFindings,
    StateCounts,
    accepted_older_than,
    counts_by_reason,
    counts_by_state,
    gap_findings,
)
from margingate_server.feeds.replay.orders import FlowOrder

SECOND_NS = 10**9
YES, STALE = RejectReason.NONE, RejectReason.MARKET_DATA_STALE
SHORT = RejectReason.INSUFFICIENT_INITIAL_MARGIN
BEFORE_NS, WITHHELD_NS, AFTER_NS = 0, 100 * SECOND_NS, 200 * SECOND_NS


def answered(
    order_id: str,
    seconds: float,
    reason: RejectReason,
    published_ns: int,
    *,
    is_risk_reducing: bool = False,
) -> Answered:
    order = FlowOrder(
        order_id=order_id,
        time_ns=int(seconds * SECOND_NS),
        account="a",
        instrument="BTC-PERPETUAL",
        side=Side.BUY,
        quantity=Decimal(10),
        limit=Decimal(1),
    )
    return Answered(
        order=order, reason=reason, is_risk_reducing=is_risk_reducing, published_ns=published_ns
    )


def test_answers_are_counted_by_reason() -> None:
    answers = [answered("a", 1, YES, 0), answered("b", 1, SHORT, 0), answered("c", 1, YES, 0)]
    assert counts_by_reason(answers) == {"none": 2, "insufficient_initial_margin": 1}


def test_an_acceptance_on_old_prices_is_found() -> None:
    answers = [answered("a", 10, YES, 0), answered("b", 10.1, YES, 0), answered("c", 99, STALE, 0)]
    assert accepted_older_than(answers, 10) == 1


def test_a_gap_has_the_orders_that_the_withheld_prices_would_have_answered() -> None:
    times = {"before": 5, "right": 103, "wrong": 104, "old": 150, "after": 205}
    published = (BEFORE_NS, WITHHELD_NS, WITHHELD_NS, WITHHELD_NS, AFTER_NS)
    truth = [
        answered(name, time, reason, published_ns)
        for (name, time), reason, published_ns in zip(
            times.items(), (YES, YES, SHORT, STALE, YES), published, strict=True
        )
    ]
    with_gap = (BEFORE_NS, BEFORE_NS, BEFORE_NS, BEFORE_NS, AFTER_NS)
    guarded, unguarded = (
        [
            answered(name, time, reason, published_ns)
            for (name, time), reason, published_ns in zip(
                times.items(), reasons, with_gap, strict=True
            )
        ]
        for reasons in ((YES, STALE, STALE, STALE, YES), (YES, YES, YES, YES, YES))
    )
    assert gap_findings((WITHHELD_NS,), guarded, unguarded, truth, 10) == GapFindings(
        asked=2, accepted=0, accepted_unguarded=2, wrong_unguarded=1
    )
    broken = [answered("right", 103, YES, BEFORE_NS), *guarded[2:]]
    assert gap_findings((WITHHELD_NS,), broken, unguarded, truth, 10).accepted == 1


def test_orders_are_counted_by_the_state_of_their_account_on_fresh_prices_alone() -> None:
    called = MarginState.MARGIN_CALL
    answers = [
        answered("cut", 1, YES, 0, is_risk_reducing=True),
        answered("add", 1, SHORT, 0),
        answered("slip", 1, YES, 0),
        answered("late", 60, STALE, 0),
        answered("unknown", 1, YES, 0),
    ]
    states = dict.fromkeys(("cut", "add", "slip", "late"), called)
    assert counts_by_state(answers, states, 10) == {
        called: StateCounts(asked=3, accepted_reducing=1, accepted_other=1)
    }
