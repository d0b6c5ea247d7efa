"""Changes of the regime: judged like a withdrawal, forced by a risk officer, remembered."""

from dataclasses import replace
from decimal import Decimal

import pytest
from msgspec import structs

from margingate_engine.core.amounts import MICRO
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.reasons import RejectReason
from margingate_server.ledger.events import decode_event
from margingate_server.ledger.regime_events import RegimeSet
from margingate_server.service.refusals import NotNow, RequestConflict
from tests.unit.engine.small_market import MARKS
from tests.unit.service.regime_desk import (
    FUTURES_ONLY,
    SPAN_ASKS,
    change,
    cross_model,
    cross_model_of,
    experienced,
    regime_desk,
    terms,
)
from tests.unit.service.small_desk import SECOND_NS, SmallDesk, folded_again, update


def refusal(desk: SmallDesk, model: str) -> tuple[RejectReason, str]:
    """How a change is refused; a preview says the same."""
    told = desk.desk.regimes.preview("a", model, desk.now_ns)
    with pytest.raises(NotNow) as raised:
        change(desk, model)
    assert (told.refusal, told.subject) == (raised.value.reason, raised.value.subject)
    return raised.value.reason, raised.value.subject


def test_a_changed_account_is_decided_by_its_model_alone() -> None:
    desk = regime_desk().open(usd="10000").open(account="b", usd="10000")
    by_span = desk.check(desk.leg("NEAR", 1, "101000"))
    assert by_span.is_held
    desk.release(by_span.decision.order_id)
    told = desk.desk.regimes.preview("a", "cross", desk.now_ns)
    assert desk.account().model == ""
    made = change(desk, "cross")
    assert (made.before, made.after, made.refusal) == (told.before, told.after, RejectReason.NONE)
    by_cross = desk.check(desk.leg("NEAR", 1, "101000"))
    assert by_cross.decision.model == "cross"
    assert by_cross.decision.parameters_digest == cross_model().parameters_digest
    assert by_cross.decision.after != by_span.decision.after
    other = desk.check(desk.leg("NEAR", 1, "101000"), account="b")
    assert (other.decision.model, other.decision.after) == ("span", by_span.decision.after)
    assert folded_again(desk).accounts["a"].model == "cross"


def test_a_preview_changes_nothing_and_costs_later_prices_nothing() -> None:
    desk = regime_desk().open(usd="1000")
    before = len(desk.events())
    desk.desk.regimes.preview("a", "cross", desk.now_ns)
    assert len(desk.events()) == before
    assert not desk.shard.market.view.others._arrays
    change(desk, "cross")
    assert desk.kept_risk().arrays is desk.shard.market.view.others._arrays["cross"]


def test_a_change_that_leaves_the_account_without_margin_is_refused() -> None:
    """Two shorts of one future against longs of the other: cross nets nothing of it."""
    desk = regime_desk().open(usd="5000")
    desk.hold(NEAR=20, FAR=-20)
    assert desk.full_risk().risk.is_margined
    assert refusal(desk, "cross") == (RejectReason.INSUFFICIENT_INITIAL_MARGIN, "cross")
    assert desk.account().model == ""
    change(desk, "cross", is_forced=True)
    assert desk.account().model == "cross"
    assert not desk.kept_risk().risk.is_margined


def test_open_orders_are_counted_at_their_worst_fills() -> None:
    desk = regime_desk().open(usd="50000")
    first = desk.desk.regimes.preview("a", "cross", desk.now_ns)
    desk.check(desk.leg("NEAR", 5, "101000"))
    held = desk.desk.regimes.preview("a", "cross", desk.now_ns)
    assert first.after is not None
    assert held.after is not None
    assert held.after.initial > first.after.initial == 0


def test_equity_experience_and_instruments_are_asked_for_in_turn() -> None:
    desk = regime_desk(SPAN_ASKS, FUTURES_ONLY).open(usd="99999.999999")
    assert refusal(desk, "span")[0] is RejectReason.NOT_QUALIFIED
    desk.deposit("0.000001")
    reason, subject = refusal(desk, "span")
    assert (reason, "tier 1" in subject) == (RejectReason.NOT_QUALIFIED, True)
    experienced(desk)
    change(desk, "span")
    desk.hold(CALL=1)
    assert refusal(desk, "cross") == (RejectReason.INSTRUMENT_NOT_TRADABLE, "CALL")
    desk.hold()
    order = desk.check(desk.leg("CALL", 1, "200")).decision.order_id
    assert refusal(desk, "cross") == (RejectReason.INSTRUMENT_NOT_TRADABLE, "CALL")
    desk.release(order)
    change(desk, "cross")


def test_old_prices_judge_nothing_but_a_forced_change_needs_none() -> None:
    desk = regime_desk().open(usd="1000", coins="1")
    desk.now_ns += 11 * SECOND_NS
    assert refusal(desk, "cross") == (RejectReason.MARKET_DATA_STALE, "BTC")
    change(desk, "cross", is_forced=True)
    assert desk.account().model == "cross"
    event = decode_event(desk.events()[-1].body)
    assert isinstance(event, RegimeSet)
    assert (event.market_digest, event.reason) == ("", "why")


def test_a_judged_change_cites_the_market_it_was_judged_by() -> None:
    desk = regime_desk().open(usd="1000")
    change(desk, "cross")
    pending = desk.shard.take_pending()
    event = decode_event(pending.events[-1].body)
    assert isinstance(event, RegimeSet)
    assert event.market_digest == desk.shard.market.view.digest
    assert [each.version for each in pending.markets] == [desk.shard.market.view.snapshot.version]


