"""Every rule on prices of one update, on both sides of its bound."""

import numpy as np
import pytest

from margingate_engine.core.times import YEAR_NS
from margingate_engine.market.table import InstrumentTable
from margingate_engine.quality.doubt import LEVEL_DOUBTS, WORDS, Doubt
from tests.unit.engine.quality.chain import (
    EXPIRY_NS,
    SPOT,
    START_NS,
    TABLE,
    Tick,
    Watched,
    instruments,
)

TAU = (EXPIRY_NS - START_NS) / YEAR_NS
BASIS = 0.05 + 0.5 * TAU


def found(watched: Watched, tick: Tick) -> dict[Doubt, int]:
    """Counts of what was not taken, by doubt."""
    return {each.doubt: each.count for each in watched.take(tick).findings}


def listening(**limits: int) -> Watched:
    """A market that has an index, and no other price."""
    watched = Watched(**limits)
    assert found(watched, Tick(names=())) == {}
    return watched


def test_prices_that_agree_raise_no_doubt() -> None:
    assert found(Watched(), Tick()) == {}


@pytest.mark.parametrize("is_inverse", [True, False])
def test_linear_and_inverse_chains_agree_alike(is_inverse: bool) -> None:
    table = InstrumentTable(instruments(is_inverse=is_inverse))
    assert found(Watched(table), Tick(table=table, forward=1.01 * SPOT)) == {}


@pytest.mark.parametrize("side", [1, -1])
def test_a_forward_may_be_so_far_from_the_index_more_so_with_time_to_expiry(side: int) -> None:
    inside, outside = (SPOT * (1 + side * (BASIS + more)) for more in (-1e-6, 1e-6))
    limits = {"vol_max_ppm": 10**7, "forward_gap_ppm": 10**7}
    names = tuple(each for each in TABLE.row_by_name if each != "PERPETUAL")
    assert found(listening(**limits), Tick(forward=inside, names=names)) == {}
    assert found(listening(**limits), Tick(forward=outside, names=names)) == {Doubt.BASIS: 15}


def test_a_perpetual_has_no_time_to_expiry() -> None:
    names = ("PERPETUAL",)
    assert found(listening(), Tick(forward=SPOT * 1.05, names=names)) == {}
    assert found(listening(), Tick(forward=SPOT * 1.0501, names=names)) == {Doubt.BASIS: 1}


def test_without_an_index_no_forward_is_far_from_it() -> None:
    assert found(Watched(), Tick(index=None, forward=3 * SPOT)) == {}


@pytest.mark.parametrize("factor", [10.0, 0.1])
def test_a_first_index_that_all_forwards_contradict_is_not_taken_nor_are_they(
    factor: float,
) -> None:
    watched = Watched()
    assert found(watched, Tick(index=factor * SPOT)) == {Doubt.BASIS: 17}
    assert watched.snapshot.observed_ns_u[0] < 0
    assert watched.index_doubt() is Doubt.BASIS
    assert not watched.snapshot.priced_i(TABLE).any()
    assert found(watched, Tick(at_seconds=1)) == {}
    assert watched.index() == SPOT
    assert watched.index_doubt() is Doubt.NONE


def test_a_first_index_stands_against_half_of_the_forwards() -> None:
    wrong = {"C80": (1.0, 1.0, 1.5), "P80": (1.0, 1.0, 1.5)}
    names = ("C80", "P80", "C90", "P90")
    watched = Watched()
    assert found(watched, Tick(changes=wrong, names=names)) == {Doubt.BASIS: 2}
    assert watched.index() == SPOT


def test_a_spike_of_the_index_condemns_no_forward() -> None:
    watched = Watched()
    watched.take(Tick())
    assert found(watched, Tick(index=10 * SPOT, at_seconds=1)) == {Doubt.INDEX_JUMP: 1}
    assert not watched.snapshot.doubt_i.any()


