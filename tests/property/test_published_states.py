"""Published margin states: nothing bad is hidden, and prices at a bound do not ring for ever."""

import itertools
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.monitoring.publishing import (
    Publishing,
    Standing,
    Wait,
    Waits,
    followed,
    wanted,
)
from margingate_engine.monitoring.states import Bounds, MarginState

PUBLISHING = Publishing(
    entering=Bounds(ratio_ppm=800_000, headroom_ppm=100_000),
    leaving=Bounds(ratio_ppm=750_000, headroom_ppm=120_000, gap_ppm=20_000),
    warning_ns=20,
    leaving_ns=100,
    unknown_ns=30,
)
KNOWN = [each for each in MarginState if each is not MarginState.UNKNOWN]
CALLED = (MarginState.MARGIN_CALL, MarginState.LIQUIDATION)
UNKNOWN = Standing(MarginState.UNKNOWN, MarginState.UNKNOWN)

standings = st.one_of(
    st.just(UNKNOWN),
    st.tuples(st.sampled_from(KNOWN), st.sampled_from(KNOWN)).map(
        lambda pair: Standing(min(pair), max(pair))
    ),
)
looks = st.lists(st.tuples(standings, st.integers(0, 60)), max_size=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What is said of one account, and what it waits for since when: written out for one."""

    state: MarginState = MarginState.HEALTHY
    known: MarginState = MarginState.HEALTHY
    wait: Wait = Wait.NOTHING
    waiting_ns: int = 0

    def alone(self, standing: Standing, publishing: Publishing, now_ns: int) -> "Published":
        """What is said at `now_ns`, one account by itself."""
        target, wait = wanted(self.state, self.known, standing)
        if target is self.state:
            return replace(self, wait=Wait.NOTHING, waiting_ns=0)
        began_ns = self.waiting_ns if wait is self.wait else now_ns
        if now_ns - began_ns < publishing.wait_ns(wait):
            return replace(self, wait=wait, waiting_ns=began_ns)
        return self.said(target)

    def followed(self, standing: Standing, publishing: Publishing, now_ns: int) -> "Published":
        """The same by what follows all accounts."""
        codes = (self.state, self.known, *standing, self.wait)
        state_a, known_a, entering_a, leaving_a, wait_a = (
            np.array([code], dtype=np.int8) for code in codes
        )
        waits = Waits(wait_a=wait_a, waiting_ns_a=np.array([self.waiting_ns], dtype=np.int64))
        both = (entering_a, leaving_a)
        target_a, waits, changes_a = followed(state_a, known_a, both, waits, publishing, now_ns)
        if changes_a[0]:
            return self.said(MarginState(int(target_a[0])))
        wait, began_ns = Wait(int(waits.wait_a[0])), int(waits.waiting_ns_a[0])
        return replace(self, wait=wait, waiting_ns=began_ns)

    def said(self, state: MarginState) -> "Published":
        """After a state was published."""
        known = self.known if state is MarginState.UNKNOWN else state
        return Published(state=state, known=known)


def course(seen: list[tuple[Standing, int]], publishing: Publishing) -> list[Published]:
    """What is published after each look; each comes so many ns after the one before."""
    published, now_ns, course = Published(), 1_000, []
    for standing, passed_ns in seen:
        now_ns += passed_ns
        published = published.followed(standing, publishing, now_ns)
        course.append(published)
    return course


@given(looks)
def test_a_worsening_to_a_call_or_liquidation_is_said_at_once(
    seen: list[tuple[Standing, int]],
) -> None:
    """[MON-04] What is published as known is never better than such a state."""
    for (standing, _), published in zip(seen, course(seen, PUBLISHING), strict=True):
        if standing.entering in CALLED:
            assert published.known >= standing.entering
            if published.state is not MarginState.UNKNOWN:
                assert published.state >= standing.entering


@given(looks)
def test_what_is_not_known_is_never_said_to_be_healthy(
    seen: list[tuple[Standing, int]],
) -> None:
    """[MON-05] Longer than the wait for it."""
    now_ns, lost_ns = 1_000, None
    for (standing, passed_ns), published in zip(seen, course(seen, PUBLISHING), strict=True):
        now_ns += passed_ns
        if standing != UNKNOWN:
            lost_ns = None
            continue
        lost_ns = now_ns if lost_ns is None else lost_ns
        if now_ns - lost_ns >= PUBLISHING.unknown_ns:
            assert published.state is MarginState.UNKNOWN


@given(looks)
def test_changes_are_bounded_by_the_time_that_passes(seen: list[tuple[Standing, int]]) -> None:
    """[MON-04] Each better state, and each end of not knowing, takes a wait."""
    states = [Published().state, *(each.state for each in course(seen, PUBLISHING))]
    changes = sum(one is not other for one, other in itertools.pairwise(states))
    waits = sum(passed_ns for _, passed_ns in seen) // PUBLISHING.leaving_ns
    # Between two waits there are at most three worsenings and one loss of sight with each.
    assert changes <= 6 + 7 * waits


@given(st.lists(st.sampled_from([Standing(*pair) for pair in [
    (MarginState.HEALTHY, MarginState.WARNING), (MarginState.WARNING, MarginState.WARNING),
]]), max_size=200))  # fmt: skip
def test_prices_that_flap_within_the_gap_change_the_state_once(seen: list[Standing]) -> None:
    """[MON-04]"""
    states = [each.state for each in course([(each, 30) for each in seen], PUBLISHING)]
    states = [MarginState.HEALTHY, *states]
    assert sum(one is not other for one, other in itertools.pairwise(states)) <= 1


@given(looks)
def test_a_better_state_was_there_all_of_the_wait(seen: list[tuple[Standing, int]]) -> None:
    """[MON-04]"""
    before, now_ns, worse_ns = Published(), 1_000, 1_000
    for standing, passed_ns in seen:
        now_ns += passed_ns
        published = before.followed(standing, PUBLISHING, now_ns)
        if standing == UNKNOWN or standing.leaving >= before.known:
            worse_ns = now_ns
        if published.known < before.known:
            assert now_ns - worse_ns >= PUBLISHING.leaving_ns
            assert published.state is published.known is standing.leaving
            worse_ns = now_ns
        before = published


@given(st.lists(st.lists(st.tuples(standings, st.just(0)), min_size=5, max_size=5), max_size=20),
       st.lists(st.integers(0, 60), min_size=20, max_size=20))  # fmt: skip
def test_many_accounts_follow_as_each_of_them_does(
    rounds: list[list[tuple[Standing, int]]], passed: list[int]
) -> None:
    """[MON-04]"""
    each = [Published() for _ in range(5)]
    waits, now_ns = Waits.none(5), 1_000
    for seen, passed_ns in zip(rounds, passed, strict=False):
        now_ns += passed_ns
        standing = tuple(np.array([one[0][side] for one in seen], dtype=np.int8) for side in (0, 1))
        state_a = np.array([one.state for one in each], dtype=np.int8)
        known_a = np.array([one.known for one in each], dtype=np.int8)
        both = (standing[0], standing[1])
        target_a, waits, changes_a = followed(state_a, known_a, both, waits, PUBLISHING, now_ns)
        for number, ((one, _), before) in enumerate(zip(seen, each, strict=True)):
            after = each[number] = before.alone(one, PUBLISHING, now_ns)
            assert changes_a[number] == (after.state is not before.state)
            if changes_a[number]:
                assert target_a[number] == after.state
                waits.wait_a[number] = Wait.NOTHING
            else:
                assert waits.wait_a[number] == after.wait


@given(looks)
def test_without_waits_the_state_of_the_moment_is_published(
    seen: list[tuple[Standing, int]],
) -> None:
    """[MON-04]"""
    bounds = PUBLISHING.entering
    at_once = replace(PUBLISHING, leaving=bounds, warning_ns=0, leaving_ns=0, unknown_ns=0)
    same = [(Standing(one.entering, one.entering), passed) for one, passed in seen]
    for (standing, _), published in zip(same, course(same, at_once), strict=True):
        assert published.state is standing.entering
