"""Published margin states of a desk: who gets one, when, and on what it rests."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from margingate_engine.monitoring.resting import Thoroughness
from margingate_engine.monitoring.states import MarginState
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import Portfolio
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_server.ledger.monitoring_events import MarginStateChanged
from margingate_server.ledger.numbers import RiskNumbers
from margingate_server.ledger.state import AccountState
from margingate_server.service import monitoring
from margingate_server.service.monitoring import EFFORT_MAX, WORKED_OUT
from margingate_server.service.shard import Shard
from tests.unit.engine.small_market import MARKS
from tests.unit.service.margin_figures import figures_of, looked, revalued
from tests.unit.service.regime_desk import LIQUIDATION_GRACE_NS, SPAN_ASKS, change, regime_desk
from tests.unit.service.small_desk import SECOND_NS, SmallDesk, folded_again, small_desk, update

MINUTE_NS = 60 * SECOND_NS
FINE, WARNED, CALLED, LIQUIDATED = 101_000, 96_000, 95_000, 91_000
"""Prices of NEAR at which ten lots with 20,000 USD have each state in turn."""


def moved(desk: SmallDesk, near: float) -> None:
    """A new price of NEAR, and the same of everything else."""
    desk.quote(update({**MARKS, "NEAR": near}))


def changes(events: list[MarginStateChanged]) -> list[tuple[str, str]]:
    return [(each.previous, each.state) for each in events]


def held_desk(desk: SmallDesk | None = None) -> SmallDesk:
    """Ten lots of NEAR, with 20,000 USD: healthy."""
    desk = (desk or small_desk()).open(usd="20000")
    desk.hold(NEAR=10)
    assert revalued(desk) == []
    return desk


@pytest.fixture
def held() -> SmallDesk:
    return held_desk()


def test_a_fall_is_published_with_the_figures_and_the_market_that_say_so(held: SmallDesk) -> None:
    """[MON-01] [MON-08]"""
    moved(held, CALLED)
    assert revalued(held) == [
        MarginStateChanged(
            account="a",
            previous="healthy",
            state="margin_call",
            figures=RiskNumbers(14_000_000_000, 14_250_000_000, 11_400_000_000),
            market_digest=held.shard.market.view.digest,
        )
    ]
    assert held.account().margin_state is MarginState.MARGIN_CALL
    assert held.account().margin_state_since_ns == held.now_ns
    assert held.shard.take_pending().markets == (held.shard.market.view.snapshot,)
    assert revalued(held) == []


def test_states_survive_a_restart(held: SmallDesk) -> None:
    """[MON-08]"""
    moved(held, LIQUIDATED)
    revalued(held)
    again = folded_again(held).accounts["a"]
    assert again.margin_state is again.known_margin_state is MarginState.LIQUIDATION


def test_each_worse_state_is_said_as_it_comes(held: SmallDesk) -> None:
    """[MON-04]"""
    said = []
    for near in (WARNED, CALLED, LIQUIDATED):
        moved(held, near)
        said += changes(revalued(held))
    assert said == [
        *[("healthy", "warning"), ("warning", "margin_call"), ("margin_call", "liquidation")]
    ]


def test_a_better_state_takes_the_gap_and_a_minute(held: SmallDesk) -> None:
    """[MON-04]"""
    moved(held, CALLED)
    revalued(held, 0)
    moved(held, 95_300)  # covers initial margin, and not the gap
    assert revalued(held, 0) == []
    assert revalued(held, 2 * MINUTE_NS) == []
    moved(held, WARNED)
    assert revalued(held, 3 * MINUTE_NS) == []
    assert revalued(held, 4 * MINUTE_NS - 1) == []
    moved(held, 95_300)
    assert revalued(held, 4 * MINUTE_NS) == []  # begins anew
    moved(held, FINE)
    assert revalued(held, 5 * MINUTE_NS) == []
    assert changes(revalued(held, 6 * MINUTE_NS)) == [("margin_call", "healthy")]


def test_a_wait_that_is_over_is_not_enough_when_the_price_has_fallen_since(
    held: SmallDesk,
) -> None:
    """[MON-04] Figures are of one instant, the state is published at another."""
    moved(held, CALLED)
    revalued(held)
    moved(held, FINE)
    revalued(held, MINUTE_NS)
    monitor, figures = held.desk.monitor, figures_of(held)
    assert monitor.consider(figures, 2 * MINUTE_NS, held.now_ns) == 1
    moved(held, CALLED)
    assert looked(held) == []
    moved(held, FINE)
    assert monitor.consider(figures_of(held), 2 * MINUTE_NS, held.now_ns) == 1
    moved(held, LIQUIDATED)
    assert changes(looked(held)) == [("margin_call", "liquidation")]


def test_an_account_that_moved_since_its_figures_is_worked_out_anew(held: SmallDesk) -> None:
    """[MON-08]"""
    moved(held, CALLED)
    held.desk.monitor.consider(figures_of(held), 0, held.now_ns)
    held.deposit("5000")
    assert looked(held) == []
    moved(held, WARNED)
    held.desk.monitor.consider(figures_of(held), 0, held.now_ns)
    held.hold(NEAR=25)
    held.desk.monitor.touch("a")
    [event] = looked(held)
    assert event.figures == RiskNumbers(25_000_000_000, 36_000_000_000, 28_800_000_000)


def test_figures_of_now_are_taken_as_they_are(
    held: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crowd that falls at once must not have all its margins worked out under the lock."""
    moved(held, CALLED)
    figures = figures_of(held)
    held.desk.monitor.consider(figures, 0, held.now_ns)
    monkeypatch.setattr(AccountRisk, "of", None)
    held.shard.forget_views()
    [event] = looked(held)
    assert event.state == "margin_call"


