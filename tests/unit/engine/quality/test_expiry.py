"""What has expired keeps its price, and what is uncertain about it, until it settles. [SPAN-18]"""

import pytest

from margingate_engine.quality.doubt import Doubt
from tests.unit.engine.quality.chain import EXPIRY_NS, SECOND_NS, SPOT, START_NS, Tick, Watched

EXPIRY = (EXPIRY_NS - START_NS) / SECOND_NS
OTHERS = ("PERPETUAL", "SPOT")


def watched_until(seconds: float, **changes: tuple[float, float, float]) -> Watched:
    """Good prices three seconds before the expiry, and others a second before it."""
    watched = Watched()
    watched.take(Tick(at_seconds=EXPIRY - 4))
    watched.take(Tick(at_seconds=EXPIRY - 3))
    watched.take(Tick(at_seconds=EXPIRY + seconds, changes=changes))
    return watched


@pytest.mark.parametrize("factor", [0.0, 0.999, 1.001, 10.0])
@pytest.mark.parametrize("name", ["C90", "FUTURE"])
def test_no_quote_of_what_has_expired_is_taken(name: str, factor: float) -> None:
    watched = watched_until(-1)
    mark, observed_ns_i = watched.mark(name), watched.snapshot.observed_ns_i
    for later in (0, 1):
        tick = Tick(at_seconds=EXPIRY + later, names=(name, *OTHERS), changes={name: (factor,) * 3})
        assert watched.take(tick).findings == ()
        assert watched.mark(name) == mark
        row = watched.row(name)
        assert watched.snapshot.observed_ns_i[row] == observed_ns_i[row]
    assert watched.mark("PERPETUAL") == SPOT
    assert watched.snapshot.observed_ns_i[watched.row("PERPETUAL")] == EXPIRY_NS + SECOND_NS


def test_what_was_never_quoted_before_it_expired_has_no_price() -> None:
    watched = Watched()
    watched.take(Tick(at_seconds=EXPIRY))
    assert not watched.snapshot.priced_i(watched.table)[watched.row("C90")]
    assert watched.snapshot.priced_i(watched.table)[watched.row("PERPETUAL")]


def test_a_quote_just_before_the_expiry_is_judged_as_ever() -> None:
    watched = watched_until(-1e-3, C90=(10.0, 1.0, 1.0))
    assert watched.code("C90") is Doubt.MARK_GAP


def test_a_level_in_doubt_at_the_expiry_stays_so() -> None:
    watched = watched_until(-1, FUTURE=(1.2, 1.0, 1.0))
    doubt = watched.doubt("FUTURE")
    assert doubt is not Doubt.NONE
    for later in (0, 1, 60, 86_400):
        watched.take(Tick(at_seconds=EXPIRY + later, names=("FUTURE", *OTHERS)))
        assert (watched.doubt("FUTURE"), watched.mark("FUTURE")) == (doubt, SPOT)


def test_a_surcharge_at_the_expiry_stays_as_it_was_with_the_first_update_after_it() -> None:
    watched = watched_until(-1, C90=(10.0, 1.0, 1.0))
    before = watched.surcharge_ppm("C90")
    watched.take(Tick(at_seconds=EXPIRY, names=OTHERS))
    put_up = watched.surcharge_ppm("C90")
    assert put_up > before > 0
    for later in (1, 60, 86_400):
        watched.take(Tick(at_seconds=EXPIRY + later, names=OTHERS))
        assert (watched.surcharge_ppm("C90"), watched.doubt("C90")) == (put_up, Doubt.NONE)


def test_what_is_in_doubt_beside_it_changes_nothing_of_it() -> None:
    watched = watched_until(-1, FUTURE=(1.2, 1.0, 1.0))
    doubt = watched.doubt("FUTURE")
    spike = Tick(at_seconds=EXPIRY + 1, names=OTHERS, changes={"PERPETUAL": (2.0, 1.0, 1.0)})
    watched.take(spike)
    assert watched.doubt("PERPETUAL") is not Doubt.NONE
    assert watched.doubt("FUTURE") is doubt
    watched.take(Tick(at_seconds=EXPIRY + 2, names=OTHERS))
    assert watched.doubt("PERPETUAL") is Doubt.NONE
    assert watched.doubt("FUTURE") is doubt


def test_nothing_rests_on_what_is_settled() -> None:
    watched = watched_until(-1, FUTURE=(1.2, 1.0, 1.0), C90=(10.0, 1.0, 1.0))
    rows = [watched.row("FUTURE"), watched.row("C90")]
    assert watched.doubt("FUTURE") is not Doubt.NONE
    assert watched.surcharge_ppm("C90") > 0
    watched.take(Tick(at_seconds=EXPIRY, names=OTHERS))
    watched.snapshot = watched.snapshot.certain(rows)
    watched.take(Tick(at_seconds=EXPIRY + 1, names=OTHERS))
    assert not watched.snapshot.doubt_i.any()
    assert not watched.snapshot.surcharge_ppm_i.any()
    assert watched.snapshot.certain(rows) is watched.snapshot
