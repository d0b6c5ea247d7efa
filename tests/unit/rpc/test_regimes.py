"""Regimes from message to message: changed, previewed, refused, shown."""

from dataclasses import replace
from errno import EIO

import grpc
import pytest

from margingate.v1 import account_service_pb2 as pb
from margingate.v1 import admin_service_pb2 as admin
from margingate.v1 import margin_service_pb2
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from margingate_server.ledger.store import StoreFailure
from tests.unit.rpc.gate import Answer, Gate, leg, order
from tests.unit.rpc.memory_store import fails_once
from tests.unit.service.regime_desk import SPAN_ASKS, terms

Code = grpc.StatusCode


@pytest.fixture
def gate() -> Gate:
    gate = Gate().open(usd="100000")
    gate.next_terms = terms(SPAN_ASKS)
    assert gate.ok("ReloadParameters", admin.ReloadParametersRequest()).changed
    return gate


def request(model: str, request_id: str = "c", **more: object) -> pb.SetMarginRegimeRequest:
    return pb.SetMarginRegimeRequest(request_id=request_id, account="a", model=model, **more)  # type: ignore[arg-type]


def shown(gate: Gate) -> pb.GetAccountResponse:
    answer: pb.GetAccountResponse = gate.ok("GetAccount", pb.GetAccountRequest(account="a"))
    return answer


def test_a_change_shows_the_margin_before_and_after_and_what_it_rests_on(gate: Gate) -> None:
    gate.ok(
        "SetPositions",
        pb.SetPositionsRequest(
            request_id="p",
            account="a",
            positions=[types.Position(instrument="NEAR", quantity="0.1")],
        ),
    )
    before = shown(gate)
    assert (before.account.model, before.account.regime) == ("span", types.MARGIN_REGIME_PORTFOLIO)
    made = gate.ok("SetMarginRegime", request("cross"))
    assert made.allowed
    assert made.reject_reason == types.REJECT_REASON_UNSPECIFIED
    assert made.before == before.risk
    after = shown(gate)
    assert made.after == after.risk != before.risk
    assert (after.account.model, after.account.regime) == ("cross", types.MARGIN_REGIME_CROSS)
    assert made.account == after.account
    assert made.basis.model == "cross"
    assert made.qualifying_equity == after.qualifying_equity == "100000"
    margin = gate.ok("GetMargin", pb.GetMarginRequest(account="a"))
    assert (margin.basis.model, margin.risk) == ("cross", made.after)
    (listed,) = gate.ok("ListAccounts", pb.ListAccountsRequest()).accounts
    assert listed.model == "cross"
    decision = gate.check(order(leg("NEAR", "0.1", "101000"))).decision
    assert decision.basis.model == "cross"
    sizes = margin_service_pb2.GetMaxOrderSizeRequest(
        account="a", instrument="NEAR", buy_price="101000", sell_price="101000"
    )
    assert gate.ok("GetMaxOrderSize", sizes).basis.model == "cross"


def test_a_preview_says_why_not_and_a_change_is_refused_for_it(gate: Gate) -> None:
    told = gate.ok("SetMarginRegime", request("span", validate_only=True))
    assert (told.allowed, told.reject_reason) == (False, types.REJECT_REASON_NOT_QUALIFIED)
    assert told.detail == "experience below the tier 1 of the regime"
    assert told.HasField("after")
    assert told.account.version == shown(gate).account.version
    refused = gate.answer("SetMarginRegime", request("span"))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, "NOT_QUALIFIED")
    tier = gate.ok(
        "SetExperience",
        admin.SetExperienceRequest(request_id="e", account="a", experience_tier=1),
    )
    assert tier.experience_tier == shown(gate).account.experience_tier == 1
    assert gate.ok("SetMarginRegime", request("span")).allowed


def test_force_needs_a_reason_and_is_no_preview(gate: Gate) -> None:
    def fields(answer: Answer) -> tuple[Code, tuple[str, ...]]:
        return answer.code, answer.fields

    bare = gate.answer("SetMarginRegime", request("span", force=True))
    assert fields(bare) == (Code.INVALID_ARGUMENT, ("reason",))
    both = request("span", force=True, reason="why", validate_only=True)
    assert fields(gate.answer("SetMarginRegime", both)) == (Code.INVALID_ARGUMENT, ("force",))
    spam = gate.answer("SetMarginRegime", request("spam"))
    assert fields(spam) == (Code.INVALID_ARGUMENT, ("model",))
    high = admin.SetExperienceRequest(request_id="e", account="a", experience_tier=10)
    assert gate.answer("SetExperience", high).fields == ("experience_tier",)
    assert gate.ok("SetMarginRegime", request("span", force=True, reason="why")).allowed


