"""Which state of an account is published: worse at once, better after a gap and a while. [MON-04]

Published states are for people and alerts. What an order may do follows the figures of the instant.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from margingate_engine.core.arrays import BoolArray, IntArray
from margingate_engine.core.errors import InvalidInput
from margingate_engine.monitoring.states import Bounds, MarginState, StateArray


class Wait(IntEnum):
    """What is waited for before another state is published."""

    NOTHING = 0
    TO_WARN = 1
    TO_IMPROVE = 2
    TO_KNOW = 3
    UNSEEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """How states are published. [MON-04]

    entering: bounds at which a worse state begins. leaving: bounds that an account has to be beyond
    before it has a better one, nowhere laxer. warning_ns: how long it must be in warning before
    that is said. leaving_ns: how long it must be better before that is said. unknown_ns: how long
    nothing may be known of it before that is said.
    """

    entering: Bounds
    leaving: Bounds
    warning_ns: int
    leaving_ns: int
    unknown_ns: int

    def __post_init__(self) -> None:
        """Refuse bounds that would have an account worse and better at once."""
        if self.leaving.ratio_ppm > self.entering.ratio_ppm:
            raise InvalidInput("margin_ratio_to_leave", "must not be above margin_ratio")
        if self.leaving.headroom_ppm < self.entering.headroom_ppm:
            raise InvalidInput("headroom_to_leave", "must not be below headroom")
        if self.leaving.gap_ppm < self.entering.gap_ppm:
            raise InvalidInput("equity_gap", "must not be negative")
        if min(self.warning_ns, self.leaving_ns, self.unknown_ns) < 0:
            raise InvalidInput("dwell", "must not be negative")

    def wait_ns(self, wait: Wait) -> int:
        """How long a wait lasts."""
        match wait:
            case Wait.NOTHING:
                return 0
            case Wait.TO_WARN:
                return self.warning_ns
            case Wait.UNSEEN:
                return self.unknown_ns
            case _:
                return self.leaving_ns


class Standing(NamedTuple):
    """An account's state of now by both bounds; UNKNOWN in both where it is not known."""

    entering: MarginState
    leaving: MarginState


def wanted(state: MarginState, known: MarginState, standing: Standing) -> tuple[MarginState, Wait]:
    """(state to be published, what has to be waited for before); the same state for no change.

    state: published now. known: the last one that was said beside UNKNOWN.
    """
    unknown, called = MarginState.UNKNOWN, MarginState.MARGIN_CALL
    if standing.entering is unknown:
        return unknown, Wait.UNSEEN
    if standing.entering > known and standing.entering >= called:
        return standing.entering, Wait.NOTHING
    target = max(standing.entering, min(known, standing.leaving))
    if state is unknown:
        return target, Wait.TO_KNOW
    return target, Wait.TO_WARN if target > known else Wait.TO_IMPROVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """What accounts wait for (axis A), codes of Wait, and since when."""

    wait_a: StateArray
    waiting_ns_a: IntArray

    @classmethod
    def none(cls, count: int) -> "Waits":
        """Nobody waits."""
        return cls(
            wait_a=np.zeros(count, dtype=np.int8), waiting_ns_a=np.zeros(count, dtype=np.int64)
        )


def followed(
    state_a: StateArray,
    known_a: StateArray,
    standing: tuple[StateArray, StateArray],
    waits: Waits,
    publishing: Publishing,
    now_ns: int,
) -> tuple[StateArray, Waits, BoolArray]:
    """(states to be published, what is waited for now, whose state changes now), axis A.

    state_a, known_a: as of `wanted`, whose answers are followed once they were waited for.
    standing: by the bounds of entering and of leaving. now_ns: by a clock that never goes back.
    Whose state changes keeps its wait until that is published.
    """
    entering_a, leaving_a = standing
    unknown_a = entering_a == MarginState.UNKNOWN
    worse_a = (entering_a > known_a) & (entering_a >= MarginState.MARGIN_CALL)
    target_a = np.maximum(entering_a, np.minimum(known_a, leaving_a))
    wait_a = np.where(target_a > known_a, Wait.TO_WARN, Wait.TO_IMPROVE).astype(np.int8)
    wait_a[state_a == MarginState.UNKNOWN] = Wait.TO_KNOW
    wait_a[unknown_a] = Wait.UNSEEN
    wait_a[(worse_a & ~unknown_a) | (target_a == state_a)] = Wait.NOTHING
    began_ns_a = np.where(wait_a == waits.wait_a, waits.waiting_ns_a, now_ns)
    needed_ns_a = np.array([publishing.wait_ns(each) for each in Wait], dtype=np.int64)[wait_a]
    changes_a = (target_a != state_a) & (now_ns - began_ns_a >= needed_ns_a)
    return target_a, Waits(wait_a=wait_a, waiting_ns_a=began_ns_a), changes_a
