"""A disk that refuses: nobody is told yes, everybody is told so, and it heals by itself."""

import resource
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from google.protobuf.json_format import MessageToDict

from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from tests.integration.main_job.server import Server, start_server
from tests.integration.support.pages import counts, readiness, wait_until
from tests.integration.support.wire import (
    CALL_SECONDS_MAX,
    Refusal,
    Wire,
    connected,
    leg,
    now,
    order,
)

PERPETUAL = "BTC-PERPETUAL"
BUY = leg(PERPETUAL, "1000", "1000")
CLIENTS = 8


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = start_server(["--freeze"], tmp_path)
    yield started
    started.end()


@contextmanager
def full_disk(pid: int) -> Iterator[None]:
    """The process cannot make any file longer, as on a full disk."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def check_request(name: str) -> margin.CheckOrderRequest:
    return margin.CheckOrderRequest(
        request_id=f"r-{name}", account="a", order=order(f"o-{name}", BUY), sent_time=now()
    )


def refused(wire: Wire, name: str) -> Refusal:
    return wire.refusal(
        lambda: wire.margin.CheckOrder(check_request(name), timeout=CALL_SECONDS_MAX)
    )


def held(wire: Wire) -> list[str]:
    request = margin.ListOrdersRequest(account="a")
    listed = wire.margin.ListOrders(request, timeout=CALL_SECONDS_MAX)
    return [each.order_id for each in listed.orders]


def test_a_full_disk_stops_every_answer_and_heals_when_there_is_room_again(server: Server) -> None:
    with connected(server.target) as wire:
        wire.open("a", USD="100000", BTC="10")
        kept = wire.check("r-kept", order("o-kept", BUY))
        assert kept.decision.verdict == types.VERDICT_ACCEPTED
        assert wire.is_healthy()
        version = wire.account().account.version

        with full_disk(server.process.pid):
            names = [f"lost-{number}" for number in range(CLIENTS)]
            with ThreadPoolExecutor(CLIENTS) as clients:
                refusals = list(clients.map(lambda name: refused(wire, name), names))
            for each in refusals:
                assert (each.code, each.reason) == (grpc.StatusCode.UNAVAILABLE, "LEDGER_DOWN")
                assert str(server.process.pid) not in each.text
                assert "/" not in each.message
            assert not wire.is_healthy()
            assert not wire.is_healthy("margingate.v1.MarginService")
            status, body = readiness(server.http_port)
            assert (status, body["checks"]["ledger"]) == (503, False)
            release = margin.ReleaseAllRequest(request_id="x", account="a")
            unreleased = wire.refusal(
                lambda: wire.margin.ReleaseAll(release, timeout=CALL_SECONDS_MAX)
            )
            assert unreleased.code is grpc.StatusCode.UNAVAILABLE

        wait_until(wire.is_healthy, "the ledger is up again")
        assert readiness(server.http_port)[0] == 200
        assert counts(server.http_port, "margingate_journal_errors")
        told = {name: wire.check(f"r-{name}", order(f"o-{name}", BUY)) for name in names}
        # What the disk took without telling us is answered as it was decided then; the rest anew.
        assert all(each.decision.verdict == types.VERDICT_ACCEPTED for each in told.values())
        assert held(wire) == ["o-kept", *(f"o-{name}" for name in names)]
        assert wire.account().account.version == version + CLIENTS
        found = wire.margin.GetDecision(
            margin.GetDecisionRequest(account="a", request_id="r-kept"), timeout=CALL_SECONDS_MAX
        )
        assert MessageToDict(found.decision) == MessageToDict(kept.decision)
    assert server.stop() == 0


def answers(call: Callable[[], object]) -> bool:
    try:
        call()
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
        return False
    return True


def test_while_the_disk_is_full_looks_see_what_was_told_and_nothing_void(server: Server) -> None:
    asked = margin.PreviewOrderRequest(account="a", order=order("", BUY))
    with connected(server.target) as wire:
        wire.open("a", USD="100000", BTC="10")
        kept = wire.check("r-kept", order("o-kept", BUY))
        account = wire.account()
        preview = wire.margin.PreviewOrder(asked, timeout=CALL_SECONDS_MAX)
        with full_disk(server.process.pid):
            refused(wire, "void")
            wait_until(lambda: answers(wire.account), "what is durable is shown")
            assert held(wire) == ["o-kept"]
            assert wire.account() == account
            shown = wire.margin.PreviewOrder(asked, timeout=CALL_SECONDS_MAX).decision
            assert (shown.before, shown.after) == (preview.decision.before, preview.decision.after)
            page = wire.market.GetMarket(
                market.GetMarketRequest(page_size=1), timeout=CALL_SECONDS_MAX
            )
            assert page.market_version == shown.basis.market_version
            found = margin.GetDecisionRequest(account="a", request_id="r-kept")
            answer = wire.margin.GetDecision(found, timeout=CALL_SECONDS_MAX)
            assert answer.decision == kept.decision
            assert refused(wire, "more").reason == "LEDGER_DOWN"
            assert not wire.is_healthy()
        wait_until(wire.is_healthy, "the ledger is up again")
        assert wire.check("r-more", order("o-more", BUY)).decision.verdict == types.VERDICT_ACCEPTED
        assert "o-more" in held(wire)
    assert server.stop() == 0


def test_what_was_void_is_seen_by_nobody_and_what_was_told_is_there(server: Server) -> None:
    with connected(server.target) as wire:
        wire.open("a", USD="100000", BTC="10")
        wire.check("r-kept", order("o-kept", BUY))
        version = wire.account().account.version
        with full_disk(server.process.pid):
            assert refused(wire, "void").code is grpc.StatusCode.UNAVAILABLE
        wait_until(wire.is_healthy, "the ledger is up again")
        request = margin.GetDecisionRequest(account="a", request_id="r-void")
        missing = wire.refusal(lambda: wire.margin.GetDecision(request, timeout=CALL_SECONDS_MAX))
        assert missing.reason == "REQUEST_NOT_FOUND"
        assert held(wire) == ["o-kept"]
        assert wire.account().account.version == version
        account = wire.account()
    assert server.stop() == 0
    folder = Path(server.process.args[server.process.args.index("--data-dir") + 1])  # type: ignore[union-attr,index]
    again = start_server(["--freeze"], folder)
    try:
        with connected(again.target) as wire:
            assert held(wire) == ["o-kept"]
            assert wire.account().balances == account.balances
            assert wire.account().account.version == account.account.version
    finally:
        again.end()
