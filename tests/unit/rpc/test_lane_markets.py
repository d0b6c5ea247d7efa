"""The markets that decisions cite: durable before the decisions, or nobody is answered."""

from collections.abc import Sequence
from itertools import count

import pytest

from margingate_server.ledger.events import cited_market, decode_event
from margingate_server.ledger.market_inputs import inputs_digest
from margingate_server.ledger.market_store import MarketDraft
from margingate_server.ledger.store import EventDraft
from margingate_server.rpc.lane import LedgerDown
from margingate_server.service.decisions import CheckCommand
from margingate_server.service.desk import Desk
from tests.unit.rpc.gate import Gate
from tests.unit.rpc.memory_store import disk_full, fails_once
from tests.unit.service.small_desk import SmallDesk

orders = count(1)


def check(desk: Desk, now_ns: int) -> tuple[int, int]:
    """An order that is accepted: the version of the market that it cites."""
    name = f"o-{next(orders)}"
    asked = SmallDesk(desk, now_ns=now_ns)
    order = asked.order(asked.leg("CALL", 1, "200"), order_id=name)
    answer = desk.checking.check(
        CheckCommand(account="a", request_id=name, digest="d", order=order, sent_ns=now_ns), now_ns
    )
    assert answer.decision.reason == 0
    return answer.decision.market_version, answer.seq


@pytest.fixture
def gate() -> Gate:
    return Gate().open(usd="50000")


def failing_once(gate: Gate) -> None:
    """Have the next put of a market fail."""
    errors = [disk_full()]

    def before_put(_drafts: Sequence[MarketDraft]) -> None:
        if errors:
            raise errors.pop()

    gate.markets.before_put = before_put


def cited(gate: Gate) -> list[str]:
    """Digests that durable events cite, in order."""
    found = (cited_market(decode_event(each.body)) for each in gate.store.read())
    return [digest for digest in found if digest]


def test_a_market_is_durable_before_the_first_event_that_cites_it(gate: Gate) -> None:
    stored: list[int] = []

    def before_append(_batch: Sequence[EventDraft]) -> None:
        stored.append(len(gate.markets.drafts))

    gate.store.before_append = before_append
    versions = [gate.lane.decide(check), gate.lane.decide(check)]
    gate.quote(index=100_001.0)
    versions.append(gate.lane.decide(check))
    assert stored == [1, 1, 2]
    assert [each.version for each in gate.markets.drafts] == sorted(set(versions))
    kept = {inputs_digest(each) for each in gate.markets.snapshots()}
    assert len(cited(gate)) == 3
    assert set(cited(gate)) == kept


def test_events_that_cite_no_market_keep_none(gate: Gate) -> None:
    gate.open("b", usd="1")
    assert gate.markets.drafts == []


@pytest.mark.parametrize("keeps_failed", [False, True])
def test_a_market_that_cannot_be_kept_voids_the_decision_on_it(
    gate: Gate, keeps_failed: bool
) -> None:
    before = gate.store.head
    failing_once(gate)
    gate.markets.keeps_failed = keeps_failed
    with pytest.raises(LedgerDown):
        gate.lane.decide(check)
    assert gate.lane.is_down
    assert gate.store.head == before
    assert gate.watch.of("failed") == [("failed",)]
    gate.recover()
    assert (gate.store.reopened_count, gate.markets.reopened_count) == (1, 1)
    version = gate.lane.decide(check)
    assert [each.version for each in gate.markets.drafts] == [version]
    assert cited(gate) == [each.digest for each in gate.markets.drafts]


def test_a_market_whose_decision_was_lost_is_cited_by_the_next_one(gate: Gate) -> None:
    gate.store.before_append = fails_once(disk_full())
    with pytest.raises(LedgerDown):
        gate.lane.decide(check)
    (uncited,) = gate.markets.drafts
    assert cited(gate) == []
    gate.recover()
    assert gate.lane.decide(check) == uncited.version
    assert gate.markets.drafts == [uncited]
    assert cited(gate) == [uncited.digest]


def test_a_start_goes_on_beyond_every_stored_market(gate: Gate) -> None:
    gate.store.before_append = fails_once(disk_full())
    with pytest.raises(LedgerDown):
        gate.lane.decide(check)
    (uncited,) = gate.markets.drafts
    desk = gate.builder.open_desk(gate.store, gate.journal.market_version_min)
    assert desk.shard.market.view.snapshot.version == uncited.version + 1
    assert Gate().journal.market_version_min == 0


def test_a_market_stored_with_other_inputs_is_never_decided_on(gate: Gate) -> None:
    gate.lane.decide(check)
    market = gate.lane.look(lambda desk, _now: desk.shard.market)
    version = market.view.snapshot.version
    gate.markets.drafts[0] = MarketDraft(
        version=version, previous_version=None, recorded_ns=0, digest="other", body=b""
    )
    before = gate.store.head
    gate.lane.mark_down()
    gate.recover()
    with pytest.raises(LedgerDown):
        gate.lane.decide(check)
    assert gate.store.head == before
