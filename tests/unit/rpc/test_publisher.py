"""One view at a time: planned beside the decisions, swapped in between two of them."""

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.rpc.lane import LedgerDown
from margingate_server.service.market import Market, MarketView
from tests.unit.engine.small_market import INSTRUMENTS
from tests.unit.rpc.gate import Gate
from tests.unit.rpc.memory_store import disk_full, fails_once
from tests.unit.service.small_desk import SECOND_NS, update


def view_of(gate: Gate) -> MarketView:
    return gate.lane.look(lambda desk, _now: desk.shard.market.view)


def test_a_listing_that_cannot_be_made_durable_is_not_told() -> None:
    gate = Gate(is_listed=False)
    gate.store.before_append = fails_once(disk_full())
    with pytest.raises(LedgerDown):
        gate.publisher.list_instruments(INSTRUMENTS)
    gate.recover()
    assert len(view_of(gate).table) == 0
    assert view_of(gate).snapshot.version == 2, "1 was seen before it was void"
    assert gate.publisher.list_instruments(INSTRUMENTS) == (13, 13)


def test_a_wrong_update_leaves_the_view_and_lets_the_next_one_in() -> None:
    gate = Gate()
    before = view_of(gate)
    with pytest.raises(InvalidInput):
        gate.publisher.publish(update({"NEAR": -1.0}), gate.clock.seconds())
    assert view_of(gate) is before
    assert gate.publisher.publish(update({"NEAR": 1.0}), gate.clock.seconds()) is view_of(gate)


def test_a_view_planned_across_a_recovery_is_void(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    planned = Market.planned_update

    def slow(market: Market, prices: MarketUpdate, *times_ns: int) -> MarketView:
        view = planned(market, prices, *times_ns)
        gate.lane.mark_down()
        gate.recover()
        return view

    before = view_of(gate)

    monkeypatch.setattr(Market, "planned_update", slow)
    with pytest.raises(LedgerDown):
        gate.publisher.publish(update(), gate.clock.seconds())
    assert view_of(gate) is before


def test_every_view_that_was_swapped_in_is_told() -> None:
    gate = Gate()
    assert gate.watch.of("revalued") == [("revalued", 1), ("revalued", 2)]


def test_prices_that_waited_for_others_are_as_old_as_when_they_were_received() -> None:
    gate = Gate()
    received = gate.clock.seconds()
    gate.clock.ns += 5 * SECOND_NS
    view = gate.publisher.publish(update({"NEAR": 90_000.0}), received)
    ages_ns = gate.clock.ns - view.snapshot.observed_ns_i[view.table.row_by_name["NEAR"]]
    assert abs(int(ages_ns) - 5 * SECOND_NS) < 1_000, "a float of seconds is so exact"
