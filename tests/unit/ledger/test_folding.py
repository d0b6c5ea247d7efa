"""Snapshot and tail make the state that the whole log makes; what does not fit is refused."""

import gc
from dataclasses import replace

import pytest

from margingate_server.ledger.folding import fold_record, folded
from margingate_server.ledger.snapshot_file import Snapshot
from margingate_server.ledger.state import ShardState
from margingate_server.ledger.state_codec import encode_state
from margingate_server.ledger.store import CorruptLedger
from tests.unit.ledger.random_log import RandomLog
from tests.unit.ledger.test_state_codec import facts
from tests.unit.rpc.memory_store import MemoryStore

EVENTS = 250


def store_of(seed: int, count: int = EVENTS) -> MemoryStore:
    store = MemoryStore()
    store.append(RandomLog(seed).draw(count))
    return store


def cut(store: MemoryStore, seq: int) -> MemoryStore:
    shorter = MemoryStore()
    shorter.records = store.records[:seq]
    return shorter


def snapshot_at(store: MemoryStore, seq: int) -> Snapshot:
    body = encode_state(*folded(cut(store, seq)))
    return Snapshot(seq=seq, hash=store.records[seq - 1].hash, body=body, place="here")


def refusal(store: MemoryStore, snapshot: Snapshot) -> CorruptLedger:
    with pytest.raises(CorruptLedger) as corrupt:
        folded(store, snapshot)
    assert corrupt.value.place == "here"
    assert "delete the file: all of the log is folded then" in corrupt.value.problem
    return corrupt.value


@pytest.mark.parametrize("seed", range(3))
def test_from_every_event_of_a_log_snapshot_and_tail_are_the_whole(seed: int) -> None:
    store = store_of(seed)
    whole, market_version = folded(store)
    expected = encode_state(whole, market_version)
    growing = ShardState()
    for record in store.records:
        fold_record(growing, record)
        body = encode_state(growing, record.market_version)
        snapshot = Snapshot(seq=record.seq, hash=record.hash, body=body)
        state, cited = folded(store, snapshot)
        assert encode_state(state, cited) == expected, record.seq
    assert facts(state) == facts(whole)


def test_the_greatest_market_version_may_stand_in_the_part_that_is_not_read() -> None:
    store = store_of(1)
    drafts = [
        replace(each, market_version=999) if n == 10 else each
        for n, each in enumerate(RandomLog(1).draw(EVENTS))
    ]
    store = MemoryStore()
    store.append(drafts)
    assert folded(store, snapshot_at(store, 200))[1] == 999


def test_what_follows_a_snapshot_alone_is_read() -> None:
    store = store_of(1)
    read: list[int] = []
    whole = store.read

    def watched(after_seq: int = 0) -> object:
        read.append(after_seq)
        return whole(after_seq)

    store.read = watched  # type: ignore[assignment, method-assign]
    folded(store, snapshot_at(store, 200))
    assert read == [200]


def test_a_snapshot_with_another_hash_is_refused() -> None:
    store = store_of(1)
    good = snapshot_at(store, 200)
    bad = refusal(store, replace(good, hash=good.hash[:-1] + b"\0"))
    assert (bad.seq, "other hash" in bad.problem) == (200, True)


def test_a_snapshot_of_another_ledger_is_refused() -> None:
    assert refusal(store_of(2), snapshot_at(store_of(1), 200)).seq == 200


def test_a_snapshot_beyond_the_end_of_the_log_is_refused() -> None:
    store = store_of(1)
    bad = refusal(cut(store, 199), snapshot_at(store, 200))
    assert (bad.seq, "ends at event 199" in bad.problem) == (200, True)


def test_a_snapshot_with_the_state_of_another_event_is_refused() -> None:
    store = store_of(1)
    mixed = replace(snapshot_at(store, 200), body=snapshot_at(store, 199).body)
    assert "at event 199" in refusal(store, mixed).problem


def test_a_snapshot_without_a_state_is_refused() -> None:
    store = store_of(1)
    assert refusal(store, replace(snapshot_at(store, 200), body=b"x")).seq == 200


def test_a_tail_that_cannot_be_applied_is_named() -> None:
    log = RandomLog(1)
    drafts = log.draw(200)
    store = MemoryStore()
    store.append(drafts)
    good = snapshot_at(store, 200)
    store.append([replace(drafts[-1], body=b"{}")])
    with pytest.raises(CorruptLedger) as corrupt:
        folded(store, good)
    assert (corrupt.value.seq, corrupt.value.place) == (201, "event")


def test_garbage_is_collected_again_after_a_fold_whatever_came_of_it() -> None:
    store = store_of(1)
    seen: list[bool] = []
    whole = store.read

    def watched(after_seq: int = 0) -> object:
        seen.append(gc.isenabled())
        return whole(after_seq)

    store.read = watched  # type: ignore[assignment, method-assign]
    folded(store)
    assert (seen, gc.isenabled()) == ([False], True)
    refusal(store, replace(snapshot_at(store, 200), hash=bytes(32)))
    assert gc.isenabled()
