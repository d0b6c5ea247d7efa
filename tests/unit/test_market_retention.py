"""Old markets go, a step at a time, and what cannot be removed stops nothing."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from margingate_server.ledger.journal import Journal
from margingate_server.ledger.store import CorruptLedger, StoreFailure
from margingate_server.market_retention import PAUSE_SECONDS, MarketRetention
from margingate_server.observe.logs import Log
from tests.unit.ledger.market_conformance import START_NS, TICK_NS, markets
from tests.unit.rpc.memory_market_store import MemoryMarketStore
from tests.unit.rpc.memory_store import MemoryStore, disk_full
from tests.unit.rpc.watch import SetClock
from tests.unit.test_recovery import draft

RETENTION_NS = 100 * TICK_NS
PAUSE_NS = int(PAUSE_SECONDS * 1e9)


class Kept:
    """A store of 300 versions, one a tick, and what prunes it."""

    def __init__(self) -> None:
        self.markets, self.clock = MemoryMarketStore(), SetClock(START_NS)
        journal = Journal(MemoryStore(), self.markets)
        for market in markets(300):
            self.clock.ns += TICK_NS
            journal.append([replace(draft(b"x"), recorded_ns=self.clock.ns)], [market])
        self.retention = MarketRetention(journal, RETENTION_NS, self.clock, Log())

    @property
    def oldest_ns(self) -> int:
        return self.markets.drafts[0].recorded_ns


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_what_is_older_than_the_retention_goes_and_nothing_else(kept: Kept) -> None:
    before = kept.markets.drafts
    kept.retention.keep()
    assert kept.markets.drafts != before
    young = [each for each in before if each.recorded_ns >= kept.clock.ns - RETENTION_NS]
    assert kept.markets.drafts[-len(young) :] == young
    # A delta's keyframe stays as long as the delta.
    assert kept.oldest_ns > kept.clock.ns - RETENTION_NS - 64 * TICK_NS
    assert len(list(kept.markets.snapshots())) == len(kept.markets.drafts)


def test_while_there_is_more_the_next_step_comes_at_once_and_then_a_pause(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed, asked = [7, 7, 0, 7], []
    monkeypatch.setattr(kept.markets, "prune_before", lambda ns: asked.append(ns) or removed.pop(0))
    for _ in range(5):
        kept.retention.keep()
    assert len(asked) == 3
    kept.clock.ns += PAUSE_NS
    kept.retention.keep()
    assert asked[-1] == kept.clock.ns - RETENTION_NS
    assert removed == []


def test_a_damaged_market_is_told_and_kept_and_not_looked_at_all_the_time(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def damaged(_ns: int) -> int:
        asked.append(1)
        raise CorruptLedger(3, "market", "flipped")

    monkeypatch.setattr(kept.markets, "prune_before", damaged)
    with capture_logs() as lines:
        kept.retention.keep()
        kept.retention.keep()
    assert [each["event"] for each in lines] == ["markets_not_pruned"]
    assert asked == [1]


def test_a_disk_that_fails_is_not_hidden(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_ns: int) -> int:
        raise disk_full()

    monkeypatch.setattr(kept.markets, "prune_before", full)
    with pytest.raises(StoreFailure):
        kept.retention.keep()