def test_without_fresh_prices_the_state_is_unknown_and_never_healthy(held: SmallDesk) -> None:
    """[MON-05]"""
    held.now_ns += 20 * SECOND_NS
    assert revalued(held, 0) == []  # a moment may pass before that is said
    [event] = revalued(held, 5 * SECOND_NS)
    assert (event.previous, event.state) == ("healthy", "unknown")
    assert (event.figures, event.market_digest) == (None, "")
    assert held.account().known_margin_state is MarginState.HEALTHY
    moved(held, FINE)
    assert revalued(held, 0) == []
    assert changes(revalued(held, MINUTE_NS)) == [("unknown", "healthy")]


def test_a_doubt_that_is_soon_over_is_not_published(held: SmallDesk) -> None:
    """[MON-05] While a jump is confirmed nobody knows; most of the time it takes a tick or two."""
    held.now_ns += 20 * SECOND_NS
    assert revalued(held, 0) == []
    moved(held, FINE)
    assert revalued(held, 5 * SECOND_NS) == []
    held.now_ns += 20 * SECOND_NS
    assert revalued(held, 6 * SECOND_NS) == []
    assert revalued(held, 11 * SECOND_NS - 1) == []
    assert changes(revalued(held, 11 * SECOND_NS)) == [("healthy", "unknown")]


def test_nobody_is_in_liquidation_by_a_price_that_is_too_old(held: SmallDesk) -> None:
    """[MON-05] Neither by figures that were fresh when they were made."""
    moved(held, LIQUIDATED)
    figures = figures_of(held)
    held.desk.monitor.consider(figures, 0, held.now_ns)
    held.now_ns += 20 * SECOND_NS
    assert looked(held) == []
    assert revalued(held, 0) == []
    assert changes(revalued(held, 5 * SECOND_NS)) == [("healthy", "unknown")]
    moved(held, LIQUIDATED)
    assert changes(revalued(held)) == [("unknown", "liquidation")]


def test_what_was_a_margin_call_before_it_was_unknown_is_said_again_after_a_wait(
    held: SmallDesk,
) -> None:
    """[MON-05] A feed that comes and goes does not ring each time."""
    moved(held, CALLED)
    revalued(held)
    held.now_ns += 20 * SECOND_NS
    assert revalued(held, 0) == []
    assert changes(revalued(held, 5 * SECOND_NS)) == [("margin_call", "unknown")]
    moved(held, CALLED)
    assert revalued(held, 0) == []
    assert changes(revalued(held, MINUTE_NS)) == [("unknown", "margin_call")]


