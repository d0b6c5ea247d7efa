"""System calls on the ledger that fail under a serving server: it fails closed, tells, and heals.

strace makes the calls of the running process fail and lets them work again.
"""

from dataclasses import dataclass
from pathlib import Path
from time import sleep

import grpc
import pytest
from google.protobuf.message import Message

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from tests.faults.effort import IS_LONG
from tests.faults.serving import (
    BUY,
    PERPETUAL,
    Told,
    expect_kept,
    held,
    load,
    open_account,
    served,
)
from tests.faults.tracing import failing, injected
from tests.integration.main_job.server import Server
from tests.integration.support.pages import counts, readiness, wait_until
from tests.integration.support.wire import CALL_SECONDS_MAX, Wire, connected, now, order

SLOW_MICROSECONDS = 800_000
MOVING = "--seed=7"
DOWN = (grpc.StatusCode.UNAVAILABLE, "LEDGER_DOWN")


@dataclass(frozen=True, slots=True)
class Fault:
    """Calls, and what happens to them from the n-th on (in each thread, n counts anew)."""

    calls: str
    what: str

    @property
    def is_for_good(self) -> bool:
        """True when every such call fails."""
        return self.what.endswith("when=1+")


SYNCS = Fault("fdatasync,fsync", "error=EIO:when=1+")
FAULTS = [SYNCS, Fault("pwrite64", "error=ENOSPC:when=1+")]
MORE_FAULTS = [
    Fault("pwrite64", "error=EIO:when=1+"),
    Fault("fdatasync", "error=EIO:when=2+"),
    Fault("fdatasync", "error=EIO:when=3+5"),
    Fault("pwrite64", "error=EIO:when=7+3"),
    Fault("pwrite64", "error=EDQUOT:when=3+"),
    Fault("pwrite64,fdatasync,fsync,ftruncate,rename", "error=EROFS:when=1+"),
]


def expect_down_and_told(server: Server, wire: Wire) -> None:
    """Health, readiness, metrics and the log all say that nothing is accepted now."""
    assert not wire.is_healthy()
    assert not wire.is_healthy("margingate.v1.MarginService")
    status, body = readiness(server.http_port)
    assert (status, body["checks"]["ledger"]) == (503, False)
    assert not counts(server.http_port, "margingate_ledger_healthy"), "the metric says 1"
    assert counts(server.http_port, "margingate_journal_errors")
    assert any('"ledger_down"' in line for line in server.log)


def expect_up_and_told(server: Server, wire: Wire) -> None:
    wait_until(wire.is_healthy, "the ledger is up again")
    assert readiness(server.http_port)[0] == 200
    assert counts(server.http_port, "margingate_ledger_healthy")
    assert any('"ledger_recovered"' in line for line in server.log)


