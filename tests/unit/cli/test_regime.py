"""`regime`, `reload` and `admin experience`."""

import pytest

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import admin_service_pb2 as admin
from margingate.v1 import types_pb2 as types
from margingate_server.cli.exit_codes import OK, REJECTED, USAGE
from tests.unit.cli import answers
from tests.unit.cli.conftest import Run
from tests.unit.client.fake_server import FakeServer

SUMMARY = accounts.AccountSummary(
    account="desk-1",
    fee_tier="vip",
    create_time=answers.AT,
    model="cross",
    regime=types.MARGIN_REGIME_CROSS,
    experience_tier=2,
    unqualified_since_time=answers.AT,
    liquidation_not_before_time=answers.AT,
)
MADE = accounts.SetMarginRegimeResponse(
    account=SUMMARY, before=answers.BEFORE, after=answers.AFTER, allowed=True
)
REFUSED = accounts.SetMarginRegimeResponse(
    account=SUMMARY,
    after=answers.AFTER,
    reject_reason=types.REJECT_REASON_NOT_QUALIFIED,
    detail="equity [below] it",
)


def test_without_a_model_the_regime_of_now_is_shown(run: Run, server: FakeServer) -> None:
    server.answers(
        "GetAccount",
        accounts.GetAccountResponse(
            account=SUMMARY, qualifying_equity="74999.5", margin_call="1234.5"
        ),
    )
    ran = run("regime", "desk-1")
    assert ran.row("model") == ["model", "cross", "(cross)"]
    assert ran.row("experience") == ["experience", "tier", "2"]
    assert "does not qualify since 2027-01-15" in ran.out
    assert "not before 2027-01-15" in ran.out
    assert ran.row("equity for it")[-1] == "74,999.50"
    assert ran.row("margin call")[-1] == "1,234.50"


def test_a_change_is_asked_for_as_typed_and_shows_both_margins(
    run: Run, server: FakeServer
) -> None:
    server.answers("SetMarginRegime", MADE)
    ran = run("regime", "desk-1", "cross", "--request-id", "r-1")
    assert ran.code == OK
    assert server.asked("SetMarginRegime") == [
        accounts.SetMarginRegimeRequest(request_id="r-1", account="desk-1", model="cross")
    ]
    assert "desk-1 is margined by cross" in ran.out
    assert ran.row("initial margin") == ["initial", "margin", "20,000.00", "120,000.50"]


def test_a_preview_that_says_no_ends_as_a_refused_order_does(run: Run, server: FakeServer) -> None:
    server.answers("SetMarginRegime", REFUSED)
    ran = run("regime", "desk-1", "span", "--validate-only")
    assert ran.code == REJECTED
    assert server.asked("SetMarginRegime")[0].validate_only
    assert "could not change to span: not qualified (equity [below] it)" in ran.out
    assert ran.row("initial margin") == ["initial", "margin", "120,000.50"]


def test_a_forced_change_carries_its_reason(run: Run, server: FakeServer) -> None:
    server.answers("SetMarginRegime", MADE)
    assert run("regime", "desk-1", "cross", "--force", "--reason", "ticket 5").code == OK
    asked = server.asked("SetMarginRegime")[0]
    assert (asked.force, asked.reason) == (True, "ticket 5")


@pytest.mark.parametrize(
    "words",
    [
        ("regime", "desk-1", "cross", "--force"),
        ("regime", "desk-1", "cross", "--reason", "why"),
        ("regime", "desk-1", "--validate-only"),
        ("admin", "experience", "desk-1", "10"),
    ],
)
def test_what_does_not_belong_together_is_a_usage_error(run: Run, words: tuple[str, ...]) -> None:
    assert run(*words).code == USAGE


@pytest.mark.parametrize(("changed", "said"), [(True, "are in force"), (False, "no change")])
def test_a_reload_says_what_is_in_force(
    run: Run, server: FakeServer, changed: bool, said: str
) -> None:
    models = [admin.LoadedModel(model="cross", parameters_digest="abcd")]
    server.answers(
        "ReloadParameters", admin.ReloadParametersResponse(changed=changed, models=models)
    )
    ran = run("reload")
    assert said in ran.out
    assert ran.row("cross") == ["cross", "abcd"]


def test_a_tier_of_experience_is_set(run: Run, server: FakeServer) -> None:
    server.answers("SetExperience", admin.SetExperienceResponse(experience_tier=3))
    assert "desk-1 has tier 3" in run("admin", "experience", "desk-1", "3").out
    assert server.asked("SetExperience")[0].experience_tier == 3
