"""Watching an account at a real server: it follows the market; nobody pays for a stuck client."""

import signal
from collections.abc import Iterator
from threading import Event
from time import perf_counter

import grpc
import pytest

from margingate.v1 import account_service_pb2 as pb
from margingate_server.client import AccountRanking, MarginGate, RetryPolicy, buy
from margingate_server.client.accounts import StatedPosition
from tests.integration.main_job.server import Server, start_server
from tests.integration.support.wire import Wire, connected
from tests.unit.rpc.raw_watcher import RawWatcher
from tests.unit.rpc.stream_server import end_of

MOVING = ("--feed", "simulated")
SECONDS_MAX = 30
DROPPED = 'margingate_stream_ends_total{reason="slow_client"} 1.0'
TRADE = buy("10", "BTC-PERPETUAL")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = start_server(MOVING, tmp_path_factory.mktemp("watched"))
    try:
        with MarginGate.connect(started.target, retry=RetryPolicy(tries_max=10)) as gate:
            for account, lots in (("a", 50_000), ("b", 1_000_000)):
                gate.accounts.create(account)
                gate.accounts.adjust_collateral(account, "USD", 1_000_000)
                gate.accounts.set_positions(account, [StatedPosition("BTC-PERPETUAL", lots)])
        yield started
    finally:
        started.end()


def watch(wire: Wire) -> Iterator[pb.WatchAccountResponse]:
    request = pb.WatchAccountRequest(account="a")
    request.min_interval.FromMilliseconds(100)
    call: Iterator[pb.WatchAccountResponse] = wire.accounts.WatchAccount(
        request, timeout=SECONDS_MAX
    )
    return call


def test_a_watcher_sees_the_market_move_and_what_the_account_trades(server: Server) -> None:
    with connected(server.target) as wire, MarginGate.connect(server.target) as gate:
        messages = watch(wire)
        versions = [next(messages).basis.market_version for _ in range(4)]
        assert versions == sorted(set(versions))
        before = next(messages)
        gate.accounts.set_positions("a", [StatedPosition("BTC-PERPETUAL", 100_000)])
        after = next(
            each for each in messages if each.basis.account_version > before.basis.account_version
        )
        grown = float(after.positions_only.initial_margin)
        assert grown > 1.5 * float(before.positions_only.initial_margin) > 0
        assert after.state == pb.MARGIN_STATE_HEALTHY


def test_a_stuck_client_is_dropped_and_costs_others_nothing(server: Server) -> None:
    with (
        connected(server.target) as wire,
        MarginGate.connect(server.target) as gate,
        RawWatcher(server.grpc_port, window_bytes=600),
    ):
        messages, slowest = watch(wire), 0.0
        give_up = perf_counter() + SECONDS_MAX
        while DROPPED not in server.fetch("/metrics"):
            assert perf_counter() < give_up
            assert next(messages).account == "a"
            started = perf_counter()
            gate.preview_order("b", TRADE)
            slowest = max(slowest, perf_counter() - started)
        assert slowest < 1.0
        assert next(messages).account == "a"
    assert any("slow_client_dropped" in line for line in server.log)


def test_the_accounts_nearest_to_liquidation_come_first(server: Server) -> None:
    with MarginGate.connect(server.target, retry=RetryPolicy(tries_max=10)) as gate:
        answer = gate.accounts.rank(AccountRanking.RATIO)
        while answer.account_count < 2 or not answer.accounts[0].margin_ratio:
            Event().wait(0.2)
            answer = gate.accounts.rank(AccountRanking.RATIO)
        assert [each.account for each in answer.accounts] == ["b", "a"]
        assert answer.accounts[0].margin_ratio > answer.accounts[1].margin_ratio > 0


def test_at_last_a_stop_tells_watchers_and_does_not_wait_for_them(server: Server) -> None:
    with connected(server.target) as wire:
        messages = watch(wire)
        next(messages)
        started = perf_counter()
        server.process.send_signal(signal.SIGTERM)
        assert end_of(messages)[:2] == (grpc.StatusCode.UNAVAILABLE, "STOPPING")
        assert perf_counter() - started < 5.0
        assert server.process.wait(timeout=SECONDS_MAX) == 0
