"""What is put up for a price that was kept because the next one was refused."""

import pytest

from margingate_engine.quality.doubt import Doubt
from tests.unit.engine.quality.chain import TABLE, Tick, Watched

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
