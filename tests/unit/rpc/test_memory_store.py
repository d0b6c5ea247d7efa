"""The store of these tests keeps what it is given, whole or not at all."""

import pytest

from margingate_server.ledger.chain import EMPTY
from margingate_server.ledger.store import StoreFailure
from tests.unit.ledger.conformance import drafts
from tests.unit.rpc.memory_store import MemoryStore, disk_full, fails_once


def test_events_are_numbered_chained_and_read_back() -> None:
    store = MemoryStore()
    assert store.head == EMPTY
    kept = store.append(drafts(2)) + store.append(drafts(1, start=3))
    assert list(store.read()) == kept
    assert [each.seq for each in kept] == [1, 2, 3]
    assert store.get(2) == kept[1]
    assert store.get(4) is None
    assert store.find("alpha", "request-3") == kept[2]


@pytest.mark.parametrize("keeps_failed", [False, True])
def test_a_failed_append_refuses_all_others_until_it_is_reopened(keeps_failed: bool) -> None:
    store = MemoryStore()
    store.before_append = fails_once(disk_full())
    store.keeps_failed = keeps_failed
    for _ in range(2):
        with pytest.raises(StoreFailure):
            store.append(drafts(1))
    assert len(store.records) == keeps_failed
    store.reopen()
    store.append(drafts(1, start=2))
