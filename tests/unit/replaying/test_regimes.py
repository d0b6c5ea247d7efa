"""Changes of regimes, and decisions under each, are taken again; what was changed is found."""

from functools import cache
from typing import Any

import msgspec
import pytest

from margingate_engine.core.amounts import MICRO
from margingate_server.ledger import events as e
from margingate_server.ledger import regime_events as r
from margingate_server.ledger.journal import Journal
from margingate_server.ledger.numbers import QualificationNumbers
from margingate_server.recovery import DeskBuilder
from margingate_server.service.refusals import NotNow
from tests.unit.engine.small_market import INSTRUMENTS
from tests.unit.replaying.plan import ACCOUNTS, ACTIONS, Plan
from tests.unit.replaying.test_replay import events, report, rewritten
from tests.unit.service.regime_desk import FUTURES_ONLY, GRACE_NS, SPAN_ASKS, change, terms
from tests.unit.service.small_desk import AGE_LIMITS, SmallDesk

STEPS = 160
OPENING_ASKS = msgspec.structs.replace(
    SPAN_ASKS, model="", equity_to_enter=50_000 * MICRO, equity_to_remain=39_000 * MICRO
)
POLICIES: tuple[tuple[QualificationNumbers, ...], ...] = (
    (OPENING_ASKS,),
    (msgspec.structs.replace(SPAN_ASKS, experience_tier_min=0), OPENING_ASKS),
    (FUTURES_ONLY,),
)
RETAKEN = ("regime_set", "regime_fell_back", "qualification_lost", "qualification_regained")


class RegimePlan(Plan):
    """A plan on accounts that change between span and cross, and lose what they qualify by."""

    monotonic_ns = 0

    def start(self) -> None:
        of_now = terms(*POLICIES[self.starts % len(POLICIES)])
        builder = DeskBuilder(of_now, AGE_LIMITS)
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

    def change(self) -> None:
        """Account a changes, or is changed by force."""
        model = self.random.choice(("span", "cross", "cross"))
        try:
            change(self.small, model, is_forced=self.random.random() < 0.3)
        except NotNow:
            return

    def look(self) -> None:
        """Time goes by, and the upkeep looks after who qualifies."""
        self.monotonic_ns += GRACE_NS // 2
        self.small.desk.qualifications.look(self.monotonic_ns, self.small.now_ns)

    def rescue(self) -> None:
        """Somebody pays in what an account lacks."""
        for name in ACCOUNTS:
            if self.small.account(name).unqualified_since_ns:
                self.small.deposit("80000", "USD", name)

    def run(self, steps: int) -> "RegimePlan":
        actions = {**ACTIONS, RegimePlan.change: 6, RegimePlan.look: 14, RegimePlan.rescue: 3}
        del actions[Plan.control]
        for step in range(steps):
            if step % (steps // 3) == steps // 6:
                self.start()
            if step % 3 == 0:
                self.tick()
            (act,) = self.random.choices(list(actions), list(actions.values()))
            act(self)  # type: ignore[arg-type]
            if self.random.random() < 0.5:
                self.keep()
        self.keep()
        return self


@cache
def plan_of(seed: int) -> RegimePlan:
    return RegimePlan(seed).run(STEPS)


SEEDS = (1, 2, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_change_and_every_decision_comes_out_again(seed: int) -> None:
    plan = plan_of(seed)
    found = report(plan)
    assert found.differences == []
    assert not found.without_inputs
    judged = [each for _, each in events(plan, r.RegimeSet) if each.market_digest]
    assert found.same["regime_set"] == len(judged) > 0
    models = {each.decision.model for _, each in events(plan) if isinstance(each, e.Decided)}
    assert models == {"span", "cross"}


def test_the_logs_have_every_event_of_a_regime() -> None:
    kinds = {type(event) for seed in SEEDS for _, event in events(plan_of(seed))}
    assert {*(r.RegimeSet, r.RegimeFellBack, r.QualificationLost, r.QualificationRegained)} <= kinds


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (r.RegimeFellBack, "shortfall", 1),
        (r.RegimeFellBack, "model", "span"),
        (r.QualificationLost, "equity", 5),
        (r.QualificationRegained, "equity", 5),
        (r.RegimeSet, "market_digest", "0" * 32),
    ],
    ids=lambda each: each.__name__ if isinstance(each, type) else str(each),
)
def test_what_was_changed_in_an_event_is_found_there(
    kind: type[e.AnyEvent], name: str, value: Any
) -> None:
    plan, seq = next(
        (plan_of(seed), seq)
        for seed in SEEDS
        for seq, event in events(plan_of(seed), kind)
        if getattr(event, "market_digest", "")
    )
    changed = rewritten(plan, seq, lambda event: msgspec.structs.replace(event, **{name: value}))
    first = report(plan, changed).differences[0]
    assert first.seq == seq
    assert name in {each.field for each in first.changes}


def test_a_change_that_the_account_did_not_qualify_for_is_found() -> None:
    plan = plan_of(2)
    judged, change_made = next(
        (seq, each) for seq, each in events(plan, r.RegimeSet) if each.market_digest
    )
    loaded = max(seq for seq, _ in events(plan, e.ParametersLoaded) if seq < judged)
    asks = QualificationNumbers(model=change_made.model, equity_to_enter=10**15)

    def stricter(event: e.ParametersLoaded) -> e.ParametersLoaded:
        policy = msgspec.structs.replace(event.policy, qualifications=(asks,))
        return msgspec.structs.replace(event, policy=policy)

    greedy = rewritten(plan, loaded, stricter)
    reasons = [
        change.replayed
        for difference in report(plan, greedy, differences_max=1_000).differences
        for change in difference.changes
        if difference.kind == "regime_set"
    ]
    assert any(reason.startswith("NOT_QUALIFIED") for reason in reasons)
