"""What became of an order flow, and the age of the prices that the answers rested on."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from margingate_engine.core.amounts import NANO
from margingate_engine.core.reasons import RejectReason
from margingate_engine.monitoring.states import MarginState
from margingate_server.feeds.replay.orders import FlowOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An order and its answer. published_ns: of the last snapshot that the desk was given.

    In a run with a gap that is an older one than in a run without.
    """

    order: FlowOrder
    reason: RejectReason
    is_risk_reducing: bool
    published_ns: int

    @property
    def is_accepted(self) -> bool:
        """Yes."""
        return self.reason is RejectReason.NONE

    @property
    def age_seconds(self) -> float:
        """Age of the newest price that there was."""
        return (self.order.time_ns - self.published_ns) / NANO


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCounts:
    """Orders of accounts in one state, and how many of them were accepted as what."""

    asked: int = 0
    accepted_reducing: int = 0
    accepted_other: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GapFindings:
    """What a gap in the feed did to the orders of its time.

    asked: orders between the last snapshot before the gap and the first one after it, in the first
    seconds of those that were withheld. accepted: of them. accepted_unguarded: of them without the
    rule that prices must be fresh. wrong_unguarded: of those, what the withheld prices refuse.
    """

    asked: int
    accepted: int
    accepted_unguarded: int
    wrong_unguarded: int


def counts_by_reason(answers: Iterable[Answered]) -> dict[str, int]:
    """How many answers by reason, "none" for an acceptance."""
    return dict(Counter(each.reason.name.lower() for each in answers))


def accepted_older_than(answers: Iterable[Answered], seconds: float) -> int:
    """How many orders were accepted although the newest price was older than that."""
    return sum(each.is_accepted and each.age_seconds > seconds for each in answers)


def gap_findings(
    withheld_ns: Sequence[int],
    guarded: Sequence[Answered],
    unguarded: Sequence[Answered],
    truth: Sequence[Answered],
    fresh_seconds: float,
) -> GapFindings:
    """The same orders decided with the gap, with the gap and without guard, and without the gap."""
    in_gap = {
        each.order.order_id
        for each in truth
        if each.published_ns in withheld_ns and each.age_seconds <= fresh_seconds
    }
    accepted_by_truth = {each.order.order_id: each.is_accepted for each in truth}
    trusting = [each for each in unguarded if each.order.order_id in in_gap and each.is_accepted]
    return GapFindings(
        asked=len(in_gap),
        accepted=sum(each.is_accepted for each in guarded if each.order.order_id in in_gap),
        accepted_unguarded=len(trusting),
        wrong_unguarded=sum(not accepted_by_truth[each.order.order_id] for each in trusting),
    )


def counts_by_state(
    answers: Iterable[Answered], state_by_order: Mapping[str, MarginState], fresh_seconds: float
) -> dict[MarginState, StateCounts]:
    """Orders on fresh prices by the state that their account was in, by margin alone."""
    counts: dict[MarginState, StateCounts] = {}
    for each in answers:
        state = state_by_order.get(each.order.order_id)
        if state is None or each.age_seconds > fresh_seconds:
            continue
        before = counts.get(state, StateCounts())
        accepted = each.is_accepted
        counts[state] = StateCounts(
            asked=before.asked + 1,
            accepted_reducing=before.accepted_reducing + (accepted and each.is_risk_reducing),
            accepted_other=before.accepted_other + (accepted and not each.is_risk_reducing),
        )
    return counts
