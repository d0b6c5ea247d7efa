"""From the log to a desk; and a log that cannot be applied says where."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.portfolio.fees import FeeTier
from margingate_server.ledger import events as e
from margingate_server.ledger import numbers as n
from margingate_server.ledger.snapshot_file import Snapshot
from margingate_server.ledger.state_codec import encode_state
from margingate_server.ledger.store import CorruptLedger, EventDraft
from margingate_server.recovery import DeskBuilder, folded
from tests.unit.engine.small_market import INSTRUMENTS
from tests.unit.rpc.memory_store import MemoryStore
from tests.unit.service.small_desk import (
    AGE_LIMITS,
    FEE_TIERS,
    START_NS,
    SmallDesk,
    small_desk,
    small_model,
    small_terms,
    update,
)


def builder(tiers: Mapping[str, FeeTier] = FEE_TIERS) -> DeskBuilder:
    return DeskBuilder(replace(small_terms(), tiers=tiers), AGE_LIMITS)


def stored(*drafts: EventDraft) -> MemoryStore:
    store = MemoryStore()
    store.append(drafts)
    return store


def draft(event: e.AnyEvent | bytes, kind: str = "x") -> EventDraft:
    return EventDraft(
        account="",
        version=1,
        request_id="",
        kind=kind,
        body=event if isinstance(event, bytes) else e.encode_event(event),
        model="span",
        parameters_digest="",
        market_version=0,
        recorded_ns=START_NS,
    )


def busy_desk() -> SmallDesk:
    desk = small_desk().open(usd="100000", coins="1", tier="charged")
    desk.check(desk.leg("NEAR", -5, "101000"), order_id="o", request_id="yes")
    desk.check(desk.leg("NEAR", -5_000, "101000"), order_id="p", request_id="no")
    desk.fill("o", "NEAR", -2, "101000", fill_id="f")
    desk.check(desk.leg("CALL", 1, "200"), order_id="q")
    desk.release("q")
    desk.desk.admin.set_limits("", n.LimitNumbers(collar_ppm=50_000), "l", "d", desk.now_ns)
    return desk


def test_a_desk_of_the_log_is_the_desk_that_wrote_it() -> None:
    desk = busy_desk()
    again = SmallDesk(builder().open_desk(stored(*desk.events())), now_ns=desk.now_ns)
    assert again.state.accounts == desk.state.accounts
    assert again.state.default_limits == desk.state.default_limits
    assert again.state.last_seq == desk.state.last_seq
    again.quote(update())
    assert again.kept_risk().risk == desk.kept_risk().risk


def snapshot_at(desk: SmallDesk, seq: int) -> Snapshot:
    store = stored(*desk.events()[:seq])
    return Snapshot(seq=seq, hash=store.head.hash, body=encode_state(*folded(store)))


def builder_with(snapshot: Snapshot | None) -> DeskBuilder:
    return DeskBuilder(small_terms(), AGE_LIMITS, newest_snapshot=lambda: snapshot)


def test_from_a_snapshot_a_desk_is_the_same_and_goes_on_the_same() -> None:
    desk = busy_desk()
    for seq in range(1, desk.state.last_seq + 1):
        opened = builder_with(snapshot_at(desk, seq)).open_desk(stored(*desk.events()))
        again = SmallDesk(opened, now_ns=desk.now_ns)
        again.quote(update())
        assert again.state.accounts == desk.state.accounts
        assert again.kept_risk().risk == desk.kept_risk().risk
        assert again.shard.market.view.snapshot.version == 4
        yes = again.check(again.leg("NEAR", -5, "101000"), order_id="o", request_id="yes")
        assert (yes.decision.reason, again.state.last_seq) == (0, desk.state.last_seq), "a retry"
        assert again.fill("o", "NEAR", -2, "101000", fill_id="f").is_replayed
        new = again.check(again.leg("NEAR", -1, "101000"), order_id="o2", request_id="new")
        assert (new.decision.reason, again.state.last_seq) == (0, desk.state.last_seq + 1)


def test_a_snapshot_of_another_log_makes_no_desk() -> None:
    desk = busy_desk()
    foreign = replace(snapshot_at(desk, 5), hash=bytes(32), place="here")
    with pytest.raises(CorruptLedger) as corrupt:
        builder_with(foreign).open_desk(stored(*desk.events()))
    assert corrupt.value.place == "here"


def test_retries_get_their_first_answers_after_a_restart() -> None:
    desk = busy_desk()
    yes = desk.check(desk.leg("NEAR", -5, "101000"), order_id="o", request_id="yes")
    no = desk.check(desk.leg("NEAR", -5_000, "101000"), order_id="p", request_id="no")
    assert (yes.decision.reason, no.decision.reason) == (0, 22)
    again = SmallDesk(builder().open_desk(stored(*desk.events())), now_ns=desk.now_ns)
    assert again.check(again.leg("NEAR", -5, "101000"), order_id="o", request_id="yes") == yes
    retried = again.check(again.leg("NEAR", -5_000, "101000"), order_id="p", request_id="no")
    assert retried == no
    assert again.fill("o", "NEAR", -2, "101000", fill_id="f").is_replayed


def test_market_versions_go_on_after_the_greatest_that_an_event_cites() -> None:
    desk = busy_desk()
    cited = max(each.market_version for each in desk.events())
    market = builder().open_desk(stored(*desk.events())).shard.market
    assert market.view.snapshot.version == cited + 1 == 3
    assert market.view.arrays.snapshot.version == 3


def test_an_empty_log_is_an_empty_desk() -> None:
    desk = builder().open_desk(MemoryStore())
    assert desk.shard.state.accounts == {}
    assert desk.shard.state.last_seq == 0


@pytest.mark.parametrize(
    "event",
    [
        b"",
        b"{}",
        b'{"kind":"from_the_future"}',
        b"\xff",
        e.CollateralAdjusted(account="nobody", asset="USD", units=1, balance=1),
        e.OrdersReleased(account="a", order_ids=("never",)),
        b'{"kind":"instruments_listed","instruments":[null]}',
    ],
)
def test_an_event_that_cannot_be_applied_is_named(event: e.AnyEvent | bytes) -> None:
    opened = e.AccountOpened(account="a", fee_tier="default")
    with pytest.raises(CorruptLedger) as corrupt:
        folded(stored(draft(builder().terms.parameters), draft(opened), draft(event)))
    assert (corrupt.value.seq, corrupt.value.place) == (3, "event")


def test_a_listing_that_contradicts_the_log_is_corrupt() -> None:
    listed = e.InstrumentsListed(instruments=INSTRUMENTS)
    body = e.encode_event(listed).replace(b'"strike_nano":112000', b'"strike_nano":113000')
    with pytest.raises(CorruptLedger) as corrupt:
        folded(stored(draft(listed), draft(body)))
    assert corrupt.value.seq == 2


def test_a_schedule_that_lacks_a_tier_of_an_account_is_refused_by_name() -> None:
    opened = e.AccountOpened(account="a", fee_tier="charged")
    desk = builder().open_desk(stored(draft(builder().terms.parameters), draft(opened)))
    with pytest.raises(InvalidInput) as refused:
        builder({"default": FEE_TIERS["default"]}).bring_into_force(desk, START_NS)
    assert refused.value.field == "fees"
    assert "charged" in refused.value.problem


def test_what_is_in_force_is_told_as_an_event() -> None:
    event = builder().terms.parameters
    assert event.model == "span"
    assert event.digest == small_model().parameters_digest
    assert ("BTC", "price_scan_range", "0.15") in event.parameters
    assert n.FeeNumbers("charged", "option", 0, 500, 125_000) in event.fees
    assert event.policy.allowance_ppm == 1_000


def test_what_is_in_force_already_is_not_told_again() -> None:
    desk = builder().open_desk(stored(draft(builder().terms.parameters)))
    assert builder().bring_into_force(desk, START_NS) == 0


def test_new_fees_reach_the_accounts_there_are() -> None:
    desk = small_desk().open(tier="charged")
    dearer = {**FEE_TIERS, "charged": FEE_TIERS["default"]}
    assert builder(dearer).bring_into_force(desk.desk, START_NS) == desk.state.last_seq
    assert desk.account().portfolio.fees == FEE_TIERS["default"]
    again = builder().open_desk(stored(*desk.events()))
    assert again.shard.state.accounts == desk.state.accounts
