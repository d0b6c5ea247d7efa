"""Jumps are taken when further updates confirm them, and not before."""

import pytest

from margingate_engine.quality.doubt import Doubt
from tests.unit.engine.quality.chain import SPOT, Tick, Watched


def running(**limits: int) -> Watched:
    """A market that has prices."""
    watched = Watched(**limits)
    assert not watched.take(Tick()).findings
    return watched


def test_first_prices_are_taken_whatever_they_are() -> None:
    watched = Watched()
    assert not watched.take(Tick(index=3 * SPOT, forward=3 * SPOT)).findings
    assert watched.index() == 3 * SPOT
    assert watched.forward("C100") == 3 * SPOT


@pytest.mark.parametrize("factor", [10.0, 0.1])
def test_a_spike_of_one_message_moves_no_price(factor: float) -> None:
    watched = running()
    before = watched.snapshot
    watched.take(Tick(index=factor * SPOT, forward=factor * SPOT, at_seconds=1))
    after = watched.snapshot
    for name in ("index_nano_u", "mark_nano_i", "vol_nano_i", "forward_nano_i", "observed_ns_u"):
        got, had = getattr(after, name), getattr(before, name)
        spot = watched.row("SPOT") if len(got) == len(watched.table) else len(got)
        assert [*got[:spot]] == [*had[:spot]], name
    assert watched.index_doubt() is Doubt.INDEX_JUMP
    assert watched.doubt("C100") is watched.doubt("FUTURE") is Doubt.PRICE_JUMP
    assert not after.surcharge_ppm_i.any()
    watched.take(Tick(at_seconds=2))
    assert watched.index_doubt() is Doubt.NONE
    assert not watched.snapshot.doubt_i.any()
    assert not watched.snapshot.surcharge_ppm_i.any()
    assert watched.snapshot.observed_ns_u[0] == Tick(at_seconds=2).time_ns


@pytest.mark.parametrize(("moved", "is_taken"), [(0.05, True), (0.0501, False), (-0.05, True)])
def test_a_move_up_to_the_limit_is_taken_at_once(moved: float, is_taken: bool) -> None:
    watched = running(jump_ns=3_600 * 10**9)
    moved_to = SPOT * (1 + moved)
    watched.take(Tick(index=moved_to))
    assert (watched.index() == moved_to) is is_taken
    assert (watched.index_doubt() is Doubt.NONE) is is_taken


def test_the_limit_doubles_when_nothing_was_heard_for_three_times_jump_seconds() -> None:
    for index, doubt in ((109_900.0, Doubt.NONE), (110_100.0, Doubt.INDEX_JUMP)):
        watched = running()
        watched.take(Tick(index=index, at_seconds=180))
        assert watched.index_doubt() is doubt


def test_the_limit_grows_no_more_than_it_may() -> None:
    for index, doubt in ((119_900.0, Doubt.NONE), (120_100.0, Doubt.INDEX_JUMP)):
        watched = running()
        watched.take(Tick(index=index, forward=SPOT, at_seconds=86_400))
        assert watched.index_doubt() is doubt


def test_a_jump_is_taken_once_enough_updates_over_enough_time_agree() -> None:
    watched = running()
    fallen = SPOT * 0.85
    for second in (1, 2):
        watched.take(Tick(index=fallen, forward=fallen, at_seconds=second))
        assert watched.index() == SPOT
        assert watched.doubt("P90") is Doubt.PRICE_JUMP
    judged = watched.take(Tick(index=fallen * 0.99, forward=fallen * 0.99, at_seconds=3))
    assert not judged.findings
    assert watched.index() == pytest.approx(fallen * 0.99)
    assert watched.forward("P90") == pytest.approx(fallen * 0.99)
    assert watched.index_doubt() is watched.doubt("P90") is Doubt.NONE


def test_enough_updates_in_too_short_a_time_confirm_nothing() -> None:
    watched = running()
    for tenths in range(1, 20):
        watched.take(Tick(index=80_000, at_seconds=1 + tenths / 10))
        assert watched.index() == SPOT
    watched.take(Tick(index=80_000, at_seconds=3.1))
    assert watched.index() == 80_000