def test_grace_fall_back_and_margin_call_are_shown(gate: Gate) -> None:
    stated = [
        types.Position(instrument="NEAR", quantity="30"),
        types.Position(instrument="FAR", quantity="-30"),
    ]
    gate.ok("SetPositions", pb.SetPositionsRequest(request_id="p", account="a", positions=stated))
    gate.ok("SetMarginRegime", request("span", force=True, reason="why"))
    withdrawn = pb.AdjustCollateralRequest(
        request_id="w", account="a", currency="USD", amount="-30000"
    )
    gate.ok("AdjustCollateral", withdrawn)
    assert not shown(gate).account.HasField("unqualified_since_time")

    def look(monotonic_ns: int) -> None:
        gate.lane.decide(lambda desk, now_ns: desk.qualifications.look(monotonic_ns, now_ns))

    look(0)
    assert shown(gate).account.unqualified_since_time == gate.sent_time()
    look(0)
    look(2 * SPAN_ASKS.grace_ns)
    after = shown(gate)
    assert (after.account.model, after.account.HasField("unqualified_since_time")) == (
        "cross",
        False,
    )
    assert after.account.liquidation_not_before_time.seconds == gate.sent_time().seconds + 60
    assert float(after.margin_call) == -float(after.risk.headroom) > 0


def test_every_model_is_listed_with_what_it_is(gate: Gate) -> None:
    span, cross = gate.ok("ListModels", market.ListModelsRequest()).models
    assert (span.model, span.opening, cross.model, cross.opening) == ("span", True, "cross", False)
    assert (span.regime, cross.regime) == (
        types.MARGIN_REGIME_PORTFOLIO,
        types.MARGIN_REGIME_CROSS,
    )
    assert (span.equity_basis, cross.equity_basis) == (
        types.EQUITY_BASIS_WITH_OPTION_VALUE,
        types.EQUITY_BASIS_WITHOUT_OPTION_VALUE,
    )
    assert (span.worst_fill, cross.worst_fill) == (types.EXACTNESS_EXACT, types.EXACTNESS_BOUND)
    assert cross.parameters_digest == gate.next_terms.others["cross"].parameters_digest
    assert len(span.scenario_descriptions) == 16
    assert not cross.scenario_descriptions


def test_a_risk_array_is_that_of_the_model_asked_for(gate: Gate) -> None:
    by_default = gate.ok("GetRiskArray", market.GetRiskArrayRequest(instrument="CALL"))
    by_name = gate.ok("GetRiskArray", market.GetRiskArrayRequest(instrument="CALL", model="span"))
    assert by_default == by_name
    cross = gate.ok("GetRiskArray", market.GetRiskArrayRequest(instrument="CALL", model="cross"))
    assert (cross.model, list(cross.pnl_per_lot)) == ("cross", [])
    assert cross.short_option_minimum_per_lot > by_default.short_option_minimum_per_lot
    unknown = gate.answer("GetRiskArray", market.GetRiskArrayRequest(instrument="CALL", model="x"))
    assert (unknown.code, unknown.fields) == (Code.INVALID_ARGUMENT, ("model",))


def test_reloading_changes_decisions_between_two_of_them_and_only_when_something_differs(
    gate: Gate,
) -> None:
    gate.ok("SetMarginRegime", request("cross"))
    before = gate.check(order(leg("NEAR", "0.1", "101000"), order_id="o-1"), "r-1").decision
    again = gate.ok("ReloadParameters", admin.ReloadParametersRequest())
    assert not again.changed
    gate.next_terms = terms()
    answer = gate.ok("ReloadParameters", admin.ReloadParametersRequest())
    assert answer.changed
    assert [each.model for each in answer.models] == ["cross", "span"]
    after = gate.check(order(leg("NEAR", "0.1", "101000"), order_id="o-2"), "r-2").decision
    assert after.basis.market_version == before.basis.market_version
    gate.quote(index=101_000.0)
    assert gate.check(order(leg("NEAR", "0.1", "101000"), order_id="o-3"), "r-3").decision.after


def test_terms_that_lack_what_accounts_have_leave_the_old_ones_in_force(gate: Gate) -> None:
    gate.ok("SetMarginRegime", request("cross"))
    gate.next_terms = replace(terms(), others={})
    refused = gate.answer("ReloadParameters", admin.ReloadParametersRequest())
    assert (refused.code, refused.fields) == (Code.INVALID_ARGUMENT, ("model_parameters",))
    assert "cross" in gate.builder.terms.models
    assert gate.check(order(leg("NEAR", "0.1", "101000"))).decision.basis.model == "cross"


@pytest.mark.parametrize("keeps_failed", [False, True])
def test_after_a_reload_whose_commit_failed_the_new_terms_are_in_force(
    gate: Gate, keeps_failed: bool
) -> None:
    """Whether the log kept the event or lost it: what decides is what the log says decides."""
    gate.next_terms = terms()
    gate.store.keeps_failed = keeps_failed
    gate.store.before_append = fails_once(StoreFailure("append", EIO, "planned"))
    down = gate.answer("ReloadParameters", admin.ReloadParametersRequest())
    assert (down.code, down.reason) == (Code.UNAVAILABLE, "LEDGER_DOWN")
    gate.recover()
    state = gate.lane.look(lambda desk, _: desk.shard.state)
    assert state.policy.qualifications == ()
    assert gate.ok("SetMarginRegime", request("span")).allowed
