"""Alerts over the wire: within a second of their cause, and none missed whatever goes away."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from time import perf_counter
from typing import Self

import pytest

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from margingate_server.client import (
    AlertKind,
    MarginGate,
    MargingateCallError,
    RetryPolicy,
    StreamAlertsResponse,
    buy,
    new_id,
)
from margingate_server.client.accounts import StatedPosition
from tests.integration.main_job.server import Server, start_server
from tests.integration.support.wire import connected, now

FROZEN = ("--feed", "simulated", "--freeze")
PATIENT = RetryPolicy(tries_max=200, pause_seconds_first=0.02, pause_seconds_max=0.1)
SUSPENSIONS = (AlertKind.ACCOUNT_SUSPENDED, AlertKind.ACCOUNT_RESUMED)
ALERTS_MEASURED = 200
ORDER = buy("10", "BTC-PERPETUAL", "1000")
RECONNECTS = 20
SECONDS_MAX = 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("alerts")) as started:
        with connect(started) as gate:
            opened(gate)
        yield started


@contextmanager
def running(folder: Path, *flags: str) -> Iterator[Server]:
    server = start_server(flags or FROZEN, folder)
    try:
        yield server
    finally:
        server.end()


def connect(server: Server) -> MarginGate:
    return MarginGate.connect(server.target, retry=PATIENT)


@dataclass
class Load:
    """Orders as fast as they are answered, from two routers, until it is stopped."""

    target: str
    checked: int = 0
    _stopping: Event = field(default_factory=Event)
    _threads: list[Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        for _ in range(2):
            thread = Thread(target=self._trade)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _trade(self) -> None:
        with MarginGate.connect(self.target, retry=PATIENT) as gate:
            while not self._stopping.is_set():
                order_id = new_id()
                with suppress(MargingateCallError):
                    gate.check_order("load", ORDER, order_id=order_id)
                    gate.release_order("load", order_id)
                    self.checked += 1


@dataclass
class Alarms:
    """Suspends and resumes an account again and again; counts what was acknowledged."""

    target: str
    acknowledged: int = 0
    _stopping: Event = field(default_factory=Event)

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._ring)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _ring(self) -> None:
        with MarginGate.connect(self.target, retry=PATIENT) as gate:
            while not self._stopping.wait(0.005):
                # A repeated request whose first answer was lost is one suspension all the same.
                gate.admin.suspend_account("a")
                gate.admin.resume_account("a")
                self.acknowledged += 2


def opened(gate: MarginGate) -> None:
    for account in ("a", "load"):
        gate.accounts.create(account)
        gate.accounts.adjust_collateral(account, "USD", 1_000_000)


def percentiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    at = {name: ordered[int(share * (len(ordered) - 1))] for name, share in SHARES.items()}
    return "  ".join(f"{name} {1e3 * value:.1f} ms" for name, value in at.items())


SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


def test_an_alert_arrives_within_a_second_of_the_call_that_causes_it_also_under_load(
    server: Server,
) -> None:
    with connect(server) as gate, connect(server) as listener:
        alerts = listener.watching.alerts(kinds=SUSPENSIONS)
        assert next(alerts).caught_up
        delays: list[float] = []
        with Load(server.target) as load:
            for number in range(ALERTS_MEASURED):
                started = perf_counter()
                change = gate.admin.resume_account if number % 2 else gate.admin.suspend_account
                change("a")
                arrived = next_alert(alerts)
                delays.append(perf_counter() - started)
                assert arrived.alert.kind == (
                    accounts.ALERT_KIND_ACCOUNT_RESUMED
                    if number % 2
                    else accounts.ALERT_KIND_ACCOUNT_SUSPENDED
                )
    said = f"alert after its cause, beside {load.checked} orders: {percentiles(delays)}"
    print(said)  # noqa: T201 - what was measured belongs into the test's log
    assert max(delays) < 1.0
    assert load.checked > 0


def next_alert(alerts: Iterator[StreamAlertsResponse]) -> StreamAlertsResponse:
    return next(each for each in alerts if each.HasField("alert"))


def test_none_is_missed_and_none_comes_twice_over_reconnects_under_load(server: Server) -> None:
    with connect(server) as gate:
        first = cursor = next(gate.watching.alerts()).cursor
    seen: list[int] = []
    with Load(server.target), Alarms(server.target) as alarms:
        for turn in range(RECONNECTS):
            with connect(server) as listener:
                for each in listener.watching.alerts(cursor, kinds=SUSPENSIONS):
                    cursor = each.cursor
                    seen += [each.cursor] * each.HasField("alert")
                    if len(seen) >= 10 * (turn + 1):
                        break
    with connect(server) as listener:
        seen += past(listener, cursor)
        assert seen == past(listener, first)
        assert len(seen) == alarms.acknowledged >= 10 * RECONNECTS


def past(gate: MarginGate, cursor: int) -> list[int]:
    """Cursors of all alerts after one, to the end of the ledger."""
    found: list[int] = []
    for each in gate.watching.alerts(cursor, kinds=SUSPENSIONS):
        if each.caught_up:
            return found
        found += [each.cursor] * each.HasField("alert")
    raise AssertionError("the stream ended")


def test_a_stream_goes_on_by_itself_when_the_server_is_killed_and_started_again(
    folder: Path,
) -> None:
    seen: list[int] = []
    with running(folder) as server:
        port = server.grpc_port
        flags = (*FROZEN, "--port", str(port))
        with connect(server) as gate:
            opened(gate)
        with connect(server) as gate, Load(server.target), Alarms(server.target) as alarms:
            alerts = gate.watching.alerts(0, kinds=SUSPENSIONS)
            servers = [server]
            for kill in (signal.SIGKILL, signal.SIGTERM):
                seen += [next_alert(alerts).cursor for _ in range(20)]
                servers[-1].process.send_signal(kill)
                servers[-1].process.wait(timeout=SECONDS_MAX)
                servers.append(start_server(flags, folder))
            seen += [next_alert(alerts).cursor for _ in range(20)]
        try:
            with connect(servers[-1]) as gate:
                every = past(gate, 0)
                seen += past(gate, seen[-1])
                assert seen == every
                assert len(every) >= alarms.acknowledged >= 60
        finally:
            servers[-1].end()


PERPETUAL = types.Instrument(
    instrument="PERPETUAL",
    kind=types.INSTRUMENT_KIND_PERPETUAL,
    underlying="BTC",
    settlement=types.SETTLEMENT_LINEAR,
    contract_size="1",
    lot_size="0.001",
    tick_size="0.5",
)
FALL = (100_000.0, 97_000.0, 94_000.0, 91_000.0, 88_500.0, 86_000.0, 83_500.0, 81_500.0)
"""Each step is less than data quality takes for a jump."""


def quotes(price: float) -> market.PublishQuotesRequest:
    return market.PublishQuotesRequest(
        market_time=now(),
        indices=[market.IndexQuote(underlying="BTC", price=price)],
        instruments=["PERPETUAL"],
        mark_prices=[price],
        mark_vols=[0.0],
        forward_prices=[0.0],
    )


def test_a_fall_of_prices_is_a_margin_call_and_a_liquidation_within_a_second(folder: Path) -> None:
    """From the call that brings the prices, over the revaluation of all accounts, to the client."""
    with (
        running(folder, "--feed", "none") as server,
        connect(server) as gate,
        connected(server.target) as wire,
    ):
        wire.market.PublishInstruments(market.PublishInstrumentsRequest(instruments=[PERPETUAL]))
        wire.market.PublishQuotes(quotes(FALL[0]))
        gate.accounts.create("a")
        gate.accounts.adjust_collateral("a", "USD", 25_000)
        gate.accounts.set_positions("a", [StatedPosition("PERPETUAL", 1)])
        alerts = gate.watching.alerts(kinds=[AlertKind.MARGIN_STATE_CHANGED])
        assert next(alerts).caught_up
        heard = Queue[tuple[float, StreamAlertsResponse]]()
        listening = Thread(target=listen, args=(alerts, heard), daemon=True)
        listening.start()
        published: list[float] = []
        for price in FALL[1:]:
            published.append(perf_counter())
            wire.market.PublishQuotes(quotes(price))
            Event().wait(0.3)
        delays, states = [], []
        while accounts.MARGIN_STATE_LIQUIDATION not in states:
            arrived_at, each = heard.get(timeout=SECONDS_MAX)
            delays.append(arrived_at - max(at for at in published if at <= arrived_at))
            states.append(each.alert.to_state)
            assert each.alert.account == "a"
            assert each.alert.HasField("positions_only")
    said = f"margin state after its prices: {percentiles(delays)}"
    print(said)  # noqa: T201 - what was measured belongs into the test's log
    assert accounts.MARGIN_STATE_MARGIN_CALL in states
    assert max(delays) < 1.0


def listen(
    alerts: Iterator[StreamAlertsResponse], heard: "Queue[tuple[float, StreamAlertsResponse]]"
) -> None:
    try:
        for each in alerts:
            if each.HasField("alert"):
                heard.put((perf_counter(), each))
    except MargingateCallError:
        return
