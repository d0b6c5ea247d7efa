"""Vols that are missing come from the strikes beside them, at a price."""

from math import log

import pytest

from margingate_engine.market.table import InstrumentTable
from margingate_engine.quality.doubt import Doubt
from tests.unit.engine.quality.chain import TABLE, Tick, Watched, instruments

NO_VOL = (1.0, 0.0, 1.0)


def without(*names: str, at_seconds: float = 0.0) -> Tick:
    return Tick(changes=dict.fromkeys(names, NO_VOL), at_seconds=at_seconds)


def test_the_other_option_of_the_strike_has_the_vol() -> None:
    watched = Watched()
    judged = watched.take(without("C100"))
    assert [(each.doubt, each.count) for each in judged.findings] == [(Doubt.INTERPOLATED, 1)]
    assert watched.vol("C100") == watched.vol("P100")
    assert watched.surcharge_ppm("C100") == 2_500  # 5 % of what 95 % of certainty lacks
    assert watched.doubt("C100") is Doubt.NONE
    other = Watched()
    other.take(Tick())
    assert watched.mark("C100") == pytest.approx(other.mark("C100"), abs=1e-9)
    assert watched.forward("C100") == other.forward("C100")


def test_between_strikes_the_vol_is_linear_in_their_logs() -> None:
    watched = Watched()
    watched.take(without("C100", "P100"))
    share = log(100 / 95) / log(105 / 95)
    expected = watched.vol("C95") * (1 - share) + watched.vol("C105") * share
    for name in ("C100", "P100"):
        assert watched.vol(name) == pytest.approx(expected, abs=1e-9)
        confidence = int(950_000 * (1 - log(105 / 95) / 0.35))
        assert watched.surcharge_ppm(name) == -(-50_000 * (10**6 - confidence) // 10**6)
        assert watched.doubt(name) is Doubt.NONE


def test_the_farther_the_strikes_the_more_is_put_up_until_no_order_may_rest_on_it() -> None:
    wide = Watched()
    wide.take(
        without(*(f"{right}{strike}" for right in "CP" for strike in (90, 95, 100, 105, 110)))
    )
    assert wide.vol("C100") > 0
    assert wide.surcharge_ppm("C100") == 50_000
    assert wide.doubt("C100") is Doubt.INTERPOLATED
    near = Watched(interpolated_width_ppm=10**7)
    near.take(without("C100", "P100"))
    assert near.doubt("C100") is Doubt.NONE


@pytest.mark.parametrize("names", [("C80", "P80"), ("C120", "P120"), ("C80", "P80", "C90", "P90")])
def test_outside_the_quoted_range_a_vol_stays_missing(names: tuple[str, ...]) -> None:
    watched = Watched()
    watched.take(without(*names))
    for name in names:
        assert watched.code(name) is Doubt.VOL_MISSING
        assert not watched.snapshot.priced_i(TABLE)[watched.row(name)]
        assert watched.surcharge_ppm(name) == 0


def test_the_smile_of_another_coin_is_no_neighbour() -> None:
    table = InstrumentTable((*TABLE.instruments, *instruments("ETH")))
    watched = Watched(table)
    changes = dict.fromkeys(("ETH-C80", "ETH-P80", "C120", "P120"), NO_VOL)
    watched.take(Tick(table=table, changes=changes))
    assert {watched.code(name) for name in changes} == {Doubt.VOL_MISSING}


def test_at_the_end_of_the_range_the_other_option_of_the_strike_suffices() -> None:
    watched = Watched()
    watched.take(without("C80", "P120"))
    assert watched.vol("C80") == watched.vol("P80")
    assert watched.vol("P120") == watched.vol("C120")


def test_a_vol_that_is_missing_now_is_interpolated_though_a_former_one_is_in_force() -> None:
    watched = Watched()
    watched.take(Tick(vol=0.6))
    watched.take(Tick(vol=0.62, changes=dict.fromkeys(("C100", "P100"), NO_VOL), at_seconds=1))
    assert watched.vol("C100") == pytest.approx(0.62, abs=1e-3)
    assert watched.code("C100") is Doubt.INTERPOLATED


def test_at_the_end_of_the_range_a_former_vol_stays_in_force_with_its_age() -> None:
    watched = Watched()
    watched.take(Tick())
    watched.take(without("C80", "P80", at_seconds=1))
    assert watched.code("C80") is Doubt.VOL_MISSING
    assert watched.vol("C80") > 0
    assert watched.snapshot.observed_ns_i[watched.row("C80")] == Tick().time_ns


def test_an_interpolated_price_is_as_old_as_the_older_of_its_neighbours() -> None:
    watched = Watched()
    watched.take(Tick())
    names = tuple(each for each in TABLE.row_by_name if each not in {"C95", "P95"})
    watched.take(Tick(names=names, changes=dict.fromkeys(("C100", "P100"), NO_VOL), at_seconds=5))
    assert watched.snapshot.observed_ns_i[watched.row("C100")] == Tick().time_ns
    watched.take(without("C100", "P100", at_seconds=6))
    assert watched.snapshot.observed_ns_i[watched.row("C100")] == Tick(at_seconds=6).time_ns


def test_the_next_vol_that_comes_ends_it() -> None:
    watched = Watched(interpolated_width_ppm=10**7)
    watched.take(without("C100", "P100"))
    watched.take(Tick(vol=0.7, names=("C100", "P100"), at_seconds=1))
    assert watched.vol("C100") == pytest.approx(0.7)
    assert watched.code("C100") is Doubt.NONE
    assert watched.surcharge_ppm("C100") == 0


def test_a_vol_far_from_the_interpolated_one_waits_for_confirmation_like_any_other() -> None:
    watched = Watched(interpolated_width_ppm=10**7)
    watched.take(without("C100", "P100"))
    for second in (1, 2):
        watched.take(Tick(vol=1.5, names=("C100", "P100"), at_seconds=second))
        assert watched.vol("C100") == pytest.approx(0.6, abs=1e-3)
        assert watched.code("C100") is Doubt.VOL_JUMP
    watched.take(Tick(vol=1.5, names=("C100", "P100"), at_seconds=3))
    assert watched.vol("C100") == pytest.approx(1.5)
    assert watched.code("C100") is Doubt.NONE


def test_an_update_without_a_vol_lets_no_forward_pass_that_jumped() -> None:
    watched = Watched()
    watched.take(Tick())
    watched.take(without("C100", at_seconds=60))
    assert watched.code("C100") is Doubt.INTERPOLATED
    watched.take(Tick(index=None, forward=1.09 * 1e5, names=("C100",), at_seconds=61))
    assert watched.forward("C100") == 1e5
    assert watched.doubt("C100") is Doubt.PRICE_JUMP


def test_a_wrong_vol_that_is_the_first_is_interpolated_too() -> None:
    watched = Watched()
    watched.take(Tick(changes={"C100": (1.0, 3.0, 1.0)}))
    assert watched.vol("C100") == watched.vol("P100")
    assert watched.code("C100") is Doubt.INTERPOLATED


def test_neighbours_that_are_interpolated_or_refused_themselves_are_none() -> None:
    watched = Watched(interpolated_width_ppm=10**7)
    watched.take(without("C95", "P95", "C100", "P100"))
    share = log(95 / 90) / log(105 / 90)
    expected = watched.vol("C90") * (1 - share) + watched.vol("C105") * share
    assert watched.vol("C95") == pytest.approx(expected, abs=1e-9)
