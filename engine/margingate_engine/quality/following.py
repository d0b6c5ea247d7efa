"""Prices followed from update to update: a jump is taken when further updates confirm it."""

from dataclasses import dataclass

import numpy as np

from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray, read_only


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """Values that jumped and wait to be confirmed, axis N; `seen_n` is 0 where there is none.

    value_n: the last. seen_n: how many updates agreed, the first included. since_ns_n: market time
    of the first. taken_ns_n: market time when the value in force was taken.
    """

    value_n: FloatArray
    seen_n: IntArray
    since_ns_n: IntArray
    taken_ns_n: IntArray

    @classmethod
    def none(cls, count: int, market_time_ns: int) -> "Candidates":
        """No candidates; what is in force counts as taken at `market_time_ns`."""
        zeros = np.zeros(count, dtype=np.int64)
        return cls(
            value_n=read_only(np.zeros(count)),
            seen_n=read_only(zeros),
            since_ns_n=read_only(zeros),
            taken_ns_n=read_only(np.full(count, market_time_ns, dtype=np.int64)),
        )

    def extended_to(self, count: int, market_time_ns: int) -> "Candidates":
        """The same with more entries, which have no candidate."""
        more = Candidates.none(count - len(self.seen_n), market_time_ns)
        return Candidates(
            value_n=read_only(np.concatenate((self.value_n, more.value_n))),
            seen_n=read_only(np.concatenate((self.seen_n, more.seen_n))),
            since_ns_n=read_only(np.concatenate((self.since_ns_n, more.since_ns_n))),
            taken_ns_n=read_only(np.concatenate((self.taken_ns_n, more.taken_ns_n))),
        )

    def taken(self, taken_n: BoolArray, market_time_ns: int) -> "Candidates":
        """The same after the values at `taken_n` came into force."""
        return Candidates(
            value_n=self.value_n,
            seen_n=read_only(np.where(taken_n, 0, self.seen_n)),
            since_ns_n=self.since_ns_n,
            taken_ns_n=read_only(np.where(taken_n, market_time_ns, self.taken_ns_n)),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JumpLimits:
    """Limits on what is followed, axis N: `limit_n` in the value's unit, `agree_n` a fraction."""

    limit_n: FloatArray
    agree_n: FloatArray
    confirmations_n: IntArray
    confirm_ns_n: IntArray


def growth(
    candidates: Candidates, market_time_ns: int, jump_ns_n: IntArray, most_n: FloatArray
) -> FloatArray:
    """By how much limits on moves are larger, >= 1: the root of the time since values were taken.

    Prices move with the root of time, so that what was not heard of for long may have moved far.
    """
    elapsed_n = np.maximum(0, market_time_ns - candidates.taken_ns_n)
    return np.minimum(np.sqrt(1.0 + elapsed_n / jump_ns_n), most_n)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moves:
    """What came after what, axis N. former_n: in force where `has_former_n`.

    is_sound_n: what arrived and is wrong in no other way.
    """

    former_n: FloatArray
    has_former_n: BoolArray
    arrived_n: FloatArray
    is_sound_n: BoolArray


def follow(
    moves: Moves, limits: JumpLimits, candidates: Candidates, market_time_ns: int
) -> tuple[BoolArray, Candidates]:
    """(which values that arrived moved too far to be taken yet, the candidates from here on).

    A first value is never too far. One near the former drops the candidate, one that is far from
    both takes its place, and what did not arrive or is not sound changes nothing. A candidate that
    is confirmed stays until its value is taken.
    """
    arrived_n = moves.arrived_n
    is_far_n = (
        moves.is_sound_n
        & moves.has_former_n
        & (np.abs(arrived_n - moves.former_n) > limits.limit_n)
    )
    agrees_n = (
        is_far_n
        & (candidates.seen_n > 0)
        & (np.abs(arrived_n - candidates.value_n) <= limits.agree_n * candidates.value_n)
    )
    starts_n = is_far_n & ~agrees_n
    seen_n = np.where(moves.is_sound_n & ~is_far_n, 0, candidates.seen_n)
    seen_n = np.where(starts_n, 1, seen_n + agrees_n)
    since_ns_n = np.where(starts_n, market_time_ns, candidates.since_ns_n)
    is_confirmed_n = (
        agrees_n
        & (seen_n > limits.confirmations_n)
        & (market_time_ns - since_ns_n >= limits.confirm_ns_n)
    )
    return is_far_n & ~is_confirmed_n, Candidates(
        value_n=read_only(np.where(is_far_n, arrived_n, candidates.value_n)),
        seen_n=read_only(seen_n),
        since_ns_n=read_only(since_ns_n),
        taken_ns_n=candidates.taken_ns_n,
    )
