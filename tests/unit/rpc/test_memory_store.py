"""The store of these tests keeps what it is given, whole or not at all."""

from collections.abc import Callable

import pytest

from margingate_server.ledger.store import StoreFailure
from tests.unit.ledger.conformance import BEHAVIOURS, OpenStore, drafts
from tests.unit.rpc.memory_store import MemoryStore, disk_full, fails_once


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
def test_conformance(behaviour: Callable[[OpenStore], None]) -> None:
    store = MemoryStore()
    behaviour(lambda: store)


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