@pytest.mark.timeout(900)
def test_failing_calls_stop_every_answer_and_the_server_heals_by_itself(tmp_path: Path) -> None:
    told = Told()
    with served(tmp_path / "ledger") as server, connected(server.target) as wire:
        open_account(wire)
        with load(server.target, told, "load"):
            for number, fault in enumerate((FAULTS + MORE_FAULTS) * 3 if IS_LONG else FAULTS):
                sleep(0.1)
                fail_and_heal(server, wire, told, fault, tmp_path / f"trace-{number}")
            sleep(0.1)
        assert len(told.acknowledged) > 10
        assert set(told.statuses) == {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
        wait_until(wire.is_healthy, "the ledger is up again")
        expect_kept(wire, told)
    with served(tmp_path / "ledger") as again, connected(again.target) as wire:
        expect_kept(wire, told)


@pytest.mark.timeout(600)
@pytest.mark.skipif(not IS_LONG, reason="in the long version: make faults")
@pytest.mark.parametrize("name", ["ledger.sqlite", "market.sqlite"])
@pytest.mark.parametrize("calls", ["fdatasync,fsync", "pwrite64"])
def test_one_database_that_fails_alone_loses_nothing_of_the_other(
    tmp_path: Path, name: str, calls: str
) -> None:
    """The market moves, so that decisions cite prices that are not written yet."""
    told = Told()
    ledger = tmp_path / "ledger"
    with served(ledger, market=MOVING) as server, connected(server.target) as wire:
        open_account(wire)
        with load(server.target, told, "load"):
            for number in range(5):
                sleep(1)
                trace = tmp_path / f"trace-{number}"
                paths = (ledger / name, ledger / f"{name}-wal")
                with failing(server.process.pid, calls, "error=EIO:when=1+", trace, *paths):
                    wait_until(lambda: not wire.is_healthy(), f"{name} is noticed")
                    sleep(1)
                assert injected(trace)
                wait_until(wire.is_healthy, "the ledger is up again")
        wait_until(wire.is_healthy, "the ledger is up again")
        expect_kept(wire, told)
    with served(ledger, market=MOVING) as again, connected(again.target) as wire:
        expect_kept(wire, told)


def fail_and_heal(server: Server, wire: Wire, told: Told, fault: Fault, trace: Path) -> None:
    """Have the calls fail until it is noticed, and wait until the server serves again."""
    with failing(server.process.pid, fault.calls, fault.what, trace):
        wait_until(lambda: not wire.is_healthy(), f"{fault} is noticed")
        if fault.is_for_good:
            expect_down_and_told(server, wire)
            before = len(told.acknowledged)
            sleep(3.0 if IS_LONG else 0.4)
            assert len(told.acknowledged) == before, "an answer while nothing can be durable"
            expect_down_and_told(server, wire)
    assert injected(trace)
    expect_up_and_told(server, wire)


BINDING = {
    "CheckOrder": margin.CheckOrderRequest(
        request_id="r-void", account="a", order=order("o-void", BUY), sent_time=now()
    ),
    "ReleaseAll": margin.ReleaseAllRequest(request_id="all", account="a"),
}
READING = {
    "PreviewOrder": margin.PreviewOrderRequest(account="a", order=order("", BUY)),
    "GetMaxOrderSize": margin.GetMaxOrderSizeRequest(
        account="a", instrument=PERPETUAL, buy_price="1000", sell_price="90000"
    ),
    "GetDecision": margin.GetDecisionRequest(account="a", request_id="r-kept"),
    "ListOrders": margin.ListOrdersRequest(account="a"),
    "AccountService/GetAccount": accounts.GetAccountRequest(account="a"),
    "AccountService/GetMargin": accounts.GetMarginRequest(account="a"),
    "MarketService/GetMarket": market.GetMarketRequest(page_size=1),
    "MarketService/GetRiskArray": market.GetRiskArrayRequest(instrument=PERPETUAL),
    "MarketService/ListModels": market.ListModelsRequest(),
}


def call(wire: Wire, name: str, request: Message) -> None:
    path = name if "/" in name else f"MarginService/{name}"
    wire.method(path)(request, timeout=CALL_SECONDS_MAX)


def test_while_the_ledger_fails_nothing_binds_and_what_only_looks_goes_on(tmp_path: Path) -> None:
    with served(tmp_path / "ledger") as server, connected(server.target) as wire:
        open_account(wire)
        kept = wire.check("r-kept", order("o-kept", BUY))
        with failing(server.process.pid, SYNCS.calls, SYNCS.what, tmp_path / "trace"):
            for name, request in BINDING.items():
                refused = wire.refusal(lambda: call(wire, name, request))  # noqa: B023 - called here
                assert (refused.code, refused.reason) == DOWN, name
            expect_down_and_told(server, wire)
            # What is durable is folded anew by the upkeep, once a second.
            for name, request in READING.items():
                wait_until(lambda: is_answered(wire, name, request), name)  # noqa: B023 - as above
            # What was decided and is void is not shown.
            assert list(held(wire)) == ["o-kept"]
            expect_down_and_told(server, wire)
        expect_up_and_told(server, wire)
        # The disk may have taken the order that nobody was told of.
        assert set(held(wire)) in ({"o-kept"}, {"o-kept", "o-void"})
        asked = margin.GetDecisionRequest(account="a", request_id="r-kept")
        found = wire.margin.GetDecision(asked, timeout=CALL_SECONDS_MAX)
        assert found.decision == kept.decision


def is_answered(wire: Wire, name: str, request: Message) -> bool:
    """False when a read is refused because the ledger is down."""
    try:
        call(wire, name, request)
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
        return False
    return True


def test_a_hold_whose_reply_could_not_be_sent_is_found_by_its_request_id(tmp_path: Path) -> None:
    """The client gives up before the commit ends; the order is decided and held all the same."""
    request = margin.CheckOrderRequest(
        request_id="r-unheard", account="a", order=order("o-unheard", BUY), sent_time=now()
    )
    slow = f"delay_enter={SLOW_MICROSECONDS}"
    with served(tmp_path / "ledger") as server, connected(server.target) as wire:
        open_account(wire)
        with failing(server.process.pid, "fdatasync", slow, tmp_path / "trace"):
            with pytest.raises(grpc.RpcError) as unheard:
                wire.margin.CheckOrder(request, timeout=SLOW_MICROSECONDS / 4e6)
            assert unheard.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            asked = margin.GetDecisionRequest(account="a", request_id="r-unheard")
            found = wire.margin.GetDecision(asked, timeout=CALL_SECONDS_MAX)
        assert found.decision.verdict == types.VERDICT_ACCEPTED
        assert held(wire) == {"o-unheard": "r-unheard"}
        again = wire.margin.CheckOrder(request, timeout=CALL_SECONDS_MAX)
        assert again.replayed
        assert again.decision == found.decision
