"""Published states of accounts whose positions have wallets. [MON-15]"""

import msgspec
import numpy as np
import pytest

from margingate_engine.core.reasons import RejectReason
from margingate_engine.monitoring.states import MarginState
from margingate_server.ledger.events import decode_event, encode_event
from margingate_server.ledger.monitoring_events import MarginStateChanged
from margingate_server.replaying.states_again import state_again
from margingate_server.service.outlook import liquidation_moves, reduction, take
from margingate_server.service.ranking import Ranking, ranked
from margingate_server.service.sighting import figures, glance, state_now
from tests.unit.engine.small_market import MARKS
from tests.unit.service.margin_figures import figures_of, looked, revalued
from tests.unit.service.small_desk import AGE_LIMITS, SECOND_NS, SmallDesk, update
from tests.unit.service.wallet_desk import move, wallet_desk

WARNED, DUE = 100_150, 99_900
"""Prices of NEAR at which ten lots bought at 101,000 have lost 0.83 and 1.08 of what lies between
2 % and 1 %."""


@pytest.fixture
def held() -> SmallDesk:
    """Ten lots of NEAR with their margin, and 300,000 USD beside it."""
    desk = wallet_desk().open(usd="300000")
    assert desk.check(desk.leg("NEAR", 10, "101000"), order_id="o").decision.reason == 0
    desk.fill("o", "NEAR", 10, "101000")
    assert revalued(desk) == []
    return desk


def moved(desk: SmallDesk, near: float) -> None:
    desk.quote(update({**MARKS, "NEAR": near}))


def told(events: list[MarginStateChanged]) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.state, each.instruments) for each in events]


def seen(desk: SmallDesk) -> MarginState:
    """What a watcher sees."""
    sight = glance(desk.shard, desk.account())
    return state_now(sight, figures(sight), desk.now_ns, AGE_LIMITS)


def test_a_position_that_falls_due_is_published_by_name(held: SmallDesk) -> None:
    """[MON-15] [MON-08] The figures are the account's, which has all it needs."""
    moved(held, WARNED)
    assert told(revalued(held)) == [("warning", ("NEAR",))]
    moved(held, DUE)
    (event,) = revalued(held)
    assert told([event]) == [("liquidation", ("NEAR",))]
    assert event.figures is not None
    assert event.figures.equity > event.figures.initial > 0
    assert held.account().margin_state is MarginState.LIQUIDATION
    assert revalued(held) == []


def test_a_touched_account_is_found_without_new_figures(held: SmallDesk) -> None:
    """[MON-09] [MON-15]"""
    moved(held, DUE)
    held.desk.monitor.touch("a")
    assert told(looked(held)) == [("liquidation", ("NEAR",))]


def test_who_moves_margin_to_it_is_better_after_the_wait(held: SmallDesk) -> None:
    """[MON-04] [MON-15]"""
    moved(held, DUE)
    revalued(held)
    move(held, "NEAR", "5000")
    assert revalued(held, 0) == []
    assert told(revalued(held, 60 * SECOND_NS)) == [("healthy", ())]


def test_while_liquidation_is_suspended_it_is_a_margin_call(held: SmallDesk) -> None:
    """[MON-06] [MON-15]"""
    held.account().liquidation_not_before_ns = held.now_ns + SECOND_NS
    moved(held, DUE)
    assert told(revalued(held)) == [("margin_call", ("NEAR",))]
    held.now_ns += SECOND_NS
    moved(held, DUE)
    assert told(revalued(held)) == [("liquidation", ("NEAR",))]


def test_watchers_and_orders_know_it_at_once(held: SmallDesk) -> None:
    """[MON-10] [MON-15] Before anything was published."""
    assert seen(held) is MarginState.HEALTHY
    moved(held, DUE)
    assert seen(held) is MarginState.LIQUIDATION
    decision = held.check(held.leg("FAR", 1, "105000")).decision
    assert decision.reason == RejectReason.STILL_UNDERMARGINED
    assert held.check(held.leg("NEAR", -10, "99900")).decision.reason == RejectReason.NONE


def test_orders_that_add_risk_are_named_to_be_cancelled(held: SmallDesk) -> None:
    """[MON-07] [MON-15]"""
    for order_id, lots in (("more", 1), ("less", -1)):
        held.check(held.leg("NEAR", lots, "101000"), order_id=order_id)
    moved(held, DUE)
    (event,) = revalued(held)
    assert event.orders == ("more",)


def test_it_is_ranked_before_who_has_little(held: SmallDesk) -> None:
    """[MON-03] [MON-15]"""
    held.open("b", usd="10000")
    moved(held, DUE)
    known = figures_of(held)
    assert ranked(known, Ranking.MARGIN_RATIO, 1) == [0]
    assert known.strain_ppm_a.tolist() == [1_079_079, 0]


def test_all_accounts_are_revalued_with_what_each_position_lacks(held: SmallDesk) -> None:
    """[MON-15] The figures of everybody are those of each."""
    moved(held, DUE)
    revaluing = held.desk.revaluing
    revaluing.put(revaluing.take(10))
    made = revaluing.figures(held.shard.market.view, held.now_ns)
    assert np.array_equal(made.strain_ppm_a, figures_of(held).strain_ppm_a)
    held.desk.monitor.consider(made, 0, held.now_ns)
    assert told(looked(held)) == [("liquidation", ("NEAR",))]


def test_its_outlook_is_liquidation_now_and_to_close_it(held: SmallDesk) -> None:
    """[MON-12] [MON-13] [MON-15]"""
    inputs = take(held.shard, "a")
    (before,) = liquidation_moves(inputs)
    assert before.down is not None
    assert -12_000 < before.down.move_ppm < -10_000
    assert reduction(inputs).steps == ()
    moved(held, DUE)
    inputs = take(held.shard, "a")
    (now,) = liquidation_moves(inputs)
    assert now.down is not None
    assert now.down.move_ppm == 0
    found = reduction(inputs)
    assert [(each.row, each.lots) for each in found.steps] == [(held.row("NEAR"), -10)]
    assert found.is_enough


def test_it_is_taken_again(held: SmallDesk) -> None:
    """[MON-08] [MON-15] Another position in its place is found."""
    moved(held, DUE)
    (event,) = revalued(held)
    account = held.account()
    account.margin_state = account.known_margin_state = MarginState.HEALTHY
    again = state_again(held.shard, event, AGE_LIMITS, held.now_ns)
    assert again == event
    assert again != msgspec.structs.replace(event, instruments=("FAR",))


def test_events_from_before_positions_were_named_can_be_read() -> None:
    event = MarginStateChanged(account="a", previous="healthy", state="warning")
    assert event.instruments == ()
    body = encode_event(event).replace(b',"instruments":[]', b"")
    assert b"instruments" not in body
    assert decode_event(body) == event
