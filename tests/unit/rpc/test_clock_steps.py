"""The time of day may be set; how old a price is does not change by it."""

import pytest

from margingate.v1 import types_pb2 as types
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.service.market import Market, MarketView
from tests.unit.rpc.gate import AGE_LIMITS, Gate, leg, order
from tests.unit.rpc.watch import SetClock

SECOND_NS = 10**9
STALE = types.REJECT_REASON_MARKET_DATA_STALE
LIMIT_NS = AGE_LIMITS.underlying_ns_max


def reason(gate: Gate, number: int) -> int:
    asked = order(leg("CALL", "0.1", "200"), order_id=f"o{number}")
    return gate.check(asked, request_id=f"r{number}").decision.reject_reason


@pytest.mark.parametrize("step_ns", [SECOND_NS, LIMIT_NS, 40 * SECOND_NS, -40 * SECOND_NS])
def test_a_silent_feed_grows_stale_however_the_clock_is_set(step_ns: int) -> None:
    gate = Gate().open(usd="1000")
    gate.clock.set_back_ns += step_ns
    assert (reason(gate, 1) == STALE) == (step_ns < 0)
    for number in range(2, 60):
        gate.clock.ns += SECOND_NS
        is_old = number * SECOND_NS - SECOND_NS > LIMIT_NS
        assert (reason(gate, number) == STALE) == (is_old or step_ns < 0)


def test_a_clock_slewed_back_in_small_steps_hides_no_age() -> None:
    gate = Gate().open(usd="1000")
    for number in range(1, 30):
        gate.clock.ns += SECOND_NS
        gate.clock.set_back_ns += SECOND_NS // 2
        assert (reason(gate, number) == STALE) == (number * SECOND_NS > LIMIT_NS)


def test_new_prices_are_fresh_after_the_clock_was_set_back() -> None:
    gate = Gate().open(usd="1000")
    gate.clock.set_back_ns += 40 * SECOND_NS
    gate.clock.ns += LIMIT_NS
    gate.quote()
    assert reason(gate, 1) == 0


def test_prices_that_were_planned_before_a_step_are_planned_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = Gate().open(usd="1000")
    plan, planned = Market.planned_update, []

    def set_back_meanwhile(
        market: Market, update: MarketUpdate, now_ns: int, received_ns: int
    ) -> MarketView:
        view = plan(market, update, now_ns, received_ns)
        if not planned:
            gate.clock.set_back_ns += 40 * SECOND_NS
        planned.append(now_ns)
        return view

    monkeypatch.setattr(Market, "planned_update", set_back_meanwhile)
    gate.quote()
    assert [planned[0] - each for each in planned] == [0, 40 * SECOND_NS]
    gate.clock.ns += LIMIT_NS + SECOND_NS
    assert reason(gate, 1) == STALE


def test_a_pause_between_two_clocks_is_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate().open(usd="1000")
    steps = gate.lane.look(lambda desk, _now_ns: desk.shard.market.clock_steps)
    read = SetClock.now_ns

    def slowly(clock: SetClock) -> int:
        now_ns = read(clock)
        clock.ns += SECOND_NS
        return now_ns

    monkeypatch.setattr(SetClock, "now_ns", slowly)
    assert gate.lane.look(lambda desk, _now_ns: desk.shard.market.clock_steps) == steps
    assert gate.lane.look(lambda desk, _now_ns: desk.shard.market.clock_steps) == steps
