"""Which versions become keyframes, which are skipped, which are refused."""

import pytest

from margingate_engine.market.snapshot import MarketSnapshot
from margingate_server.ledger.market_inputs import is_keyframe
from margingate_server.ledger.market_log import KEYFRAME_EVERY, MarketLog
from margingate_server.ledger.store import CorruptLedger
from tests.unit.ledger.market_conformance import START_NS, markets, named, write
from tests.unit.rpc.memory_market_store import MemoryMarketStore


@pytest.fixture
def store() -> MemoryMarketStore:
    return MemoryMarketStore()


@pytest.fixture
def log(store: MemoryMarketStore) -> MarketLog:
    return MarketLog(store)


def keyframe_versions(store: MemoryMarketStore) -> list[int]:
    return [draft.version for draft in store.drafts if is_keyframe(draft.body)]


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_a_keyframe_comes_first_and_then_every_so_often(
    store: MemoryMarketStore, log: MarketLog, at_once: int
) -> None:
    written = markets(2 * KEYFRAME_EVERY + 1)
    for at in range(0, len(written), at_once):
        log.write(written[at : at + at_once], START_NS)
    assert keyframe_versions(store) == [1, KEYFRAME_EVERY + 1, 2 * KEYFRAME_EVERY + 1]


def test_the_first_version_after_opening_is_a_keyframe(store: MemoryMarketStore) -> None:
    write(store, markets(3))
    write(store, markets(2, start=4))
    assert keyframe_versions(store) == [1, 4]
    assert [draft.previous_version for draft in store.drafts] == [None, 1, 2, 3, 4]


def test_a_table_that_has_grown_starts_a_run_of_its_own(
    store: MemoryMarketStore, log: MarketLog
) -> None:
    grown = markets(KEYFRAME_EVERY, start=11, instruments=12)
    log.write([*markets(10), *grown], START_NS)
    log.write(markets(1, start=11 + KEYFRAME_EVERY, instruments=12), START_NS)
    assert keyframe_versions(store) == [1, 11, 11 + KEYFRAME_EVERY]


def test_drafts_have_version_digest_and_time(log: MarketLog) -> None:
    written = markets(3)
    drafts = log.drafts(written, 77)
    assert [(each.version, each.digest) for each in drafts] == named(written)
    assert {each.recorded_ns for each in drafts} == {77}


def test_what_was_drafted_but_not_put_is_no_base(store: MemoryMarketStore, log: MarketLog) -> None:
    written = markets(4)
    log.write(written[:1], START_NS)
    log.drafts(written[1:3], START_NS)
    log.write(written[1:], START_NS)
    assert keyframe_versions(store) == [1, 2]
    assert named(store.snapshots()) == named(written)


def test_a_version_stored_with_the_same_inputs_is_skipped(
    store: MemoryMarketStore, log: MarketLog
) -> None:
    written = markets(4)
    log.write(written[:3], START_NS)
    log.write(written[:2], START_NS)
    log.write([written[2], written[3]], START_NS)
    log.write([], START_NS)
    assert named(store.snapshots()) == named(written)
    # What was skipped is not in the way of the next delta.
    assert keyframe_versions(store) == [1]


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (markets(3, seed=6)[1], "market version 2: has other inputs"),
        (markets(4)[3], "market version 4: not stored, though newer ones are"),
    ],
)
def test_a_version_that_contradicts_what_is_stored_is_refused(
    store: MemoryMarketStore, log: MarketLog, bad: MarketSnapshot, problem: str
) -> None:
    stored = [*markets(3), *markets(1, start=5)]
    log.write(stored, START_NS)
    with pytest.raises(CorruptLedger) as caught:
        log.write([*markets(1, start=6), bad], START_NS)
    assert (caught.value.seq, caught.value.problem) == (bad.version, problem)
    assert named(store.snapshots()) == named(stored)
    log.write(markets(1, start=6), START_NS)
    assert named(store.snapshots()) == named([*stored, *markets(1, start=6)])