def test_a_retry_changes_nothing_and_another_body_conflicts() -> None:
    desk = regime_desk().open(usd="1000")
    change(desk, "cross", request_id="once")
    change(desk, "span")
    again = change(desk, "cross", request_id="once")
    assert desk.account().model == "span"
    assert (again.refusal, again.before) == (RejectReason.NONE, None)
    with pytest.raises(RequestConflict):
        change(desk, "cross", request_id="once", digest="other")
    with pytest.raises(RequestConflict):
        desk.desk.admin.suspend("a", "", "once", "d", desk.now_ns)


def test_an_unknown_model_is_refused_by_name() -> None:
    desk = regime_desk().open()
    for model in ("", "spam"):
        with pytest.raises(InvalidInput) as refused:
            change(desk, model, is_forced=True)
        assert (refused.value.field, refused.value.problem) == (
            "model",
            "must be one of cross, span",
        )


def test_a_tier_of_experience_is_set_once_a_request() -> None:
    desk = regime_desk().open()
    regimes = desk.desk.regimes
    assert regimes.set_experience("a", 3, "r", "d", desk.now_ns)[0] == 3
    experienced(desk, 5)
    assert regimes.set_experience("a", 3, "r", "d", desk.now_ns)[0] == 5
    with pytest.raises(RequestConflict):
        regimes.set_experience("a", 3, "r", "other", desk.now_ns)
    for tier in (-1, 10):
        with pytest.raises(InvalidInput) as refused:
            regimes.set_experience("a", tier, desk.fresh_id(), "d", desk.now_ns)
        assert refused.value.field == "experience_tier"
    assert folded_again(desk).accounts["a"].experience_tier == 5


def test_coins_are_taken_when_the_model_of_the_account_margins_them() -> None:
    desk = regime_desk().open(usd="10")
    change(desk, "cross")
    bare = replace(terms(), others={"cross": cross_model_of("SOL")})
    desk.shard.market.adopt(desk.shard.market.planned_models(bare.model, bare.others))
    bare.bring_into_force(desk.shard, desk.now_ns)
    with pytest.raises(InvalidInput) as refused:
        desk.deposit("1", "BTC")
    assert refused.value.field == "currency"
    assert desk.deposit("1", "SOL") == 10**12


def test_a_statement_is_taken_at_the_marks_of_the_model_of_the_account() -> None:
    """SOL has a price, and parameters in cross alone."""
    desk = regime_desk().open(usd="10").open(account="b", usd="10")
    change(desk, "cross")
    bare = replace(terms(), others={"cross": cross_model_of("SOL")})
    desk.shard.market.adopt(desk.shard.market.planned_models(bare.model, bare.others))
    bare.bring_into_force(desk.shard, desk.now_ns)
    prices = update(index=None)
    desk.quote(replace(prices, index_by_underlying={"BTC": 100_000.0, "SOL": 150.0}))
    desk.hold(SOL_PERPETUAL=2)
    (held,) = desk.account().portfolio.positions.values()
    assert (held.lots, held.entry) == (2, -30 * MICRO)
    with pytest.raises(NotNow) as refused:
        desk.hold("b", SOL_PERPETUAL=2)
    assert refused.value.reason is RejectReason.MARKET_DATA_MISSING


def test_what_a_regime_is_not_for_may_only_be_closed() -> None:
    desk = regime_desk(FUTURES_ONLY).open(usd="100000")
    desk.hold(CALL=-2)
    change(desk, "cross", is_forced=True)
    refused = desk.check(desk.leg("NEAR", 1, "101000"), desk.leg("CALL", 3, "200")).decision
    assert refused.reason == RejectReason.INSTRUMENT_NOT_TRADABLE
    assert refused.detail == "leg 1: not permitted under the account's regime"
    assert desk.check(desk.leg("CALL", 3, "200")).decision.reason == (
        RejectReason.INSTRUMENT_NOT_TRADABLE
    )
    assert desk.check(desk.leg("CALL", 2, "200")).decision.reason == RejectReason.NONE
    assert desk.check(desk.leg("NEAR", 1, "101000")).decision.reason == RejectReason.NONE


def test_new_models_take_the_place_of_the_old_for_the_same_prices() -> None:
    desk = regime_desk().open(usd="10000")
    desk.hold(NEAR=1)
    change(desk, "cross")
    before, market = desk.kept_risk().risk, desk.shard.market
    dearer = terms(cross=cross_model(future_initial=Decimal("0.04")))
    view = market.planned_models(dearer.model, dearer.others)
    market.adopt(view)
    dearer.bring_into_force(desk.shard, desk.now_ns)
    assert (view.snapshot.version, view.digest) == (
        market.view.snapshot.version,
        market.view.digest,
    )
    assert desk.kept_risk().risk.initial == 2 * before.initial
    assert desk.state.other_models[0].digest == market.models["cross"].parameters_digest
    desk.quote(update(MARKS, index=100_000.0))
    assert desk.kept_risk().risk.initial == 2 * before.initial


def test_terms_without_a_model_that_accounts_have_are_refused() -> None:
    desk = regime_desk().open(usd="1000")
    change(desk, "cross")
    bare = replace(terms(), others={})
    with pytest.raises(InvalidInput) as refused:
        bare.bring_into_force(desk.shard, desk.now_ns)
    assert refused.value.field == "model_parameters"
    assert "cross" in refused.value.problem


def test_a_policy_with_a_fallback_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(terms(SPAN_ASKS), others={})
    assert refused.value.field == "policy.span.fallback"
    asks_too = structs.replace(FUTURES_ONLY, equity_to_remain=5 * MICRO)
    with pytest.raises(InvalidInput) as refused:
        terms(SPAN_ASKS, asks_too)
    assert refused.value.field == "policy.span.fallback"
