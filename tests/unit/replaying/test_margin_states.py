"""Published margin states are taken again; what was changed in one is found. [MON-08]"""

from functools import cache
from typing import Any

import msgspec
import pytest

from margingate_engine.core.amounts import MICRO, NANO
from margingate_server.ledger.monitoring_events import MarginStateChanged
from margingate_server.ledger.numbers import RiskNumbers
from tests.unit.engine.small_market import MARKS
from tests.unit.replaying.plan import ACCOUNTS, ACTIONS, Plan
from tests.unit.replaying.test_replay import events, report, rewritten
from tests.unit.service.margin_figures import revalued
from tests.unit.service.small_desk import update

STEPS = 120
SEEDS = (1, 2)


class MonitoredPlan(Plan):
    """A plan on a market that falls and recovers, watched all the time."""

    monotonic_ns = 0

    def swing(self) -> None:
        """Books near their margin; prices jump, or stop for a while; everybody is looked at."""
        small = self.small
        for account in ACCOUNTS:
            equity = max(0, small.full_risk(account).equity)
            small.hold(account, NEAR=equity // (1_600 * MICRO), FAR=-1)
        if self.random.random() < 0.2:
            small.now_ns += 30 * NANO
        else:
            share = self.random.choice((0.8, 0.9, 0.95, 1, 1.05, 1.2))
            marks = {
                name: mark if "C" in name or "PUT" in name else mark * share
                for name, mark in MARKS.items()
            }
            small.quote(update(marks, index=round(self.index * share, 2)))
        for _ in range(2):
            self.monotonic_ns += 40 * NANO
            revalued(small, self.monotonic_ns)
        small.desk.monitor.touch(self.random.choice(ACCOUNTS))
        small.desk.monitor.look(small.now_ns)
        self.tick()

    def run(self, steps: int) -> "MonitoredPlan":
        actions: dict[Any, int] = {**ACTIONS, MonitoredPlan.swing: 25}
        for step in range(steps):
            if step % (steps // 3) == steps // 6:
                self.start()
            (act,) = self.random.choices(list(actions), list(actions.values()))
            act(self)
            if self.random.random() < 0.5:
                self.keep()
        self.keep()
        return self


@cache
def plan_of(seed: int) -> MonitoredPlan:
    return MonitoredPlan(seed).run(STEPS)


def published(seed: int) -> list[tuple[int, MarginStateChanged]]:
    return events(plan_of(seed), MarginStateChanged)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_state_comes_out_again_with_its_figures_and_orders(seed: int) -> None:
    found = report(plan_of(seed))
    assert found.differences == []
    known = [event for _, event in published(seed) if event.figures is not None]
    assert found.same["margin_state_changed"] == len(known) > 5


def test_the_logs_have_every_state_and_orders_to_cancel() -> None:
    found = [event for seed in SEEDS for _, event in published(seed)]
    words = {event.state for event in found}
    assert words >= {"healthy", "margin_call", "liquidation", "unknown"}
    assert any(event.orders for event in found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "warning"),
        ("previous", "warning"),
        ("figures", RiskNumbers(1, 2, 3)),
        ("orders", ("nobody's",)),
        ("is_cut", True),
        ("market_digest", "0" * 32),
    ],
)
def test_what_was_changed_in_a_state_is_found_there(name: str, value: Any) -> None:
    plan = plan_of(1)
    seq = next(
        seq
        for seq, event in published(1)
        if event.figures is not None and "warning" not in (event.state, event.previous)
    )
    changed = rewritten(plan, seq, lambda event: msgspec.structs.replace(event, **{name: value}))
    first = report(plan, changed).differences[0]
    assert first.seq == seq
    assert name in {each.field.split(".")[0] for each in first.changes}
