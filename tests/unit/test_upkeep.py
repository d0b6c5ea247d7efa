"""What the upkeep of a real, small server does when its ledger goes down, one turn at a time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from margingate_server.app import Application
from margingate_server.config import ServerConfig
from margingate_server.ledger.store import CorruptLedger
from margingate_server.rpc.lane import LedgerDown
from margingate_server.service.desk import Desk
from margingate_server.service.regimes import RegimeCommand
from tests.unit.rpc.memory_store import disk_full

CONFIG = {"port": 0, "http_port": 0, "is_frozen": True, "snapshot_every": 0}

ASKS = """
[cross]
equity_to_enter = 5
equity_to_remain = 0
experience_tier_min = 0
kinds = []
underlyings = []
grace_days = 0
fallback = ""
liquidation_grace_days = 0
"""


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    """A server whose upkeep is not started: the tests take its turns."""
    made = Application(ServerConfig(data_dir=tmp_path, **CONFIG))  # type: ignore[arg-type]
    yield made
    made._upkeep.start()
    made.stop()


def accounts(desk: Desk, _now_ns: int) -> list[str]:
    return sorted(desk.shard.state.accounts)


def fail(application: Application, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise disk_full()

    monkeypatch.setattr(application._journal, name, failing)


def test_while_recovery_fails_what_is_durable_is_shown_and_then_all_goes_on(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane, upkeep = application._lane, application._upkeep
    told = lane.read(accounts)
    with monkeypatch.context() as patched:
        fail(application, "append", patched)
        fail(application, "reopen", patched)
        with pytest.raises(LedgerDown):
            lane.decide(lambda desk, now: desk.accounts.create("void", "default", "r", "d", now))
        upkeep.turn()
        assert lane.is_down
        assert lane.read(accounts) == lane.look(accounts) == told
        assert not application._health.readiness()["ledger"]
        with pytest.raises(LedgerDown):
            lane.decide(lambda _desk, _now: (None, 0))
    upkeep.turn()
    assert not lane.is_down
    assert lane.read(accounts) == told
    lane.decide(lambda desk, now: desk.accounts.create("new", "default", "r", "d", now))
    assert lane.read(accounts) == sorted([*told, "new"])


def test_a_step_that_fails_is_counted_and_the_others_are_taken(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    upkeep = application._upkeep
    turned_at = upkeep.turns.age_seconds
    with monkeypatch.context() as patched:
        fail(application, "reopen", patched)
        patched.setattr(type(upkeep), "expire_holds", lambda _: 1 // 0)
        application._lane.mark_down()
        upkeep.turn()
        assert upkeep.turns.error_count == 1
        assert upkeep.turns.age_seconds > turned_at
        assert application._lane.look(accounts), "what is durable is shown all the same"
    upkeep.turn()
    assert not application._lane.is_down
    assert upkeep.turns.error_count == 1


def test_the_room_left_for_the_ledger_is_told_every_second(application: Application) -> None:
    application._upkeep.turn()
    name = "margingate_ledger_disk_free_bytes"
    free = application._metrics.registry.get_sample_value(name)
    assert free is not None
    assert free > 0


def test_a_log_that_cannot_be_read_either_is_told_and_nothing_is_shown(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane, upkeep = application._lane, application._upkeep

    def unreadable(*_: object) -> None:
        raise CorruptLedger(1, "log", "flipped")

    with monkeypatch.context() as patched, capture_logs() as lines:
        fail(application, "reopen", patched)
        patched.setattr(application._store, "read", unreadable)
        lane.mark_down()
        upkeep.turn()
        with pytest.raises(LedgerDown):
            lane.look(accounts)
    assert {"ledger_failed", "ledger_not_shown"} <= {each["event"] for each in lines}
    upkeep.turn()
    assert lane.look(accounts)


def test_markets_that_cannot_be_pruned_take_the_ledger_down_until_it_is_opened_anew(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane, upkeep = application._lane, application._upkeep
    with monkeypatch.context() as patched:
        fail(application, "prune_markets", patched)
        upkeep.turn()
        assert lane.is_down
        assert lane.look(accounts)
    upkeep.turn()
    assert not lane.is_down


def test_who_does_not_qualify_any_more_is_told_in_the_log(application: Application) -> None:
    lane = application._lane
    (asked,) = [
        each for each in application._builder.terms.policy.qualifications if each.model == "span"
    ]

    def demand(desk: Desk, now_ns: int) -> tuple[None, int]:
        command = RegimeCommand(
            account="demo", model="span", request_id="r", digest="d", is_forced=True, reason="why"
        )
        _, seq = desk.regimes.set_regime(command, now_ns)
        desk.shard.state.accounts["demo"].portfolio.cash = {"USD": asked.equity_to_remain - 1}
        return None, seq

    lane.decide(demand)
    with capture_logs() as lines:
        application._upkeep.turn()
    (line,) = [each for each in lines if each["event"] == "qualification_lost"]
    assert (line["log_level"], line["account"]) == ("warning", "demo")
    assert line["equity"] == asked.equity_to_remain - 1
    assert lane.look(lambda desk, _: desk.shard.state.accounts["demo"].unqualified_since_ns)


def test_terms_whose_event_was_lost_come_into_force_with_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("")
    config = ServerConfig(data_dir=tmp_path / "ledger", policy_path=policy, **CONFIG)  # type: ignore[arg-type]
    application = Application(config)
    try:
        policy.write_text(ASKS)
        with monkeypatch.context() as patched:
            fail(application, "append", patched)
            with pytest.raises(LedgerDown):
                application._reload()
        application._upkeep.turn()
        state = application._lane.look(lambda desk, _now: desk.shard.state)
        assert [each.model for each in state.policy.qualifications] == ["cross"]
        assert application._reload()[1] is False
    finally:
        application._upkeep.start()
        application.stop()