def test_liquidation_waits_for_the_deadline_of_a_fall_back() -> None:
    """[MON-06]"""
    desk = held_desk(regime_desk(SPAN_ASKS))
    account = desk.account()
    account.liquidation_not_before_ns = desk.now_ns + LIQUIDATION_GRACE_NS
    moved(desk, LIQUIDATED)
    assert changes(revalued(desk)) == [("healthy", "margin_call")]
    desk.now_ns += LIQUIDATION_GRACE_NS - 1
    moved(desk, LIQUIDATED)
    assert desk.desk.monitor.consider(figures_of(desk), 0, desk.now_ns) == 0
    assert revalued(desk) == []
    desk.now_ns += 1
    assert changes(revalued(desk)) == [("margin_call", "liquidation")]


def test_a_change_of_the_regime_is_followed() -> None:
    """[MON-01] Ten lots require 15 % under span and 2 % under cross."""
    desk = held_desk(regime_desk())
    moved(desk, CALLED)
    assert changes(revalued(desk)) == [("healthy", "margin_call")]
    change(desk, "cross", is_forced=True)
    assert revalued(desk, 0) == []
    assert changes(revalued(desk, MINUTE_NS)) == [("margin_call", "healthy")]


def test_an_account_that_was_touched_is_looked_at_without_figures(held: SmallDesk) -> None:
    """[MON-09] A fill or a withdrawal need not wait for the next price."""
    held.open("b", usd="20000")
    held.desk.monitor.touch("a")
    assert looked(held) == []
    held.hold(NEAR=15)
    held.desk.monitor.touch("a")
    held.desk.monitor.touch("b")
    held.desk.monitor.touch("nobody")
    assert [each.account for each in looked(held)] == ["a"]
    held.hold(NEAR=1)
    held.desk.monitor.touch("a")
    assert looked(held) == []  # a better state waits
    assert not held.desk.monitor.is_behind


def test_a_wait_for_a_better_state_begins_anew_with_every_state(held: SmallDesk) -> None:
    """[MON-04]"""
    moved(held, CALLED)
    revalued(held, 0)
    moved(held, FINE)
    assert revalued(held, 0) == []
    held.hold(NEAR=20)
    held.desk.monitor.touch("a")
    assert changes(looked(held)) == [("margin_call", "liquidation")]
    held.hold(NEAR=10)
    assert revalued(held, MINUTE_NS) == []
    assert changes(revalued(held, 2 * MINUTE_NS)) == [("liquidation", "healthy")]


def test_a_price_that_flaps_for_an_hour_is_said_once(held: SmallDesk) -> None:
    """[MON-04] Every ten seconds from a warning into a margin call and back."""
    said = []
    for number in range(360):
        moved(held, CALLED if number % 2 else WARNED)
        said += changes(revalued(held, number * 10 * SECOND_NS))
    assert said == [("healthy", "warning"), ("warning", "margin_call")]


def test_a_first_look_finds_who_is_in_trouble_since_before_it(held: SmallDesk) -> None:
    """[MON-04] As after a restart."""
    held.open("b")
    held.deposit("100", account="b")
    moved(held, LIQUIDATED)
    assert [(each.account, each.state) for each in revalued(held)] == [("a", "liquidation")]


def test_the_worst_come_first_and_each_look_is_short() -> None:
    """[MON-08]"""
    desk = small_desk()
    for number in range(40):
        name = f"n-{number:02d}"
        desk.open(name, usd="15200" if number % 2 else "12100")
        desk.hold(name, NEAR=10)
    desk.desk.monitor.consider(figures_of(desk), 0, desk.now_ns)
    events, _ = desk.desk.monitor.look(desk.now_ns)
    assert len(events) == EFFORT_MAX
    assert {each.state for each in events} == {"liquidation"}
    rest = looked(desk)
    assert [each.state for each in rest] == ["liquidation"] * (20 - EFFORT_MAX) + ["warning"] * 20
    for number in range(40):
        desk.desk.monitor.touch(f"n-{number:02d}")
    desk.desk.monitor.look(desk.now_ns)
    assert len(desk.desk.monitor._touched) == 40 - EFFORT_MAX // WORKED_OUT


