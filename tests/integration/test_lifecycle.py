"""A server's life: what it decides, what survives a restart, and when it refuses to serve."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from tests.integration.main_job.server import ROOT, Server, start_server
from tests.integration.support.golden import Golden
from tests.integration.support.golden_calls import (
    ThroughEngine,
    ThroughServer,
    ThroughService,
    risk_words,
)
from tests.integration.support.pages import readiness, wait_until
from tests.integration.support.wire import CALL_SECONDS_MAX, Wire, connected, leg, order

CASE = Golden.read("short_calls_and_a_hedge")
AGE_SECONDS_MAX = 1.0


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A server on the frozen simulated market, and where its ledger is."""
    folder = tmp_path_factory.mktemp("seeded")
    server = start_server(["--freeze"], folder)
    yield server, folder
    server.end()


def expected(check: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in check.items() if name not in {"request_id", "leg"}}


def unfed(folder: Path, ledger: Path, *more: str) -> Server:
    """A server that decides by the case's parameters and waits for prices."""
    return start_server(["--feed", "none", *CASE.files(folder), *more], ledger)


def serve_and_fail(folder: Path, *more: str) -> tuple[int, str]:
    """(exit code, what it said) of a server that cannot start."""
    paths = [str(ROOT / part) for part in ("engine", "server", "proto/gen")]
    ended = subprocess.run(
        [sys.executable, "-m", "margingate_server.cli", "serve", "--data-dir", str(folder), *more],
        cwd=ROOT,
        env={"PYTHONPATH": ":".join(paths), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in ended.stderr.splitlines() if not line.startswith("{")]
    assert "Traceback" not in ended.stderr
    return ended.returncode, "\n".join(said)


@pytest.mark.parametrize("way", [ThroughEngine, ThroughService])
def test_the_golden_case_is_decided_as_worked_by_hand(
    way: type[ThroughEngine] | type[ThroughService],
) -> None:
    made = way(CASE)
    assert made.positions_risk() == CASE.raw["positions_risk"]
    for check in CASE.raw["checks"]:
        assert made.check(check) == expected(check)


def test_the_golden_case_holds_over_grpc_and_after_a_restart(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    first = unfed(tmp_path, ledger, "--underlying-age-max", "3600", "--instrument-age-max", "3600")
    try:
        with connected(first.target) as wire:
            server = ThroughServer(CASE, wire)
            server.publish()
            server.open()
            assert server.positions_risk() == CASE.raw["positions_risk"]
            told = {}
            for check in CASE.raw["checks"]:
                told[check["request_id"]], replayed = server.decision(check)
                assert not replayed
                assert server.check(check) == expected(check)
        assert first.stop() == 0
    finally:
        first.end()
    again = unfed(tmp_path, ledger)
    try:
        with connected(again.target) as wire:
            assert_remembered(ThroughServer(CASE, wire), wire, told)
        assert again.stop() == 0
    finally:
        again.end()


def assert_remembered(server: ThroughServer, wire: Wire, told: dict[str, types.Decision]) -> None:
    """Yes and no are answered again before there is any price, the margin after there are."""
    for check in CASE.raw["checks"]:
        assert server.decision(check) == (told[check["request_id"]], True)
        request = margin.GetDecisionRequest(account="a", request_id=check["request_id"])
        found = wire.margin.GetDecision(request, timeout=CALL_SECONDS_MAX)
        assert found.decision == told[check["request_id"]]
    assert not wire.account().HasField("risk")
    server.publish()
    assert server.positions_risk() == CASE.raw["positions_risk"]
    held = wire.accounts.GetMargin(accounts.GetMarginRequest(account="a"), timeout=CALL_SECONDS_MAX)
    assert risk_words(held.risk) == CASE.raw["checks"][0]["after"]
    (open_order,) = wire.margin.ListOrders(
        margin.ListOrdersRequest(account="a"), timeout=CALL_SECONDS_MAX
    ).orders
    assert (open_order.order_id, open_order.request_id) == ("o-yes", "yes")


def test_without_prices_a_server_is_not_ready_and_with_them_until_they_are_old(
    tmp_path: Path,
) -> None:
    server = unfed(tmp_path, tmp_path / "ledger", "--underlying-age-max", str(AGE_SECONDS_MAX))
    try:
        with connected(server.target) as wire:
            assert not wire.is_healthy()
            status, body = readiness(server.http_port)
            assert (status, body["ready"]) == (503, False)
            assert body["checks"] == {"ledger": True, "market": False, "serving": True}

            golden = ThroughServer(CASE, wire)
            golden.publish()
            golden.open()
            assert readiness(server.http_port)[0] == 200
            assert_stale_after_the_limit(golden, wire)
            wait_until(lambda: not wire.is_healthy(), "health says that prices are old")
            assert readiness(server.http_port)[0] == 503

            golden.publish()
            wait_until(wire.is_healthy, "health says that prices are young again")
    finally:
        server.end()


def assert_stale_after_the_limit(golden: ThroughServer, wire: Wire) -> None:
    """Fresh prices decide, old ones refuse, fresh ones decide again."""
    request = margin.PreviewOrderRequest(account="a", order=CASE.order(CASE.raw["checks"][0]))

    def reason() -> int:
        answer = wire.margin.PreviewOrder(request, timeout=CALL_SECONDS_MAX)
        return int(answer.decision.reject_reason)

    def is_decided_when_fresh() -> bool:
        golden.publish()
        return reason() == types.REJECT_REASON_UNSPECIFIED

    wait_until(is_decided_when_fresh, "fresh prices decide")
    wait_until(lambda: reason() == types.REJECT_REASON_MARKET_DATA_STALE, "prices are too old")
    wait_until(is_decided_when_fresh, "fresh prices decide again")


def test_a_second_server_on_the_same_ledger_names_the_first(seeded: tuple[Server, Path]) -> None:
    server, folder = seeded
    code, said = serve_and_fail(folder, "--port", "0", "--http-port", "0")
    assert code == 1
    assert said == (
        f"margingate: cannot serve: process {server.process.pid} has the ledger in {folder}; "
        "give another --data-dir"
    )


def test_a_port_in_use_is_refused(seeded: tuple[Server, Path], tmp_path: Path) -> None:
    server, _ = seeded
    taken = str(server.grpc_port)
    code, said = serve_and_fail(tmp_path, "--port", taken, "--http-port", "0")
    # gRPC's core says something of its own before.
    assert code == 2
    assert said.splitlines()[-1] == f"margingate: port: {taken} cannot be bound on 127.0.0.1"
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        http_port = str(listening.getsockname()[1])
        code, said = serve_and_fail(tmp_path, "--port", "0", "--http-port", http_port)
    assert code == 1
    assert said.startswith("margingate: cannot serve: ")
    assert "in use" in said


def test_an_open_host_without_tls_is_refused(tmp_path: Path) -> None:
    code, said = serve_and_fail(tmp_path, "--host", "0.0.0.0", "--port", "0", "--http-port", "0")  # noqa: S104
    assert (code, said) == (2, "margingate: host: must be loopback unless TLS is configured")


def test_the_log_has_a_line_of_json_for_every_change_and_none_for_a_look(tmp_path: Path) -> None:
    server = start_server(["--freeze"], tmp_path)
    try:
        with connected(server.target) as wire:
            wire.open("a", USD="1000")
            wire.check("the-check", order("the-order", leg("BTC-PERPETUAL", "10", "1000.3")))
            preview = margin.PreviewOrderRequest(
                account="a", order=order("the-preview", leg("BTC-PERPETUAL", "10", "1000"))
            )
            wire.margin.PreviewOrder(preview, timeout=CALL_SECONDS_MAX)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=30) == 0
        wait_until(lambda: '"stopped"' in "".join(server.log), "the last line is read")
    finally:
        server.end()
    lines = [json.loads(line) for line in server.log]
    assert [line["event"] for line in lines] == [
        *("serving", "CreateAccount", "AdjustCollateral", "CheckOrder", "stopped")
    ]
    (checked,) = [line for line in lines if line["event"] == "CheckOrder"]
    assert (checked["request_id"], checked["account"]) == ("the-check", "a")
    assert (checked["order_id"], checked["reason"]) == ("the-order", "off_tick")
    assert all(line["time"].endswith("Z") and line["level"] == "info" for line in lines)
