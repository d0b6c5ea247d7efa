"""What a course says: who was warned, called, due for liquidation, and what margin covered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from margingate_engine.core.amounts import MICRO
from margingate_engine.core.arrays import BoolArray, IntArray
from margingate_engine.monitoring.states import Bounds, MarginState, StateArray
from margingate_server.crash_study.course import Course

NEVER = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How many accounts of a kind ever came as far under a model.

    deficits: accounts that were worth less than nothing at some snapshot.
    """

    model: str
    kind: str
    accounts: int
    warned: int
    called: int
    liquidatable: int
    deficits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """Of the accounts that became due for liquidation, how early they were told, and what was left.

    hours: from the first snapshot in warning or worse to the first one due, ascending. at_once: how
    many were healthy at the snapshot before; called: how many had been in margin call before.
    nothing_left: how many were worth less than nothing when first due, nothing_later: how many were
    then or at the next snapshot; shortfall: the sum of what they lacked at the worse of the two,
    USD.
    """

    model: str
    hours: tuple[float, ...]
    at_once: int
    called: int
    nothing_left: int
    nothing_later: int
    shortfall: float

    def quantile(self, share: float) -> float:
        """Hours that this share of them had at most; 0 where there are none."""
        return float(np.quantile(self.hours, share)) if self.hours else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Losses to the worst of the next snapshots against what was required before, USD.

    horizon: how many snapshots; posted: collateral of the accounts, empty for any. steps: pairs of
    account and snapshot. beyond_initial, beyond_maintenance: losses that were more
    than initial or maintenance margin would have left to lose. worst_share: largest loss in parts
    of that buffer, the initial's. largest_excess, total_excess: of losses beyond the initial's.
    """

    model: str
    kind: str
    horizon: int
    posted: str
    steps: int
    beyond_initial: int
    beyond_maintenance: int
    worst_share: float
    largest_excess: float
    total_excess: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What a model required of all accounts together, USD: at the first snapshot, and most ever.

    most_place: the snapshot of the most, from 0.
    """

    model: str
    first_initial: float
    most_initial: float
    most_place: int


def first_at(is_there_ta: BoolArray) -> IntArray:
    """First snapshot (A,) at which something holds, NEVER where it never does."""
    return np.where(is_there_ta.any(axis=0), is_there_ta.argmax(axis=0), NEVER)


def counts_by_state(state_ta: StateArray) -> dict[MarginState, list[int]]:
    """How many accounts are in each state at each snapshot."""
    return {state: (state_ta == state).sum(axis=1).tolist() for state in MarginState}


def reached(course: Course, model: str, bounds: Bounds) -> list[Reached]:
    """By kind of book, in order, and all of them together last."""
    state_ta = _known(course.figures_by_model[model].states(bounds))
    worst_a = state_ta.max(axis=0)
    is_deficit_a = course.worth_ta.min(axis=0) < 0
    found = []
    for kind, is_kind_a in kinds_of(course):
        own_a = worst_a[is_kind_a]
        found.append(
            Reached(
                model=model,
                kind=kind,
                accounts=len(own_a),
                warned=int((own_a >= MarginState.WARNING).sum()),
                called=int((own_a >= MarginState.MARGIN_CALL).sum()),
                liquidatable=int((own_a >= MarginState.LIQUIDATION).sum()),
                deficits=int(is_deficit_a[is_kind_a].sum()),
            )
        )
    return found


def level(course: Course, model: str) -> Level:
    """The initial margins of all accounts added up."""
    total_t = course.figures_by_model[model].initial.sum(axis=1)
    return Level(
        model=model,
        first_initial=float(total_t[0]) / MICRO,
        most_initial=float(total_t.max()) / MICRO,
        most_place=int(total_t.argmax()),
    )


def lead(course: Course, model: str, bounds: Bounds) -> Lead:
    """How early those were told who became due for liquidation."""
    state_ta = _known(course.figures_by_model[model].states(bounds))
    time_ns_t = np.array(course.time_ns_t)
    warned_a = first_at(state_ta >= MarginState.WARNING)
    due_a = first_at(state_ta >= MarginState.LIQUIDATION)
    hours, at_once, called = [], 0, 0
    left, later = [], []
    for account in np.flatnonzero(due_a != NEVER).tolist():
        due, warned = int(due_a[account]), int(warned_a[account])
        hours.append(float(time_ns_t[due] - time_ns_t[warned]) / 3.6e12)
        at_once += due > 0 and int(state_ta[due - 1, account]) == MarginState.HEALTHY
        called += bool((state_ta[:due, account] == MarginState.MARGIN_CALL).any())
        left.append(int(course.worth_ta[due, account]))
        later.append(int(course.worth_ta[due : due + 2, account].min()))
    return Lead(
        model=model,
        hours=tuple(sorted(hours)),
        at_once=at_once,
        called=called,
        nothing_left=sum(worth < 0 for worth in left),
        nothing_later=sum(worth < 0 for worth in later),
        shortfall=-sum(min(worth, 0) for worth in later) / MICRO,
    )


def coverage(course: Course, model: str, steps: int, posted: str = "") -> list[Coverage]:
    """By kind of book, in order, and all of them together last. steps: snapshots of the horizon.

    posted: only of accounts with this collateral; empty for all.
    """
    figures = course.figures_by_model[model]
    loss_ta = course.loss_ta(steps)
    count = len(loss_ta)
    buffer_ta = course.buffer_ta(model)[:count]
    maintained_ta = buffer_ta - figures.initial[:count] + figures.maintenance[:count]
    is_wanted_a = np.array([posted in ("", each) for each in course.posted], dtype=np.bool_)
    counted_ta = figures.is_known[:count] & is_wanted_a
    found = []
    for kind, is_kind_a in kinds_of(course):
        own_ta = counted_ta & is_kind_a
        loss, buffer, maintained = (each[own_ta] for each in (loss_ta, buffer_ta, maintained_ta))
        excess = np.maximum(loss - buffer, 0)
        share = loss[buffer > 0] / buffer[buffer > 0]
        found.append(
            Coverage(
                model=model,
                kind=kind,
                horizon=steps,
                posted=posted,
                steps=len(loss),
                beyond_initial=int((excess > 0).sum()),
                beyond_maintenance=int((loss > maintained).sum()),
                worst_share=float(share.max(initial=0.0)),
                largest_excess=float(excess.max(initial=0)) / MICRO,
                total_excess=float(excess.sum()) / MICRO,
            )
        )
    return found


ALL = "all"


def kinds_of(course: Course) -> Iterable[tuple[str, BoolArray]]:
    """(kind, whether an account is of it (A,)), and all of them last."""
    kinds: Sequence[str] = tuple(dict.fromkeys(course.kinds))
    of_a = np.array(course.kinds)
    for kind in kinds:
        yield kind, of_a == kind
    yield ALL, np.ones(len(of_a), dtype=np.bool_)


def _known(state_ta: StateArray) -> StateArray:
    """The states, those that are not known as healthy: nobody is told anything then."""
    return np.where(state_ta == MarginState.UNKNOWN, MarginState.HEALTHY, state_ta)
