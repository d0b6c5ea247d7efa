"""`admin ...`."""

import pytest

from margingate.v1 import admin_service_pb2 as admin
from tests.unit.cli import answers
from tests.unit.cli.conftest import Run
from tests.unit.client.fake_server import FakeServer

SWITCH = admin.KillSwitch(
    scope=admin.KILL_SCOPE_UNDERLYING,
    subject="BTC",
    mode=admin.KILL_MODE_REDUCE_ONLY,
    engage_time=answers.AT,
    reason="index [in doubt]",
)
OWN = admin.Limits(max_order_notional="5000000")
EFFECTIVE = admin.Limits(max_order_notional="5000000", price_collar="0.1")


@pytest.mark.parametrize(("changed", "said"), [(True, "desk-1 suspended"), (False, "no change")])
def test_suspending_says_whether_it_changed_anything(
    run: Run, server: FakeServer, changed: bool, said: str
) -> None:
    server.answers("SuspendAccount", admin.SuspendAccountResponse(changed=changed))
    ran = run("admin", "suspend", "desk-1", "--reason", "late margin call")
    assert ran.code == 0
    assert said in ran.out
    assert server.asked("SuspendAccount")[0].reason == "late margin call"


def test_resuming_says_whether_it_changed_anything(run: Run, server: FakeServer) -> None:
    server.answers("ResumeAccount", admin.ResumeAccountResponse(changed=True))
    assert "desk-1 resumed" in run("admin", "resume", "desk-1").out


def test_a_kill_switch_is_engaged_as_typed(run: Run, server: FakeServer) -> None:
    server.answers("EngageKillSwitch", admin.EngageKillSwitchResponse(kill_switch=SWITCH))
    ran = run(
        "admin", "kill", "underlying", "BTC", "--mode", "reduce-only",
        "--reason", "index [in doubt]", "--request-id", "r-1",
    )  # fmt: skip
    assert server.asked("EngageKillSwitch") == [
        admin.EngageKillSwitchRequest(
            request_id="r-1",
            scope=admin.KILL_SCOPE_UNDERLYING,
            subject="BTC",
            mode=admin.KILL_MODE_REDUCE_ONLY,
            reason="index [in doubt]",
        )
    ]
    assert ran.row("underlying")[:3] == ["underlying", "BTC", "reduce"]
    assert "index [in doubt]" in ran.out


def test_a_kill_switch_blocks_everything_unless_told_otherwise(
    run: Run, server: FakeServer
) -> None:
    server.answers("EngageKillSwitch", admin.EngageKillSwitchResponse(kill_switch=SWITCH))
    run("admin", "kill", "all")
    (asked,) = server.asked("EngageKillSwitch")
    assert (asked.scope, asked.subject) == (admin.KILL_SCOPE_ALL, "")
    assert asked.mode == admin.KILL_MODE_BLOCK_ALL


def test_a_kill_switch_is_lifted(run: Run, server: FakeServer) -> None:
    server.answers("ReleaseKillSwitch", admin.ReleaseKillSwitchResponse(changed=True))
    ran = run("admin", "unkill", "account", "desk-1")
    assert ran.out.strip() == "kill switch of account desk-1 lifted"
    assert server.asked("ReleaseKillSwitch")[0].subject == "desk-1"


def test_limits_replace_all_earlier_ones(run: Run, server: FakeServer) -> None:
    server.answers("SetLimits", admin.SetLimitsResponse(effective=EFFECTIVE))
    ran = run(
        "admin", "set-limits", "desk-1", "--max-quantity", "10", "--max-quantity-usd", "1e6",
        "--max-notional", "5,000,000", "--request-id", "r-1",
    )  # fmt: skip
    assert server.asked("SetLimits") == [
        admin.SetLimitsRequest(
            request_id="r-1",
            account="desk-1",
            limits=admin.Limits(
                max_order_quantity="10",
                max_order_quantity_usd="1000000",
                max_order_notional="5000000",
            ),
        )
    ]
    assert ran.row("price collar")[-1] == "0.1"
    assert ran.row("order quantity, coins")[-1] == "–"


@pytest.mark.parametrize(
    "words", [("--collar", "0.1"), ("desk-1", "--default"), ("desk-1", "--collar", "0")]
)
def test_the_default_is_only_set_when_it_is_named(
    run: Run, server: FakeServer, words: tuple[str, ...]
) -> None:
    assert run("admin", "set-limits", *words).code == 2
    assert server.requests == []


def test_the_default_of_all_accounts_can_be_set(run: Run, server: FakeServer) -> None:
    server.answers("SetLimits", admin.SetLimitsResponse())
    assert run("admin", "set-limits", "--default", "--collar", "0.2").code == 0
    (asked,) = server.asked("SetLimits")
    assert (asked.account, asked.limits.price_collar) == ("", "0.2")


def test_limits_show_own_and_in_force_and_the_kill_switches(run: Run, server: FakeServer) -> None:
    server.answers(
        "GetLimits",
        admin.GetLimitsResponse(own=OWN, effective=EFFECTIVE, kill_switches=[SWITCH]),
    )
    ran = run("admin", "limits", "desk-1")
    assert ran.row("price collar")[-2:] == ["–", "0.1"]
    assert ran.row("underlying")[1] == "BTC"


@pytest.mark.parametrize("command", ["kill", "unkill"])
def test_a_scope_that_does_not_exist_is_a_usage_error(
    run: Run, server: FakeServer, command: str
) -> None:
    assert run("admin", command, "galaxy").code == 2
    assert server.requests == []
