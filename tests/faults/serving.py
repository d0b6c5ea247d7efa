"""A real server under load: what its clients were told, and whether it stands by it."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread

import grpc

from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from tests.integration.main_job.server import ROOT, Server, _wait_until_serving
from tests.integration.support.wire import CALL_SECONDS_MAX, Wire, connected, leg, order

PERPETUAL = "BTC-PERPETUAL"
BUY = leg(PERPETUAL, "1000", "1000")
CLIENTS = 6
PAUSE_SECONDS, PAUSE_DOWN_SECONDS = 0.02, 0.2
SERVE = ("serve", "--host", "127.0.0.1", "--port", "0", "--http-port", "0", "--no-seed-accounts")


def start(
    folder: Path, environment: Mapping[str, str] | None = None, *, market: str = "--freeze"
) -> Server:
    """A server with its ledger in `folder`, when it says it serves; the market stands still."""
    process = subprocess.Popen(
        command(folder, market),
        cwd=ROOT,
        env=_environment(environment),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    server = Server(process)
    try:
        _wait_until_serving(server)
    except BaseException:
        server.end()
        raise
    return server


def refusal_to_start(folder: Path) -> str:
    """What a server says that cannot start; AssertionError when it can, or says a traceback."""
    ended = subprocess.run(
        command(folder),
        cwd=ROOT,
        env=_environment(None),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode not in {0, -9}
    assert "Traceback" not in ended.stderr
    return ended.stderr


def command(folder: Path, market: str = "--freeze") -> list[str]:
    """How a server is started."""
    program = [sys.executable, "-m", "margingate_server.cli", *SERVE]
    return [*program, "--data-dir", str(folder), market]


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    paths = [str(ROOT / part) for part in ("engine", "server", "proto/gen")]
    return {"PYTHONPATH": ":".join(paths), "PATH": "/usr/bin:/bin", **(more or {})}


@contextmanager
def served(
    folder: Path, environment: Mapping[str, str] | None = None, *, market: str = "--freeze"
) -> Iterator[Server]:
    """A server that is ended by force if the test does not end it."""
    server = start(folder, environment, market=market)
    try:
        yield server
    finally:
        server.end()


@dataclass(slots=True)
class Told:
    """What clients heard: the answer to a request id, or None when none came that binds.

    While the ledger is down prices grow old; an order refused for that may be sent again.
    """

    answers: dict[str, margin.CheckOrderResponse | None] = field(default_factory=dict)
    statuses: list[grpc.StatusCode] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    @property
    def acknowledged(self) -> dict[str, margin.CheckOrderResponse]:
        """Requests that were answered."""
        with self.lock:
            return {name: each for name, each in self.answers.items() if each is not None}

    def ask(self, wire: Wire, name: str) -> grpc.StatusCode:
        """Send one order, note what came back."""
        status, answer = grpc.StatusCode.OK, None
        try:
            answer = wire.check(f"r-{name}", order(f"o-{name}", BUY))
            if answer.decision.reject_reason == types.REJECT_REASON_MARKET_DATA_STALE:
                answer = None
        except grpc.RpcError as error:
            status = error.code()
        with self.lock:
            self.answers[name] = answer
            self.statuses.append(status)
        return status


@contextmanager
def load(target: str, told: Told, prefix: str) -> Iterator[None]:
    """Clients that send orders one after the other while the block runs."""
    ending = Event()

    def send(client: int) -> None:
        number = 0
        with connected(target) as wire:
            while not ending.is_set():
                number += 1
                status = told.ask(wire, f"{prefix}-{client}-{number}")
                is_ok = status is grpc.StatusCode.OK
                ending.wait(PAUSE_SECONDS if is_ok else PAUSE_DOWN_SECONDS)

    threads = [Thread(target=send, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ending.set()
        for thread in threads:
            thread.join(CALL_SECONDS_MAX)


def open_account(wire: Wire) -> None:
    """The account of these tests, rich enough for every order."""
    wire.open("a", USD="100000000", BTC="10000")


def expect_kept(wire: Wire, told: Told) -> None:
    """Every answer is what it was, every other request gets one answer, and the books agree."""
    for name, answer in told.acknowledged.items():
        assert answer.decision.verdict == types.VERDICT_ACCEPTED, answer
        request = margin.GetDecisionRequest(account="a", request_id=f"r-{name}")
        found = wire.margin.GetDecision(request, timeout=CALL_SECONDS_MAX)
        assert found.decision == answer.decision, name
    for name in [name for name, answer in told.answers.items() if answer is None]:
        first = wire.check(f"r-{name}", order(f"o-{name}", BUY))
        again = wire.check(f"r-{name}", order(f"o-{name}", BUY))
        assert again.replayed
        assert again.decision == first.decision, name
        told.answers[name] = first
    assert {f"o-{name}": f"r-{name}" for name in told.acknowledged} == held(wire)
    versions = {each.decision.basis.account_version for each in told.acknowledged.values()}
    assert len(versions) == len(told.acknowledged), "two decisions rest on one state"


def held(wire: Wire) -> dict[str, str]:
    """Open orders of the account and the requests that carried them."""
    found: dict[str, str] = {}
    token = ""
    while True:
        request = margin.ListOrdersRequest(account="a", page_size=1000, page_token=token)
        page = wire.margin.ListOrders(request, timeout=CALL_SECONDS_MAX)
        found |= {each.order_id: each.request_id for each in page.orders}
        token = page.next_page_token
        if not token:
            return found
