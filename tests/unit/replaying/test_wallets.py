"""Moves of margin, and decisions on accounts with wallets, are taken again. [ISO-06]"""

from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
import pytest

from margingate_server.ledger import events as e
from margingate_server.ledger import regime_events as r
from margingate_server.ledger.journal import Journal
from margingate_server.ledger.wallet_events import MarginMoved
from margingate_server.recovery import DeskBuilder
from margingate_server.service.refusals import NotNow
from tests.unit.engine.small_market import INSTRUMENTS
from tests.unit.replaying.plan import ACTIONS, Plan
from tests.unit.replaying.test_replay import events, report, rewritten
from tests.unit.service.regime_desk import GRACE_NS, change
from tests.unit.service.small_desk import AGE_LIMITS, SmallDesk
from tests.unit.service.wallet_desk import CROSS_ASKS, move, wallet_terms

STEPS = 160
SEEDS = (1, 2)


class WalletPlan(Plan):
    """A plan on accounts whose positions have wallets."""

    monotonic_ns = 0

    def start(self) -> None:
        builder = DeskBuilder(wallet_terms(CROSS_ASKS), AGE_LIMITS)
        self.journal = Journal(self.store, self.markets)
        desk = builder.open_desk(self.store, self.journal.market_version_min)
        self.small = SmallDesk(desk, numbers=self.ids)
        builder.bring_into_force(desk, self.small.now_ns)
        if not self.starts:
            view = desk.shard.market.planned_listing(INSTRUMENTS)
            desk.shard.record(e.InstrumentsListed(instruments=INSTRUMENTS), self.small.now_ns)
            desk.shard.market.view = view
        self.starts += 1
        self.tick()
        self.keep()

    def move(self) -> None:
        """Margin moves to a position of account a, or back."""
        names = [self.small.state.table.instruments[row].name for row in self._rows()]
        if not names:
            return
        amount = Decimal(self.random.randrange(-2_000, 2_000)) + Decimal("0.5")
        try:
            move(self.small, self.random.choice(names), str(amount))
        except NotNow:
            return

    def change(self) -> None:
        """Account a changes to cross and back: on request, by force, or because it falls back."""
        change(self.small, "cross", is_forced=True)
        if self.random.random() < 0.5:
            try:
                change(self.small, "isolated")
            except NotNow:
                change(self.small, "isolated", is_forced=True)
            return
        for _ in range(3):
            self.monotonic_ns += 2 * GRACE_NS
            self.small.desk.qualifications.look(self.monotonic_ns, self.small.now_ns)

    def _rows(self) -> list[int]:
        return sorted(self.small.account().portfolio.positions)

    def run(self, steps: int) -> "WalletPlan":
        actions: dict[Any, int] = {**ACTIONS, WalletPlan.move: 16, WalletPlan.change: 4}
        del actions[Plan.control]
        for step in range(steps):
            if step % (steps // 3) == steps // 6:
                self.start()
            if step % 3 == 0:
                self.tick()
            (act,) = self.random.choices(list(actions), list(actions.values()))
            act(self)
            if self.random.random() < 0.5:
                self.keep()
        self.keep()
        return self


@cache
def plan_of(seed: int) -> WalletPlan:
    return WalletPlan(seed).run(STEPS)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_move_and_every_decision_comes_out_again(seed: int) -> None:
    plan = plan_of(seed)
    found = report(plan)
    assert found.differences == []
    assert not found.without_inputs
    assert found.same["margin_moved"] == len(events(plan, MarginMoved)) > 0


def test_the_logs_have_wallets_that_fills_moved() -> None:
    """[ISO-03]"""
    fills = [each for seed in SEEDS for _, each in events(plan_of(seed), e.FillReported)]
    assert any(each.wallet_units > 0 for each in fills)


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("wallet", 5, "wallet"),
        ("units", 10**15, "verdict"),
        ("market_digest", "0" * 32, "market_digest"),
    ],
)
def test_what_was_changed_in_a_move_is_found_there(name: str, value: object, field: str) -> None:
    plan = plan_of(SEEDS[0])
    seq, _ = events(plan, MarginMoved)[0]
    records = rewritten(plan, seq, lambda event: msgspec.structs.replace(event, **{name: value}))
    (first, *_) = report(plan, records).differences
    assert (first.seq, first.kind) == (seq, "margin_moved")
    assert field in {each.field for each in first.changes}


@pytest.mark.parametrize("kind", [r.RegimeSet, r.RegimeFellBack])
def test_wallets_that_a_change_of_the_model_came_with_come_out_again(
    kind: type[r.RegimeSet | r.RegimeFellBack],
) -> None:
    plan, seq, event = next(
        (plan_of(seed), seq, each)
        for seed in SEEDS
        for seq, each in events(plan_of(seed), kind)
        if each.wallets and each.market_digest
    )
    more = msgspec.structs.replace(event.wallets[0], wallet=event.wallets[0].wallet + 1)
    changed = msgspec.structs.replace(event, wallets=(more, *event.wallets[1:]))
    (first, *_) = report(plan, rewritten(plan, seq, lambda _: changed)).differences
    assert first.seq == seq
    assert {each.field for each in first.changes} == {"wallets[0].wallet"}
