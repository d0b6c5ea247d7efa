"""What the filter remembers: frozen, growing with the table, gone with a plan that is dropped."""

from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.market.table import InstrumentTable
from margingate_engine.quality.doubt import Doubt
from margingate_engine.quality.following import Candidates
from margingate_engine.quality.judge import judge
from margingate_engine.quality.parameters import BOUNDS, QualityParameters, UnderlyingQuality
from tests.unit.engine.quality.chain import LIMITS, SPOT, TABLE, Tick, Update, Watched, instruments

TWO_COINS = InstrumentTable((*TABLE.instruments, *instruments("ETH")))


def test_a_plan_that_is_thrown_away_leaves_no_trace() -> None:
    watched = Watched()
    watched.take(Tick())
    jump = Tick(index=80_000, forward=80_000, at_seconds=1)
    update = Update(quotes=jump.quotes(), market_time_ns=jump.time_ns, observed_ns=jump.time_ns)
    for _ in range(9):
        judge(watched.snapshot, update, watched.parameters, watched.memory)
    assert not watched.memory.index.seen_n.any()
    assert watched.take(jump).memory.index.seen_n.tolist() == [1]


def test_what_it_remembers_cannot_be_changed() -> None:
    watched = Watched()
    memory = watched.take(Tick()).memory
    with pytest.raises(FrozenInstanceError):
        memory.code_i = memory.code_i  # type: ignore[misc]
    arrays = [memory.code_u, memory.code_i, memory.confidence_ppm_i, memory.good_ns_i]
    arrays += [
        getattr(candidates, each.name)
        for candidates in (memory.index, memory.level, memory.vol)
        for each in fields(Candidates)
    ]
    assert not any(array.flags.writeable for array in arrays)


def test_a_listing_keeps_what_waits_and_what_is_in_doubt() -> None:
    watched = Watched()
    watched.take(Tick())
    jump = {"index": 80_000.0, "forward": 80_000.0}
    wrong = {"C100": (2.0, 1.0, 1.0)}
    watched.take(Tick(**jump, changes=wrong, at_seconds=1))  # type: ignore[arg-type]
    watched.table = TWO_COINS
    watched.snapshot = watched.snapshot.extended_to(TWO_COINS)
    watched.memory = watched.memory.extended_to(TWO_COINS, watched.snapshot)
    assert watched.memory.extended_to(TWO_COINS, watched.snapshot) is watched.memory
    assert watched.code("C100") is Doubt.MARK_GAP
    assert watched.index_doubt() is Doubt.INDEX_JUMP
    both = Tick(**jump, table=TWO_COINS, at_seconds=2)  # type: ignore[arg-type]
    watched.take(both)
    assert watched.index() == SPOT
    assert watched.snapshot.index_nano_u[1] == 80_000 * 10**9, "the first of ETH"
    watched.take(replace(both, at_seconds=3))
    assert watched.index() == 80_000


def test_every_underlying_has_its_own_limits_or_those_of_all() -> None:
    watched = Watched(TWO_COINS)
    wide = replace(LIMITS, index_jump_ppm=10**7, price_jump_ppm=10**7)
    watched.parameters = QualityParameters(otherwise=LIMITS, by_underlying={"ETH": wide})
    watched.take(Tick(table=TWO_COINS))
    judged = watched.take(Tick(index=80_000, forward=80_000, table=TWO_COINS, at_seconds=1))
    assert {each.underlying for each in judged.findings} == {"BTC"}
    assert watched.snapshot.index_nano_u.tolist() == [100_000 * 10**9, 80_000 * 10**9]
    assert watched.snapshot.doubt_u.tolist() == [Doubt.INDEX_JUMP, 0]


def test_an_update_that_is_no_update_changes_nothing() -> None:
    watched = Watched()
    watched.take(Tick(at_seconds=5))
    with pytest.raises(InvalidInput):
        watched.take(Tick(at_seconds=4))
    with pytest.raises(InvalidInput):
        watched.take(Tick(changes={"C100": (np.nan, 1.0, 1.0)}, at_seconds=6))
    assert watched.snapshot.market_time_ns == Tick(at_seconds=5).time_ns


def test_a_market_without_instruments_is_judged_too() -> None:
    empty = InstrumentTable(())
    watched = Watched(empty)
    assert watched.take(Tick(index=None, names=(), table=empty)).findings == ()


@pytest.mark.parametrize("name", BOUNDS)
def test_every_limit_has_bounds_and_is_named_when_beyond_them(name: str) -> None:
    assert set(BOUNDS) == {each.name for each in fields(UnderlyingQuality)}
    least, most = BOUNDS[name]
    for wrong in (least - 1, most + 1):
        with pytest.raises(InvalidInput) as error:
            replace(LIMITS, **{name: wrong})
        assert error.value.field == name


def test_the_least_vol_is_not_above_the_largest() -> None:
    with pytest.raises(InvalidInput) as error:
        replace(LIMITS, vol_min_ppm=200, vol_max_ppm=199)
    assert error.value.field == "vol_min_ppm"