def test_enough_time_with_too_few_updates_confirms_nothing() -> None:
    watched = running()
    for second in (1, 10):
        watched.take(Tick(index=80_000, forward=SPOT, at_seconds=second))
        assert watched.index() == SPOT
    watched.take(Tick(index=80_000, forward=SPOT, at_seconds=11))
    assert watched.index() == 80_000


@pytest.mark.parametrize(("second_value", "is_taken"), [(82_399.0, True), (82_401.0, False)])
def test_an_update_agrees_within_the_tolerance_of_the_one_before(
    second_value: float, is_taken: bool
) -> None:
    watched = running()
    for second, index in ((1, 80_000.0), (2, second_value), (3, second_value)):
        watched.take(Tick(index=index, at_seconds=second))
    assert (watched.index() == second_value) is is_taken


def test_an_update_near_the_old_price_drops_what_waited() -> None:
    watched = running()
    for second, index in ((1, 80_000), (2, 80_000), (3, SPOT), (4, 80_000), (5, 80_000)):
        watched.take(Tick(index=index, at_seconds=second))
        assert watched.index() == SPOT
    watched.take(Tick(index=80_000, at_seconds=6))
    assert watched.index() == 80_000


def test_a_crash_in_steps_gets_through_at_once() -> None:
    watched = running()
    for second in range(1, 6):
        fallen = SPOT * 0.97**second
        watched.take(Tick(index=fallen, forward=fallen, vol=0.6 + second / 50, at_seconds=second))
        assert watched.index() == pytest.approx(fallen)
        assert watched.index_doubt() is Doubt.NONE
        assert not watched.memory.code_i.any()


def test_a_vol_that_jumped_waits_for_confirmation_too_and_is_surcharged_meanwhile() -> None:
    watched = running()
    for second in (1, 2):
        watched.take(Tick(vol=1.2, at_seconds=second))
        assert watched.vol("C100") == pytest.approx(0.6)
        assert watched.code("C100") is Doubt.VOL_JUMP
        assert watched.doubt("C100") is Doubt.NONE
        assert watched.surcharge_ppm("C100") > 0
    watched.take(Tick(vol=1.2, at_seconds=3))
    assert watched.vol("C100") == pytest.approx(1.2)
    assert watched.surcharge_ppm("C100") == 0


def test_a_forward_and_a_vol_that_jump_one_after_the_other_do_not_wait_for_ever() -> None:
    watched = running()
    fallen = SPOT * 0.85
    watched.take(Tick(index=fallen, forward=fallen, at_seconds=1))
    for second in (2, 3, 4):
        watched.take(Tick(index=fallen, forward=fallen, vol=1.2, at_seconds=second))
    assert watched.forward("C100") == fallen
    assert watched.vol("C100") == pytest.approx(1.2, rel=0.05)


def test_a_forward_that_came_back_is_forgotten_even_while_its_vol_waits() -> None:
    watched = running()
    fallen = SPOT * 0.92
    for second in (1, 2):
        watched.take(Tick(index=None, forward=fallen, at_seconds=second))
    watched.take(Tick(index=None, vol=1.2, at_seconds=3))
    assert watched.code("C100") is Doubt.VOL_JUMP
    watched.take(Tick(index=None, forward=fallen, at_seconds=4))
    assert watched.forward("C100") == SPOT


def test_one_instrument_that_jumps_leaves_the_others_alone() -> None:
    watched = running(forward_gap_ppm=10_000_000, basis_ppm=10_000_000)
    watched.take(Tick(changes={"PERPETUAL": (10.0, 1.0, 1.0)}, at_seconds=1))
    assert watched.mark("PERPETUAL") == SPOT
    assert watched.doubt("PERPETUAL") is Doubt.PRICE_JUMP
    assert watched.snapshot.doubt_i.astype(bool).sum() == 1
    assert watched.snapshot.observed_ns_i[watched.row("PERPETUAL")] == Tick().time_ns


def test_what_is_not_quoted_neither_confirms_nor_drops() -> None:
    watched = running()
    watched.take(Tick(index=80_000, at_seconds=1))
    watched.take(Tick(index=None, at_seconds=2))
    watched.take(Tick(index=80_000, at_seconds=3))
    assert watched.index_doubt() is Doubt.INDEX_JUMP
    watched.take(Tick(index=80_000, at_seconds=4))
    assert watched.index() == 80_000
