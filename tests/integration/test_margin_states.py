"""Margin states in a real server: what orders pass, what is published, and what a replay says."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from margingate_server.cli.exit_codes import OK
from margingate_server.client import AlertKind, MarginGate, StreamAlertsResponse
from margingate_server.client.accounts import StatedPosition
from tests.integration.main_job.server import Server, start_server
from tests.integration.support.wire import Wire, connected, leg, order
from tests.integration.test_alert_streams import PERPETUAL, quotes
from tests.integration.test_replay import counted, replayed

STEPS = (100_000.0, 97_000.0, 94_000.0, 91_000.0, 88_500.0, 86_000.0)
CALLED, LIQUIDATED = 86_000.0, 83_500.0
UP = (85_500.0, 88_000.0, 90_500.0, 93_000.0, 96_000.0, 99_000.0, 102_000.0)
PAUSE_SECONDS = 0.3
QUICK = """\
[warning]
margin_ratio = 0.80
margin_ratio_to_leave = 0.75
headroom = 0.10
headroom_to_leave = 0.12
dwell_seconds = 0
[leaving]
equity_gap = 0.02
dwell_seconds = 0.5
[unknown]
dwell_seconds = 5
"""
Alerts = Iterator[StreamAlertsResponse]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policy.toml").write_text('liquidation_orders = "none"\n')
    (tmp_path / "monitoring.toml").write_text(QUICK)
    return tmp_path


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    flags = ("--feed", "none", "--policy", str(folder / "policy.toml"))
    server = start_server(
        (*flags, "--monitoring", str(folder / "monitoring.toml")), folder / "ledger"
    )
    try:
        yield server
    finally:
        server.end()


def move(wire: Wire, *prices: float) -> None:
    """One price after the other, none of them a jump."""
    for price in prices:
        wire.market.PublishQuotes(quotes(price))
        Event().wait(PAUSE_SECONDS)


def state_after(alerts: Alerts, wanted: int) -> list[int]:
    """The states that are published, up to one that is waited for."""
    states: list[int] = []
    for each in alerts:
        if each.HasField("alert"):
            states.append(each.alert.to_state)
            if states[-1] == wanted:
                return states
    raise AssertionError(states)


def reason(wire: Wire, request_id: str, lots: str, price: float) -> int:
    """Why an order for a tenth of a coin is refused, UNSPECIFIED when it is accepted."""
    answer = wire.check(request_id, order(request_id, leg("PERPETUAL", lots, str(price))))
    return answer.decision.reject_reason


def test_orders_follow_the_instant_states_are_published_and_a_replay_finds_them_again(
    folder: Path,
) -> None:
    """[MON-01] [MON-04] [MON-08] [MON-10] [MON-11]"""
    with (
        running(folder) as server,
        MarginGate.connect(server.target) as gate,
        connected(server.target) as wire,
    ):
        wire.market.PublishInstruments(market.PublishInstrumentsRequest(instruments=[PERPETUAL]))
        move(wire, STEPS[0])
        gate.accounts.create("a")
        gate.accounts.adjust_collateral("a", "USD", 25_000)
        gate.accounts.set_positions("a", [StatedPosition("PERPETUAL", 1)])
        alerts = gate.watching.alerts(0, kinds=[AlertKind.MARGIN_STATE_CHANGED])
        move(wire, *STEPS[1:])
        assert state_after(alerts, accounts.MARGIN_STATE_MARGIN_CALL)
        assert reason(wire, "call-buy", "0.1", CALLED) == types.REJECT_REASON_STILL_UNDERMARGINED
        assert reason(wire, "call-sell", "-0.1", CALLED) == types.REJECT_REASON_UNSPECIFIED
        move(wire, LIQUIDATED)
        assert state_after(alerts, accounts.MARGIN_STATE_LIQUIDATION)
        left = types.REJECT_REASON_ACCOUNT_IN_LIQUIDATION
        assert reason(wire, "sell", "-0.1", LIQUIDATED) == left
        move(wire, *UP)
        assert state_after(alerts, accounts.MARGIN_STATE_HEALTHY)
        every = [each.alert.to_state for each in past(gate)]
    with running(folder) as server, MarginGate.connect(server.target) as gate:
        assert [each.alert.to_state for each in past(gate)] == every
    result = replayed(folder / "ledger")
    assert result.exit_code == OK, result.output
    assert counted(result, "margin_state_changed") == [len(every), 0, 0]


def past(gate: MarginGate) -> list[StreamAlertsResponse]:
    """Every change of a state that there was."""
    found = []
    for each in gate.watching.alerts(0, kinds=[AlertKind.MARGIN_STATE_CHANGED]):
        if each.caught_up:
            return found
        if each.HasField("alert"):
            found.append(each)
    return found
