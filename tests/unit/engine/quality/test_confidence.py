"""What is put up for a price that was kept because the next one was refused."""

import pytest

from margingate_engine.quality.doubt import Doubt
from tests.unit.engine.quality.chain import SECOND_NS, TABLE, Tick, Watched

WRONG_MARK = {"C100": (2.0, 1.0, 1.0)}


def refused_after(seconds: float, **limits: int) -> Watched:
    watched = Watched(**limits)
    watched.take(Tick())
    watched.take(Tick(changes=WRONG_MARK, at_seconds=seconds))
    return watched


@pytest.mark.parametrize(
    ("seconds", "surcharge_ppm"),
    [
        (0.0, 5_000),  # 5 % of 1 - 0.9
        (3.0, 9_500),  # 0.9 x 27 / 30
        (2.001, 9_500),  # ages count in whole seconds, rounded up
        (10.0, 20_000),
        (30.0, 50_000),
        (1_000.0, 50_000),
    ],
)
def test_less_certain_the_older_it_is(seconds: float, surcharge_ppm: int) -> None:
    assert refused_after(seconds).surcharge_ppm("C100") == surcharge_ppm


@pytest.mark.parametrize(("seconds", "doubt"), [(13.0, Doubt.NONE), (14.0, Doubt.MARK_GAP)])
def test_below_the_least_confidence_no_order_may_rest_on_it(seconds: float, doubt: Doubt) -> None:
    watched = refused_after(seconds)
    assert watched.doubt("C100") is doubt
    assert watched.surcharge_ppm("C100") > 0


TRUSTED = {"trusted_ns": 5 * SECOND_NS}


@pytest.mark.parametrize(("seconds", "costs"), [(0.2, False), (4.999, False), (5.0, True)])
def test_a_good_price_costs_nothing_while_it_is_trusted(seconds: float, costs: bool) -> None:
    watched = refused_after(seconds, **TRUSTED)
    assert watched.code("C100") is Doubt.MARK_GAP
    assert (watched.surcharge_ppm("C100") > 0) is costs


@pytest.mark.parametrize("wrong", [{"C100": (1.0, 2.0, 1.0)}, {"C100": (1.0, 0.0, 1.0)}])
def test_one_wrong_message_or_two_move_nothing(wrong: dict[str, tuple[float, ...]]) -> None:
    watched = Watched(**TRUSTED)
    watched.take(Tick())
    before = watched.snapshot
    for second in (1, 2):
        watched.take(Tick(changes=wrong, at_seconds=second))  # type: ignore[arg-type]
        row, after = watched.row("C100"), watched.snapshot
        for name in ("mark_nano_i", "vol_nano_i", "forward_nano_i", "observed_ns_i"):
            assert getattr(after, name)[row] == getattr(before, name)[row]
        assert not after.surcharge_ppm_i.any()
    watched.take(Tick(at_seconds=3))
    assert watched.code("C100") is Doubt.NONE


def test_trust_goes_by_the_last_good_price_not_by_the_last_message() -> None:
    watched = Watched(**TRUSTED)
    watched.take(Tick())
    for second in range(1, 7):
        watched.take(Tick(changes=WRONG_MARK, at_seconds=second))
        assert (watched.surcharge_ppm("C100") > 0) is (second >= 5)


def test_what_was_never_good_is_not_trusted() -> None:
    watched = Watched(**TRUSTED)
    watched.take(Tick(changes={"C100": (1.0, 0.0, 1.0)}))
    assert watched.code("C100") is Doubt.INTERPOLATED
    assert watched.surcharge_ppm("C100") > 0
    watched.take(Tick(changes={"C100": (1.0, 0.0, 1.0)}, at_seconds=1))
    assert watched.surcharge_ppm("C100") > 0


def test_what_is_missing_for_longer_is_interpolated_at_a_surcharge() -> None:
    watched = Watched(**TRUSTED)
    watched.take(Tick())
    for second in range(1, 7):
        watched.take(Tick(changes={"C100": (1.0, 0.0, 1.0)}, at_seconds=second))
    assert watched.code("C100") is Doubt.INTERPOLATED
    assert watched.surcharge_ppm("C100") == 2_500


def test_only_the_price_that_was_refused_costs_more() -> None:
    watched = refused_after(3.0)
    assert watched.snapshot.surcharge_ppm_i.astype(bool).sum() == 1
    assert watched.snapshot.surcharge_ppm_i.dtype == "int64"


def test_the_surcharge_is_rounded_up() -> None:
    assert refused_after(0.0, surcharge_ppm=50_001).surcharge_ppm("C100") == 5_001


def test_it_goes_on_while_other_prices_come_and_ends_with_the_next_good_one() -> None:
    watched = refused_after(1.0)
    others = tuple(each for each in TABLE.row_by_name if each != "C100")
    before = watched.surcharge_ppm("C100")
    watched.take(Tick(names=others, at_seconds=5))
    assert watched.surcharge_ppm("C100") > before
    assert watched.code("C100") is Doubt.MARK_GAP
    watched.take(Tick(at_seconds=6))
    assert watched.surcharge_ppm("C100") == 0


def test_a_level_that_is_in_doubt_lets_no_order_pass_from_the_start() -> None:
    watched = Watched()
    watched.take(Tick())
    watched.take(Tick(changes={"C100": (1.0, 1.0, 1.1)}))
    assert watched.doubt("C100") is Doubt.FORWARD_GAP
    assert not watched.snapshot.surcharge_ppm_i.any()


def test_a_price_that_was_never_there_costs_nothing_it_is_missing() -> None:
    watched = Watched()
    watched.take(Tick(changes={"FUTURE": (0.0, 1.0, 1.0)}))
    assert watched.surcharge_ppm("FUTURE") == 0
    assert watched.doubt("FUTURE") is Doubt.NONE
