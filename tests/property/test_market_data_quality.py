"""Whatever arrives in whatever order: what is in force passed, and the truth gets in."""

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.amounts import NANO
from margingate_engine.quality.doubt import Doubt
from tests.unit.engine.quality.chain import LIMITS, SPOT, TABLE, Tick, Watched

NAMES = tuple(each.name for each in TABLE.instruments)
FACTORS = st.sampled_from([1.0, 1.0, 1.0, 1.02, 0.97, 1.2, 0.8, 10.0, 0.1, 0.0, 3.0])
LEVELS = st.sampled_from([1.0, 1.0, 1.01, 0.98, 1.04, 0.9, 0.85, 1.3, 10.0, 0.1])
STEPS = st.sampled_from([0.0, 0.5, 1.0, 1.0, 2.0, 30.0, 3_600.0])


@st.composite
def ticks(draw: st.DrawFn) -> list[Tick]:
    """A course of updates with jumps, spikes, gaps, silence, and wrong prices of single ones."""
    found, at_seconds = [], 0.0
    for _ in range(draw(st.integers(2, 8))):
        at_seconds += draw(STEPS)
        wrong = draw(st.lists(st.sampled_from(NAMES[:16]), max_size=3, unique=True))
        left_out = draw(st.sets(st.sampled_from(NAMES), max_size=4)) - set(wrong)
        level = draw(LEVELS)
        found.append(
            Tick(
                index=draw(st.sampled_from([level * SPOT, level * SPOT, SPOT, None])),
                forward=level * SPOT,
                vol=draw(st.sampled_from([0.6, 0.6, 0.65, 1.5, 2.0])),
                at_seconds=at_seconds,
                changes={name: (draw(FACTORS), draw(FACTORS), draw(FACTORS)) for name in wrong},
                names=tuple(each for each in NAMES if each not in left_out),
            )
        )
    return found


@given(ticks(), st.sampled_from([0, 5 * NANO]))
def test_a_price_in_force_arrived_and_passed_or_is_marked_as_interpolated(
    course: list[Tick], trusted_ns: int
) -> None:
    watched = Watched(trusted_ns=trusted_ns)
    passed: dict[str, set[tuple[int, int, int]]] = {name: {(0, 0, 0)} for name in NAMES}
    indices = {0}
    for tick in course:
        before = watched.snapshot
        watched.take(tick)
        snapshot, quotes = watched.snapshot, tick.quotes()
        if tick.index is not None and not snapshot.doubt_u[0]:
            indices.add(round(tick.index * NANO))
        for place, row in enumerate(quotes.rows.tolist()):
            if watched.code(NAMES[row]) is Doubt.NONE:
                columns = (quotes.mark_price_i, quotes.mark_vol_i, quotes.forward_price_i)
                price = tuple(int(np.rint(column[place] * NANO)) for column in columns)
                passed[NAMES[row]].add(price)  # type: ignore[arg-type]
                assert snapshot.observed_ns_i[row] == tick.time_ns
        for row, name in enumerate(NAMES):
            price = triple(snapshot, row)
            if watched.code(name) is Doubt.INTERPOLATED:
                assert price[1] > 0
                assert price[2] > 0
                assert snapshot.surcharge_ppm_i[row] > 0
                passed[name].add(price)
            assert price in passed[name]
            if watched.code(name) not in {Doubt.NONE, Doubt.INTERPOLATED}:
                assert price == triple(before, row)
                assert snapshot.observed_ns_i[row] == before.observed_ns_i[row]
        assert int(snapshot.index_nano_u[0]) in indices
        assert (snapshot.surcharge_ppm_i >= 0).all()
        assert (snapshot.surcharge_ppm_i <= LIMITS.surcharge_ppm).all()


def triple(snapshot: object, row: int) -> tuple[int, int, int]:
    mark, vol, forward = (
        int(getattr(snapshot, name)[row])
        for name in ("mark_nano_i", "vol_nano_i", "forward_nano_i")
    )
    return mark, vol, forward


@given(
    st.lists(st.floats(-0.004, 0.004), min_size=1, max_size=8),
    st.data(),
    st.floats(1.5, 50.0),
    st.booleans(),
)
def test_a_single_outlier_never_gets_in_and_is_forgotten_at_once(
    moves: list[float], data: st.DataObject, spike: float, is_up: bool
) -> None:
    factor = spike if is_up else 1.0 / spike
    place = data.draw(st.integers(0, len(moves) - 1))
    watched, level = Watched(), SPOT
    watched.take(Tick())
    for second, move in enumerate(moves, start=1):
        before, level = watched.index(), level * (1 + move)
        if second - 1 == place:
            wild = level * factor
            watched.take(Tick(index=wild, forward=wild, at_seconds=second))
            assert watched.index() == before
            assert watched.forward("C100") == before
            assert watched.index_doubt() is Doubt.INDEX_JUMP
        else:
            assert not watched.take(Tick(index=level, forward=level, at_seconds=second)).findings
    watched.take(Tick(index=level, forward=level, at_seconds=len(moves) + 1))
    assert watched.index() == round(level * NANO) / NANO
    assert not watched.memory.code_i.any()


@given(
    st.floats(-0.6, 3.0).filter(lambda moved: abs(moved) > 0.06),
    st.integers(1, 5),
    st.integers(0, 6),
    st.lists(st.floats(-0.01, 0.01), min_size=14, max_size=14),
)
def test_a_level_that_stays_gets_in_as_soon_as_promised(
    moved: float, confirmations: int, confirm_seconds: int, noise: list[float]
) -> None:
    watched = Watched(confirmations=confirmations, confirm_ns=confirm_seconds * NANO)
    watched.take(Tick())
    promised = 1 + max(confirmations, confirm_seconds)
    for second in range(1, promised + 1):
        level = SPOT * (1 + moved) * (1 + noise[second])
        watched.take(Tick(index=level, forward=level, at_seconds=second))
        assert (watched.index() == SPOT) is (second < promised)
    assert watched.index() == round(level * NANO) / NANO
    assert not watched.snapshot.doubt_u.any()
    assert watched.forward("C100") == round(level * NANO) / NANO


@dataclass
class OneIndex:
    """The jump rule for one price, worked through one number at a time."""

    price: float | None = None
    taken_at: float = 0.0
    waiting: float = 0.0
    seen: int = 0
    since: float = 0.0

    def take(self, price: float, at_seconds: float) -> bool:
        """Whether the price is in force now."""
        if self.price is not None:
            growth = min(sqrt(1 + (at_seconds - self.taken_at) / 60), 4.0)
            if abs(price - self.price) > 0.05 * growth * self.price:
                if self.seen and abs(price - self.waiting) <= 0.03 * self.waiting:
                    self.seen += 1
                else:
                    self.seen, self.since = 1, at_seconds
                self.waiting = price
                if self.seen < 3 or at_seconds - self.since < 2.0:
                    return False
        self.price, self.taken_at, self.seen = price, at_seconds, 0
        return True


@given(st.lists(st.tuples(STEPS, st.integers(70, 140)), min_size=1, max_size=25))
def test_the_index_follows_the_rule_as_told_for_one_number(
    course: list[tuple[float, int]],
) -> None:
    watched, told, at_seconds = Watched(), OneIndex(), 0.0
    for step, thousands in course:
        at_seconds += step
        price = 1_000.0 * thousands
        is_taken = told.take(price, at_seconds)
        watched.take(replace(Tick(names=(), at_seconds=at_seconds), index=price))
        assert watched.index() == told.price
        assert (watched.index_doubt() is Doubt.NONE) is is_taken