def test_forwards_may_follow_an_index_that_waits_to_be_confirmed() -> None:
    watched = Watched()
    watched.take(Tick())
    watched.take(Tick(index=0.5 * SPOT, names=(), at_seconds=1))
    only_forwards = Tick(index=None, forward=0.5 * SPOT, at_seconds=1.5)
    assert set(found(watched, only_forwards)) == {Doubt.PRICE_JUMP}


@pytest.mark.parametrize(("factor", "doubts"), [(1.0099, {}), (1.0101, {Doubt.FORWARD_GAP: 1})])
def test_a_forward_is_near_the_median_of_its_expiry(
    factor: float, doubts: dict[Doubt, int]
) -> None:
    changes = {"FUTURE": (factor, 1.0, 1.0)}
    assert found(Watched(), Tick(changes=changes)) == doubts


def test_of_one_wrong_forward_no_other_is_accused() -> None:
    watched = Watched()
    assert found(watched, Tick(changes={"C80": (1.0, 1.0, 1.1)})) == {Doubt.FORWARD_GAP: 1}
    assert watched.code("C80") is Doubt.FORWARD_GAP


@pytest.mark.parametrize("wrong", ["FUTURE", "C100"])
@pytest.mark.parametrize("factor", [0.97, 1.03])
def test_of_two_forwards_that_contradict_each_other_the_one_that_moved_more_is_wrong(
    wrong: str, factor: float
) -> None:
    names = ("FUTURE", "C100")
    watched = Watched()
    watched.take(Tick())
    column = (factor, 1.0, 1.0) if wrong == "FUTURE" else (1.0, 1.0, factor)
    tick = Tick(changes={wrong: column}, names=names, at_seconds=1)
    assert found(watched, tick) == {Doubt.FORWARD_GAP: 1}
    assert watched.code(wrong) is Doubt.FORWARD_GAP


@pytest.mark.parametrize("factor", [0.97, 1.03])
def test_of_four_forwards_the_two_that_moved_more_are_wrong(factor: float) -> None:
    watched = Watched()
    watched.take(Tick())
    changes = dict.fromkeys(("C80", "P80"), (1.0, 1.0, factor))
    tick = Tick(changes=changes, names=("C80", "P80", "C90", "P90"), at_seconds=1)
    assert found(watched, tick) == {Doubt.FORWARD_GAP: 2}
    assert watched.code("C80") is watched.code("P80") is Doubt.FORWARD_GAP


def test_of_two_first_forwards_that_contradict_each_other_nobody_knows_which_is_wrong() -> None:
    watched = listening()
    names, changes = ("FUTURE", "C100"), {"FUTURE": (1.03, 1.0, 1.0)}
    assert found(watched, Tick(changes=changes, names=names)) == {Doubt.FORWARD_GAP: 2}
    assert found(watched, Tick(names=names)) == {}


@pytest.mark.parametrize(("strike", "scale"), [("C80", 1.0), ("P120", 1.2)])
def test_a_mark_follows_from_vol_and_forward_in_units_of_forward_or_strike(
    strike: str, scale: float
) -> None:
    watched = Watched(parity_gap_ppm=10**7)
    watched.take(Tick())
    mark = watched.mark(strike)
    for gap, doubts in ((0.00499, {}), (0.00501, {Doubt.MARK_GAP: 1})):
        factor = (mark + gap * scale) / mark
        assert found(watched, Tick(changes={strike: (factor, 1.0, 1.0)})) == doubts


def test_of_linear_options_the_mark_is_in_dollars() -> None:
    table = InstrumentTable(instruments(is_inverse=False))
    watched = Watched(table, parity_gap_ppm=10**7)
    watched.take(Tick(table=table))
    mark = watched.mark("C100")
    for gap, doubts in ((499.0, {}), (501.0, {Doubt.MARK_GAP: 1})):
        changes = {"C100": (1 + gap / mark, 1.0, 1.0)}
        assert found(watched, Tick(table=table, changes=changes)) == doubts


