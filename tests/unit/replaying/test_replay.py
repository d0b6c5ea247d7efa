"""Every decision of a log is taken again, and an integer that was changed is found."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import msgspec
import pytest

from margingate_server.ledger import events as e
from margingate_server.ledger.journal import Journal
from margingate_server.ledger.market_inputs import encode_keyframe, inputs_digest, is_keyframe
from margingate_server.ledger.store import CorruptLedger, EventDraft, EventRecord
from margingate_server.replaying.changes import Change
from margingate_server.replaying.replay import Difference, Options, Report, replayed
from tests.unit.replaying.plan import Plan, written
from tests.unit.rpc.memory_market_store import MemoryMarketStore
from tests.unit.rpc.memory_store import MemoryStore

SEEDS = (1, 2, 5, 169)
"""Of 169 a change is refused that a rule looks at before it is cut."""

RETAKEN = {
    *("parameters_loaded", "order_accepted", "order_rejected", "amend_accepted", "amend_rejected"),
    *("collateral_adjusted", "fill_reported", "positions_set", "positions_settled"),
}

plan_of = cache(written)


def events(plan: Plan, kind: type[e.AnyEvent] | None = None) -> list[tuple[int, Any]]:
    """(number, event) of all events, or of a kind."""
    found = [(each.seq, e.decode_event(each.body)) for each in plan.store.read()]
    return [(seq, event) for seq, event in found if kind is None or isinstance(event, kind)]


def report(plan: Plan, records: list[EventRecord] | None = None, **options: Any) -> Report:
    records = list(plan.store.read()) if records is None else records
    return replayed(records, plan.markets, Options(**options))


def rewritten(plan: Plan, seq: int, change: Callable[[Any], e.AnyEvent]) -> list[EventRecord]:
    """The log with one event changed and the chain worked out anew: verification is content."""
    store = MemoryStore()
    fields = tuple(each for each in EventDraft.__dataclass_fields__)
    drafts = [
        EventDraft(**{name: getattr(record, name) for name in fields})
        for record in plan.store.read()
    ]
    event = change(e.decode_event(drafts[seq - 1].body))
    drafts[seq - 1] = replace(drafts[seq - 1], body=e.encode_event(event))
    store.append(drafts)
    return list(store.read())


@pytest.mark.parametrize("seed", SEEDS)
def test_every_decision_comes_out_again_in_every_integer(seed: int) -> None:
    plan = plan_of(seed)
    found = report(plan)
    assert found.differences == []
    assert not found.different
    assert not found.without_inputs
    assert set(found.same) == RETAKEN
    assert found.same["order_accepted"] == len(events(plan, e.OrderAccepted))
    assert found.last_seq == plan.store.head.seq


def test_the_logs_that_are_replayed_use_every_feature() -> None:
    every = [event for seed in SEEDS for _, event in events(plan_of(seed))]
    orders = [each.order for each in every if isinstance(each, e.Decided)]
    legs = [leg for order in orders for leg in order.legs]
    assert {order.execution for order in orders} == {
        *("single", "atomic_combo", "independent_legs")
    }
    assert {order.is_reduce_only for order in orders} == {False, True}
    assert {leg.is_market for leg in legs} == {False, True}
    assert any(leg.ratio > 1 for leg in legs)
    assert any(not leg.lots for leg in legs)
    assert any(order.hold_ns for order in orders)
    reasons = {each.decision.reason for each in every if isinstance(each, e.Decided)}
    assert reasons == {0, 21, 22, 23}
    assert any(each.decision.is_risk_reducing for each in every if isinstance(each, e.Decided))
    assert any(isinstance(each, e.CollateralAdjusted) and each.market_digest for each in every)
    assert len({each.digest for each in every if isinstance(each, e.ParametersLoaded)}) == 3
    kinds = {type(each) for each in every}
    assert {e.KillSwitchEngaged, e.KillSwitchReleased, e.AccountSuspended, e.LimitsSet} <= kinds
    assert {e.AmendConfirmed, e.AmendWithdrawn, e.OrdersReleased} <= kinds


def moved(path: str, value: Any) -> Any:
    """`value` with the integer at a path one greater; a path is of field names and numbers."""
    name, _, rest = path.partition(".")
    if name.isdigit():
        number = int(name)
        inner = moved(rest, value[number]) if rest else value[number] + 1
        return (*value[:number], inner, *value[number + 1 :])
    inner = getattr(value, name)
    return msgspec.structs.replace(value, **{name: moved(rest, inner) if rest else inner + 1})


CHANGED = {
    e.OrderAccepted: ("decision.before.equity", "decision.after.initial"),
    e.OrderRejected: ("decision.reason", "decision.after.maintenance", "order.legs.0.ratio"),
    e.AmendAccepted: ("decision.before.initial", "decision.worst_after.0.scenario"),
    e.AmendRejected: ("decision.account_version", "decision.market_time_ns"),
    e.CollateralAdjusted: ("balance",),
    e.FillReported: ("flow", "coins"),
    e.PositionsSettled: ("positions.0.units",),
    e.PositionsSet: ("breaks.0.booked_lots",),
}


@pytest.mark.parametrize(
    ("kind", "path"),
    [(kind, path) for kind, paths in CHANGED.items() for path in paths],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
def test_one_integer_that_was_changed_in_an_event_is_found_there(
    kind: type[e.AnyEvent], path: str
) -> None:
    plan = plan_of(2)
    seq, _ = next(
        (seq, each)
        for seq, each in events(plan, kind)
        if not isinstance(each, e.PositionsSet) or each.breaks
    )
    found = report(plan, rewritten(plan, seq, lambda event: moved(path, event)))
    first = found.differences[0]
    assert (first.seq, first.kind) == (seq, kind.__struct_config__.tag)
    named = "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in path.split("."))
    assert named[1:] in {each.field for each in first.changes}


def test_a_lot_more_in_an_order_comes_out_with_another_margin() -> None:
    plan = plan_of(2)
    seq, _ = events(plan, e.OrderRejected)[0]
    found = report(plan, rewritten(plan, seq, lambda event: moved("order.legs.0.lots", event)))
    assert [each.seq for each in found.differences] == [seq]
    assert "decision.after.initial" in {each.field for each in found.differences[0].changes}


def test_a_parameter_that_was_changed_gives_another_digest() -> None:
    plan = plan_of(1)
    seq, event = events(plan, e.ParametersLoaded)[0]
    triples = tuple(
        (group, name, "0.16" if name == "price_scan_range" else value)
        for group, name, value in event.parameters
    )
    changed = rewritten(plan, seq, lambda event: msgspec.structs.replace(event, parameters=triples))
    found = report(plan, changed)
    assert [each.field for each in found.differences[0].changes] == ["digest"]
    assert found.different["order_accepted"]


def test_parameters_that_this_build_refuses_end_the_replay_where_they_are_loaded() -> None:
    plan = plan_of(1)
    seq, _ = events(plan, e.ParametersLoaded)[0]
    changed = rewritten(plan, seq, lambda event: msgspec.structs.replace(event, model="other"))
    with pytest.raises(CorruptLedger) as refused:
        report(plan, changed)
    assert refused.value.seq == seq


def test_a_withdrawal_that_the_margin_does_not_allow_is_found() -> None:
    plan = plan_of(1)
    seq, event = next(
        (seq, each) for seq, each in events(plan, e.CollateralAdjusted) if each.market_digest
    )
    greedy = rewritten(
        plan, seq, lambda event: msgspec.structs.replace(event, units=event.units - 10**15)
    )
    first = report(plan, greedy).differences[0]
    assert (first.seq, first.account) == (seq, event.account)
    assert first.changes[0].stored == "withdrawn"
    assert first.changes[0].replayed.startswith("INSUFFICIENT")


def test_a_market_with_one_other_price_is_found_wherever_it_is_cited() -> None:
    plan = written(1)
    drafts = plan.markets.drafts
    last = plan.markets.snapshot(drafts[-1].version)
    assert last is not None
    other = replace(last, index_nano_u=last.index_nano_u + 1)
    drafts[-1] = replace(drafts[-1], body=encode_keyframe(other), digest=inputs_digest(other))
    citing = [
        seq
        for seq, event in events(plan)
        if isinstance(event, e.Decided) and event.decision.market_version == other.version
    ]
    found = report(plan, differences_max=1_000)
    assert [each.seq for each in found.differences] == citing
    assert all(
        "decision.market_digest" in {change.field for change in each.changes}
        for each in found.differences
    )


@pytest.mark.parametrize("place", [3, -1])
def test_a_market_that_was_lost_is_told_until_the_next_keyframe_and_others_go_on(
    place: int,
) -> None:
    plan = written(1)
    drafts = plan.markets.drafts
    lost = drafts.pop(place)
    later = [each for each in drafts if each.version > lost.version]
    unreadable = {lost.version}
    for draft in later:
        if is_keyframe(draft.body):
            break
        unreadable.add(draft.version)
    found = report(plan, differences_max=1_000)
    assert not found.without_inputs
    told = {each.seq for each in found.differences}
    assert told == {
        record.seq
        for record in plan.store.read()
        if e.cited_market(e.decode_event(record.body)) and record.market_version in unreadable
    }
    assert all(
        [change.field for change in each.changes] == ["market"] for each in found.differences
    )
    readable = [each.version for each in later if each.version not in unreadable]
    assert bool(readable) is (place == 3)


def test_what_lacks_its_market_since_that_was_pruned_is_counted_and_nothing_differs() -> None:
    plan = plan_of(1)
    young = MemoryMarketStore()
    journal = Journal(MemoryStore(), young)
    kept = list(plan.markets.snapshots())[10:]
    draft = EventDraft(
        **{
            **dict.fromkeys(EventDraft.__dataclass_fields__, ""),
            "body": b"x",
            "version": 1,
            "market_version": 0,
            "recorded_ns": 0,
        }
    )
    journal.append([draft], kept)
    found = replayed(plan.store.read(), young, Options())
    assert found.differences == []
    old = {
        seq
        for seq, event in events(plan, e.Decided)
        if event.decision.market_version < kept[0].version
    }
    withdrawals = found.without_inputs["collateral_adjusted"]
    assert sum(found.without_inputs.values()) - withdrawals == len(old) > 10
    assert found.same["order_accepted"]
    none = replayed(plan.store.read(), MemoryMarketStore(), Options())
    assert none.differences == []
    assert not none.same["order_accepted"]
    assert none.same["fill_reported"] == len(events(plan, e.FillReported))


def test_only_later_events_and_one_account_are_taken_when_asked_for() -> None:
    plan = plan_of(1)
    accepted = events(plan, e.OrderAccepted)
    middle = accepted[len(accepted) // 2][0]
    later = report(plan, after_seq=middle)
    assert later.same["order_accepted"] == sum(seq > middle for seq, _ in accepted)
    of_a = report(plan, account="a")
    assert of_a.same["order_accepted"] == sum(each.account == "a" for _, each in accepted)


def test_of_verdicts_alone_no_integer_is_compared() -> None:
    plan = plan_of(1)
    seq, _ = events(plan, e.OrderAccepted)[3]
    numbers = rewritten(plan, seq, lambda event: moved("decision.after.initial", event))
    assert report(plan, numbers, is_verdict_all=True).differences == []
    verdict = rewritten(plan, seq, lambda event: moved("decision.reason", event))
    assert report(plan, verdict, is_verdict_all=True).differences == [
        Difference(
            seq=seq,
            account=events(plan)[seq - 1][1].account,
            kind="order_accepted",
            changes=[Change("decision.reason", "1", "0")],
        )
    ]


def test_so_many_differences_are_kept_and_all_are_counted() -> None:
    plan = written(1)
    del plan.markets.drafts[-5:]
    found = report(plan, differences_max=2)
    assert len(found.differences) == 2
    assert sum(found.different.values()) > 2