def test_orders_that_add_risk_are_named_on_entering_a_margin_call(held: SmallDesk) -> None:
    """[MON-07] They keep their holds: only the venue's word ends an order."""
    held.deposit("5000")
    for order_id, lots in (("more", 1), ("less", -2), ("turning", -8)):
        assert held.check(held.leg("NEAR", lots, "101000"), order_id=order_id).decision.reason == 0
    held.deposit("-5000")
    moved(held, WARNED)
    [warned] = revalued(held)
    assert (warned.state, warned.orders) == ("warning", ())
    moved(held, CALLED)
    [called] = revalued(held)
    assert (called.orders, called.is_cut) == (("more",), False)
    assert set(held.account().portfolio.legs) == {"more", "less", "turning"}
    held.check(held.leg("NEAR", -1, "95000"), order_id="last")
    moved(held, LIQUIDATED)
    [liquidated] = revalued(held)
    assert liquidated.orders == ("more",)


def test_an_event_judges_few_orders_and_says_so(
    held: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[MON-07]"""
    few = Thoroughness(orders_max=2, margins_max=2, open_max=3)
    monkeypatch.setattr("margingate_server.service.monitoring.ORDERS", few)
    held.deposit("50000")
    for order_id in ("first", "second", "third"):
        held.check(held.leg("NEAR", 1, "101000"), order_id=order_id)
    held.deposit("-50000")
    moved(held, CALLED)
    [event] = revalued(held)
    assert (event.orders, event.is_cut) == (("first", "second"), True)


def test_accounts_that_come_later_are_followed_and_others_keep_their_waits(
    held: SmallDesk,
) -> None:
    """[MON-04]"""
    moved(held, CALLED)
    revalued(held)
    moved(held, FINE)
    assert revalued(held, 0) == []
    held.open("b", usd="15200")
    held.hold("b", NEAR=10)
    assert [each.account for each in revalued(held, MINUTE_NS - 1)] == ["b"]
    assert [each.account for each in revalued(held, MINUTE_NS)] == ["a"]


def test_figures_in_another_order_of_accounts_lose_the_waits_alone(held: SmallDesk) -> None:
    held.open("b", usd="15200")
    held.hold("b", NEAR=10)
    revalued(held)
    figures = figures_of(held)
    turned = replace(
        figures,
        accounts=figures.accounts[::-1],
        **{
            name: np.ascontiguousarray(getattr(figures, name)[::-1])
            for name in (
                *("version_a", "equity_a", "initial_a", "maintenance_a", "headroom_a"),
                "is_known_a",
            )
        },
    )
    assert held.desk.monitor.consider(turned, 0, held.now_ns) == 0


def two_held() -> SmallDesk:
    """Accounts a and b with the same holdings, both due for a margin call."""
    desk = held_desk().open("b", usd="20000")
    desk.hold("b", NEAR=10)
    assert revalued(desk) == []
    moved(desk, CALLED)
    desk.desk.monitor.consider(figures_of(desk), 0, desk.now_ns)
    return desk


def test_an_account_that_fails_is_said_to_be_unknown_and_keeps_nobody_else_from_a_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk, genuine = two_held(), AccountRisk.of
    figures = figures_of(desk)
    failed = replace(figures, is_known_a=np.array([False, True]))
    desk.shard.forget_views()

    def but_for_a(portfolio: Portfolio, arrays: RiskArrays) -> AccountRisk:
        if portfolio is desk.account("a").portfolio:
            raise RuntimeError("planted")
        return genuine(portfolio, arrays)

    monkeypatch.setattr(AccountRisk, "of", but_for_a)
    monitor, said = desk.desk.monitor, []
    for seconds in (0, 5):
        monitor.consider(failed, seconds * SECOND_NS, desk.now_ns)
        events, _ = monitor.look(desk.now_ns)
        said += [(each.account, each.state) for each in events]
        assert not monitor.is_behind
    assert said == [("b", "margin_call"), ("a", "unknown")]
    assert {each.account for each in monitor.failures.taken()} == {"a"}


def test_an_event_that_cannot_be_made_keeps_nobody_else_from_a_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk, genuine = two_held(), monitoring.margin_state_changed

    def but_for_a(shard: Shard, account: AccountState, *rest: Any) -> MarginStateChanged:
        if account.account == "a":
            raise RuntimeError("planted")
        return genuine(shard, account, *rest)

    monkeypatch.setattr(monitoring, "margin_state_changed", but_for_a)
    events, _ = desk.desk.monitor.look(desk.now_ns)
    assert [(each.account, each.state) for each in events] == [("b", "margin_call")]
    assert [each.account for each in desk.desk.monitor.failures.taken()] == ["a"]