@pytest.mark.parametrize(
    ("vol", "doubt"), [(0.0499, True), (0.0501, False), (4.999, False), (5.001, True)]
)
def test_vols_have_bounds(vol: float, doubt: bool) -> None:
    changes = {"C100": (1.0, vol / 0.6, 1.0)}
    watched = Watched(mark_gap_ppm=10**7, vol_gap_points_ppm=10**8, parity_gap_ppm=10**7)
    assert found(watched, Tick(changes=changes)) == ({Doubt.INTERPOLATED: 1} if doubt else {})
    watched.take(Tick())
    doubts = found(watched, Tick(changes=changes, at_seconds=1))
    assert (Doubt.VOL_BOUNDS in doubts) is doubt


@pytest.mark.parametrize(("vol", "is_far"), [(1.199, False), (1.202, True)])
def test_a_vol_is_near_the_median_of_those_around_it(vol: float, is_far: bool) -> None:
    wide = {"mark_gap_ppm": 10**7, "parity_gap_ppm": 10**7, "vol_jump_points_ppm": 10**8}
    watched = Watched(**wide)
    watched.take(Tick())
    tick = Tick(changes={"C100": (1.0, vol / 0.6, 1.0)})
    assert found(watched, tick) == ({Doubt.VOL_GAP: 1} if is_far else {})


def test_a_spike_of_both_vols_of_a_strike_does_not_carry_the_median_along() -> None:
    wide = {"mark_gap_ppm": 10**7, "vol_jump_points_ppm": 10**8, "parity_gap_ppm": 10**7}
    watched = Watched(**wide)
    watched.take(Tick())
    spike = (1.0, 3.0, 1.0)
    for strike in ("80", "100", "120"):
        changes = {f"C{strike}": spike, f"P{strike}": spike}
        assert found(watched, Tick(changes=changes)) == {Doubt.VOL_GAP: 2}


def test_call_and_put_of_a_strike_keep_parity_or_neither_is_taken() -> None:
    watched = Watched(mark_gap_ppm=10**7)
    watched.take(Tick())
    mark = watched.mark("C100")
    for gap, doubts in ((0.0049, {}), (0.0051, {Doubt.PARITY: 2})):
        changes = {"C100": (1 + gap / mark, 1.0, 1.0)}
        assert found(watched, Tick(changes=changes)) == doubts


def test_a_call_whose_mark_is_wrong_does_not_drag_its_put_along() -> None:
    watched = Watched()
    watched.take(Tick())
    assert found(watched, Tick(changes={"C100": (2.0, 1.0, 1.0)})) == {Doubt.MARK_GAP: 1}


def test_a_price_of_nothing_is_no_price_and_the_former_stays() -> None:
    watched = Watched()
    watched.take(Tick())
    changes = {"FUTURE": (0.0, 1.0, 1.0), "C100": (1.0, 1.0, 0.0)}
    assert found(watched, Tick(changes=changes, at_seconds=1)) == {Doubt.PRICE_MISSING: 2}
    assert watched.mark("FUTURE") == watched.forward("C100") == SPOT
    first = Watched()
    assert found(first, Tick(changes=changes)) == {Doubt.PRICE_MISSING: 2}
    assert not first.snapshot.priced_i(TABLE)[first.row("FUTURE")]


def test_spot_is_taken_as_it_comes() -> None:
    watched = Watched()
    watched.take(Tick())
    tick = Tick(changes={"SPOT": (10.0, 1.0, 1.0)}, names=("SPOT",), at_seconds=1)
    assert found(watched, tick) == {}
    assert watched.mark("SPOT") == 10 * SPOT


def test_doubts_have_words_of_their_own_and_fit_their_codes() -> None:
    assert set(WORDS) == set(Doubt)
    assert len({each.words for each in Doubt}) == len(Doubt)
    codes = np.array(list(Doubt), dtype=np.int8)
    assert Doubt.among(codes, LEVEL_DOUBTS).tolist() == [each in LEVEL_DOUBTS for each in Doubt]
