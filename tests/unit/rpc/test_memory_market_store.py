"""The market store of these tests is one like any other, and fails as it is told to."""

from collections.abc import Callable, Sequence

import pytest

from margingate_server.ledger.market_log import MarketLog
from margingate_server.ledger.market_store import MarketDraft
from margingate_server.ledger.store import StoreFailure
from tests.unit.ledger.market_conformance import (
    BEHAVIOURS,
    START_NS,
    OpenMarketStore,
    markets,
    named,
)
from tests.unit.rpc.memory_market_store import MemoryMarketStore
from tests.unit.rpc.memory_store import disk_full


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
def test_conformance(behaviour: Callable[[OpenMarketStore], None]) -> None:
    store = MemoryMarketStore()
    behaviour(lambda: store)


@pytest.mark.parametrize("keeps_failed", [False, True])
def test_after_a_failed_put_the_log_goes_on_from_what_was_kept(keeps_failed: bool) -> None:
    written = markets(6)
    store = MemoryMarketStore()
    store.keeps_failed = keeps_failed
    log = MarketLog(store)
    log.write(written[:2], START_NS)

    def fail(_drafts: Sequence[MarketDraft]) -> None:
        raise disk_full()

    store.before_put = fail
    for _ in range(2):
        with pytest.raises(StoreFailure):
            log.write(written[2:4], START_NS)
    with pytest.raises(StoreFailure):
        store.prune_before(0)
    store.before_put = lambda _drafts: None
    store.reopen()
    assert store.newest_version == (4 if keeps_failed else 2)
    # What was decided on them is decided again and cites them again.
    log.write(written[2:], START_NS)
    assert named(store.snapshots()) == named(written)
