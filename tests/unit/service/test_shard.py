"""What was decided but is not durable yet, and what a retry finds."""

import gc
import weakref

import pytest

from margingate_server.ledger.events import AccountResumed, AccountSuspended, decode_event
from margingate_server.service import shard as shard_module
from margingate_server.service.refusals import RequestConflict, UnknownName
from margingate_server.service.shard import Pending
from tests.unit.service.in_step import assert_folds_again
from tests.unit.service.small_desk import folded_again, small_desk, update


def test_pending_events_are_handed_over_once_and_in_order() -> None:
    desk = small_desk().open(usd="1000")
    pending = desk.shard.take_pending()
    assert [each.kind for each in pending.events] == [
        *("parameters_loaded", "instruments_listed", "account_opened", "collateral_adjusted")
    ]
    assert pending.markets == ()
    assert desk.shard.take_pending() == Pending(events=[])


def test_a_market_is_handed_over_with_the_first_decision_that_cites_it_and_once() -> None:
    desk = small_desk().open(usd="50000")
    desk.shard.take_pending()
    desk.check(desk.leg("CALL", 1, "200"), order_id="o")
    desk.check(desk.leg("CALL", 1, "200"), order_id="p")
    pending = desk.shard.take_pending()
    assert [each.version for each in pending.markets] == [desk.shard.market.view.snapshot.version]
    desk.check(desk.leg("CALL", 1, "200"), order_id="q")
    desk.release("q")
    assert desk.shard.take_pending().markets == ()
    desk.quote(update(index=100_001.0))
    desk.release("o")
    assert desk.shard.take_pending().markets == ()
    desk.check(desk.leg("CALL", 1, "200"), order_id="r")
    assert len(desk.shard.take_pending().markets) == 1


def test_a_draft_says_under_which_market_and_model_it_was_decided() -> None:
    desk = small_desk().open(usd="1000")
    draft = desk.events()[-1]
    arrays = desk.shard.market.view.arrays
    assert (draft.account, draft.version, draft.recorded_ns) == ("a", 2, desk.now_ns)
    assert (draft.model, draft.parameters_digest) == ("span", arrays.model.parameters_digest)
    assert draft.market_version == arrays.snapshot.version == 2
    assert draft.request_id == "id-2"


def test_versions_count_each_account_and_the_shard_for_itself() -> None:
    desk = small_desk().open("a", usd="1").open("b", usd="1").open("c")
    versions = [(each.account, each.version) for each in desk.events()]
    assert versions == [("", 1), ("", 2), ("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c", 1)]


def test_a_change_is_seen_by_the_next_decision_before_it_is_durable() -> None:
    desk = small_desk().open()
    desk.shard.record(AccountSuspended(account="a", reason=""), desk.now_ns)
    assert desk.account().is_suspended


def test_an_event_that_cannot_be_stored_changes_nothing() -> None:
    desk = small_desk().open()
    before = desk.state.last_seq
    event = AccountSuspended(account="a", reason="no character: \ud800")
    with pytest.raises(UnicodeEncodeError):
        desk.shard.record(event, desk.now_ns)
    assert (desk.state.last_seq, desk.account().is_suspended) == (before, False)
    assert_folds_again(desk)


def test_an_unknown_account_or_instrument_is_named() -> None:
    desk = small_desk()
    with pytest.raises(UnknownName) as no_account:
        desk.shard.account("b")
    assert (no_account.value.kind, no_account.value.name) == ("account", "b")
    with pytest.raises(UnknownName) as no_instrument:
        desk.shard.row("X")
    assert (no_instrument.value.kind, no_instrument.value.name) == ("instrument", "X")


def test_an_id_finds_its_event_in_memory_and_in_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_module, "RECENT_EVENTS_MAX", 2)
    desk = small_desk().open()
    event = AccountSuspended(account="a", request_id="r", request_digest="d", reason="")
    seq = desk.shard.record(event, desk.now_ns)
    assert desk.shard.answered("a", "r", "d") == (seq, event)
    for _ in range(3):
        desk.shard.record(AccountResumed(account="a"), desk.now_ns)
    assert len(desk.shard._recent) == 2
    assert desk.shard.answered("a", "r", "d") == (seq, event)


def test_accounts_that_nobody_asks_about_keep_no_old_risk_arrays_alive() -> None:
    desk = small_desk()
    seen = []
    for number in range(5):
        desk.open(f"idle-{number}", usd="1")
        desk.quote(update(index=100_000.0 + number))
        desk.kept_risk(f"idle-{number}")
        seen.append(weakref.ref(desk.shard.market.view.snapshot.index_nano_u))
    gc.collect()
    assert [each() is not None for each in seen] == [False] * 4 + [True]


def test_an_id_used_with_another_body_is_a_conflict() -> None:
    desk = small_desk().open()
    event = AccountSuspended(account="a", request_id="r", request_digest="d", reason="")
    desk.shard.record(event, desk.now_ns)
    assert desk.shard.answered("a", "s", "d") is None
    assert desk.shard.answered("b", "r", "d") is None
    with pytest.raises(RequestConflict):
        desk.shard.answered("a", "r", "e")


def test_an_id_used_for_another_kind_of_request_is_a_conflict() -> None:
    desk = small_desk().open()
    event = AccountSuspended(account="a", request_id="r", request_digest="d", reason="")
    desk.shard.record(event, desk.now_ns)
    assert desk.shard.answered_as(AccountSuspended, "a", "r", "d") == event
    assert desk.shard.answered_as(AccountResumed, "a", "s", "d") is None
    with pytest.raises(RequestConflict):
        desk.shard.answered_as(AccountResumed, "a", "r", "d")


def test_a_restart_comes_to_the_same_state() -> None:
    desk = small_desk().open(usd="50000")
    desk.check(desk.leg("CALL", 1, "200"), order_id="o")
    desk.check(desk.leg("NEAR", -3, "101000"), order_id="p")
    desk.fill("p", "NEAR", -2, "101000")
    desk.release("o")
    again, account = folded_again(desk), desk.account()
    assert again.accounts["a"] == account
    assert again.last_seq == desk.state.last_seq == len(desk.events())
    assert again.open_order_count == desk.state.open_order_count == 1


def test_stored_bodies_are_the_events_as_recorded() -> None:
    desk = small_desk().open(usd="1000")
    kinds = [type(decode_event(each.body)).__name__ for each in desk.events()]
    assert kinds == [
        *("ParametersLoaded", "InstrumentsListed", "AccountOpened", "CollateralAdjusted")
    ]
