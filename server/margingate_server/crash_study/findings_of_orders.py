"""What a study says of its orders: by reason, by the account's state, and in a gap of the feed."""

from collections.abc import Mapping
from dataclasses import dataclass

from margingate_engine.core.amounts import NANO
from margingate_engine.monitoring.states import Bounds, MarginState
from margingate_server.crash_study.decided import (
    GapFindings,
    StateCounts,
    accepted_older_than,
    counts_by_reason,
    counts_by_state,
    gap_findings,
)
from margingate_server.crash_study.running import Plan, Study


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFindings:
    """by_reason, with_gap, unguarded: answers of the three runs, by reason.

    stale_accepted: orders of the first two runs that were accepted when the newest price was older
    than prices may be; stale_accepted_unguarded: of the third. by_state: of the first run.
    """

    by_reason: Mapping[str, int]
    with_gap: Mapping[str, int]
    unguarded: Mapping[str, int]
    stale_accepted: int
    stale_accepted_unguarded: int
    by_state: Mapping[MarginState, StateCounts]
    gap: GapFindings


def order_findings(plan: Plan, study: Study, model: str, bounds: Bounds) -> OrderFindings:
    """The findings; states are those of the snapshot before an order. model: that decides."""
    fresh_seconds = plan.age_limits.underlying_ns_max / NANO
    course = study.course
    state_ta = course.figures_by_model[model].states(bounds)
    place_by_ns = {time_ns: place for place, time_ns in enumerate(course.time_ns_t)}
    column = {name: place for place, name in enumerate(course.accounts)}
    state_by_order = {
        each.order.order_id: MarginState(
            int(state_ta[place_by_ns[each.published_ns], column[each.order.account]])
        )
        for each in study.answers
    }
    guarded = (*study.answers, *study.with_gap)
    withheld = tuple(sorted(plan.withheld_ns))
    runs = (study.with_gap, study.unguarded, study.answers)
    return OrderFindings(
        by_reason=counts_by_reason(study.answers),
        with_gap=counts_by_reason(study.with_gap),
        unguarded=counts_by_reason(study.unguarded),
        stale_accepted=accepted_older_than(guarded, fresh_seconds),
        stale_accepted_unguarded=accepted_older_than(study.unguarded, fresh_seconds),
        by_state=counts_by_state(study.answers, state_by_order, fresh_seconds),
        gap=gap_findings(withheld, *runs, fresh_seconds),
    )
