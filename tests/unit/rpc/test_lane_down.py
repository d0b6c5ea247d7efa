"""A lane that is down: nothing is decided, and what only looks sees what is durable, no more."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import admin_service_pb2 as admin
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import market_service_pb2 as market
from margingate_server.ledger.durable_part import DurablePart
from margingate_server.ledger.events import AccountSuspended
from margingate_server.ledger.store import CorruptLedger, Store, StoreFailure
from margingate_server.rpc.lane import LedgerDown
from margingate_server.service.desk import Desk
from tests.unit.rpc.gate import Gate, leg, order
from tests.unit.rpc.memory_store import MemoryStore, disk_full, fails_once

WAIT_SECONDS = 10


def suspend(desk: Desk, now_ns: int) -> tuple[int, int]:
    seq = desk.shard.record(AccountSuspended(account="a", reason=""), now_ns)
    return seq, seq


def is_suspended(desk: Desk, _now_ns: int) -> bool:
    return desk.shard.account("a").is_suspended


def version(desk: Desk, _now_ns: int) -> int:
    return desk.shard.market.view.snapshot.version


@pytest.fixture
def gate() -> Gate:
    return Gate().open(usd="50000")


def failed(gate: Gate, *, keeps_failed: bool = False) -> Gate:
    """The gate after a suspension whose commit failed."""
    gate.store.before_append = fails_once(disk_full())
    gate.store.keeps_failed = keeps_failed
    with pytest.raises(LedgerDown):
        gate.lane.decide(suspend)
    return gate


@pytest.mark.parametrize("keeps_failed", [False, True], ids=["void", "in the log all the same"])
def test_what_only_looks_sees_the_durable_state_and_never_what_was_not_acknowledged(
    gate: Gate, keeps_failed: bool
) -> None:
    failed(gate, keeps_failed=keeps_failed)
    gate.lane.show_durable(gate.builder.open_desk)
    assert gate.lane.is_down
    for look in (gate.lane.look, gate.lane.read):
        assert look(is_suspended) is False
    for decide in (gate.lane.decide, gate.lane.check):
        with pytest.raises(LedgerDown):
            decide(suspend)
    gate.recover()
    assert gate.lane.read(is_suspended) is keeps_failed
    gate.lane.decide(suspend)
    assert gate.lane.look(is_suspended)


def test_until_the_durable_state_is_folded_nothing_is_shown(gate: Gate) -> None:
    failed(gate)

    def unreadable(_log: object) -> Desk:
        raise disk_full()

    with pytest.raises(StoreFailure):
        gate.lane.show_durable(unreadable)
    for look in (gate.lane.look, gate.lane.read):
        with pytest.raises(LedgerDown):
            look(is_suspended)


def test_a_lane_that_is_up_or_shows_already_folds_nothing(gate: Gate) -> None:
    def never(_log: object) -> Desk:
        raise AssertionError

    gate.lane.show_durable(never)
    failed(gate).lane.show_durable(gate.builder.open_desk)
    gate.lane.show_durable(never)


def test_each_time_that_the_lane_goes_down_another_state_is_shown(gate: Gate) -> None:
    failed(gate).lane.show_durable(gate.builder.open_desk)
    gate.recover()
    gate.lane.decide(suspend)
    gate.lane.mark_down()
    with pytest.raises(LedgerDown):
        gate.lane.look(is_suspended)
    gate.lane.show_durable(gate.builder.open_desk)
    assert gate.lane.look(is_suspended)


def test_prices_go_on_while_the_lane_is_down_and_after_it(gate: Gate) -> None:
    before = gate.lane.look(version)
    failed(gate).lane.show_durable(gate.builder.open_desk)
    assert gate.lane.look(version) == before
    gate.quote(index=100_001.0)
    assert gate.lane.look(version) == before + 1
    with pytest.raises(LedgerDown):
        gate.publisher.list_instruments([_renamed(gate)])
    gate.recover()
    assert gate.lane.look(version) == before + 1
    gate.quote(index=100_002.0)
    assert gate.lane.look(version) == before + 2


def _renamed(gate: Gate) -> Any:
    listed = gate.lane.look(lambda desk, _now: desk.shard.state.table.instruments)
    return replace(listed[0], name="NEW")


def test_a_look_that_waits_while_the_lane_recovers_sees_the_recovered_state(gate: Gate) -> None:
    failed(gate, keeps_failed=True).lane.show_durable(gate.builder.open_desk)
    with ThreadPoolExecutor(1) as pool:
        with gate.lane._deciding:
            waiting = pool.submit(gate.lane.read, is_suspended)
            assert not wait([waiting], timeout=0.05).done
            # What a recovery does at its end, under this very lock.
            gate.store.reopen()
            gate.lane._desk, gate.lane._shown = gate.builder.open_desk(gate.store), None
            gate.lane._durable_seq = gate.store.head.seq
            gate.lane._is_down = False
        assert waiting.result(WAIT_SECONDS) is True


LOOKS: dict[str, Callable[[Gate], Message]] = {
    "PreviewOrder": lambda _: margin.PreviewOrderRequest(
        account="a", order=order(leg("CALL", "0.1", "200"))
    ),
    "GetMaxOrderSize": lambda _: margin.GetMaxOrderSizeRequest(
        account="a", instrument="CALL", buy_price="200"
    ),
    "GetDecision": lambda _: margin.GetDecisionRequest(account="a", request_id="kept"),
    "ListOrders": lambda _: margin.ListOrdersRequest(account="a"),
    "GetAccount": lambda _: accounts.GetAccountRequest(account="a"),
    "GetMargin": lambda _: accounts.GetMarginRequest(account="a"),
    "GetMarket": lambda _: market.GetMarketRequest(),
    "GetRiskArray": lambda _: market.GetRiskArrayRequest(instrument="CALL"),
    "ListModels": lambda _: market.ListModelsRequest(),
    "GetLimits": lambda _: admin.GetLimitsRequest(account="a"),
}
BINDING: dict[str, Callable[[Gate], Message]] = {
    "CheckOrder": lambda gate: gate.check_request(
        order(leg("CALL", "0.1", "200"), order_id="p"), request_id="new"
    ),
    "ReleaseAll": lambda _: margin.ReleaseAllRequest(request_id="all", account="a"),
    "SuspendAccount": lambda _: admin.SuspendAccountRequest(request_id="s", account="a"),
}


def test_on_a_full_disk_looks_are_answered_and_whatever_binds_is_refused(gate: Gate) -> None:
    kept = gate.check(order(leg("CALL", "0.1", "200")), request_id="kept")
    said = {name: gate.ok(name, request(gate)) for name, request in LOOKS.items()}
    failed(gate).lane.show_durable(gate.builder.open_desk)
    for name, request in LOOKS.items():
        assert gate.ok(name, request(gate)) == said[name], name
    assert said["GetDecision"].decision == kept.decision
    for name, request in BINDING.items():
        refused = gate.answer(name, request(gate))
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "LEDGER_DOWN"), name
    gate.recover()
    assert gate.ok("CheckOrder", BINDING["CheckOrder"](gate)).decision.reject_reason == 0


def test_the_durable_part_of_a_log_ends_where_it_ended(gate: Gate) -> None:
    gate.lane.decide(suspend)
    whole, count = gate.store, gate.store.head.seq
    part = DurablePart(whole, count - 1)
    assert [each.seq for each in part.read()] == list(range(1, count))
    assert [each.seq for each in part.read(count - 2)] == [count - 1]
    assert list(part.read(count)) == []
    assert (part.head.seq, part.head.hash) == (count - 1, whole.records[-2].hash)
    assert part.get(count) is None
    assert part.get(count - 1) == whole.records[-2]
    empty: Store = MemoryStore()
    assert DurablePart(empty, 0).head == empty.head
    with pytest.raises(CorruptLedger):
        _ = DurablePart(empty, 1).head
