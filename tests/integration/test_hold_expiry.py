"""Holds that end, at a real server: by the monotonic clock, and after a restart anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration

from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from margingate_server import app
from margingate_server.app import Application
from margingate_server.clock import SystemClock
from margingate_server.config import ServerConfig
from margingate_server.service.expiry import with_lag
from tests.integration.support.pages import counts, wait_until
from tests.integration.support.wire import CALL_SECONDS_MAX, Wire, connected, leg, now, order

PERPETUAL = "BTC-PERPETUAL"
HOLD_SECONDS = 1


@dataclass
class SkippingClock(SystemClock):
    """The machine's clocks, and what a test adds to them."""

    jumped_ns: int = 0
    skipped_seconds: float = 0.0

    def now_ns(self) -> int:
        return super().now_ns() + self.jumped_ns

    def seconds(self) -> float:
        return super().seconds() + self.skipped_seconds


@dataclass(frozen=True)
class Served:
    """A server, its clock, and calls to it."""

    application: Application
    clock: SkippingClock
    wire: Wire

    def open_orders(self) -> list[str]:
        answer = self.wire.margin.ListOrders(
            margin.ListOrdersRequest(account="a"), timeout=CALL_SECONDS_MAX
        )
        return [each.order_id for each in answer.orders]

    def wait_for_the_duration_to_start(self) -> None:
        wait_until(
            lambda: self.application._lane.look(lambda desk, _: bool(desk.expiries._queue)),
            "the duration started",
        )

    def skip(self, seconds: float) -> None:
        """Let monotonic time pass, and the upkeep see it."""
        self.clock.skipped_seconds += seconds
        self.application._upkeep.expire_holds()


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    clock = SkippingClock()
    config = ServerConfig(
        port=0, http_port=0, data_dir=folder, is_frozen=True, has_seed_accounts=False
    )
    application = Application(config, clock)
    application.start()
    try:
        with connected(f"127.0.0.1:{application.grpc_port}") as wire:
            yield Served(application, clock, wire)
    finally:
        application.stop()


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Upkeep many times a second."""
    monkeypatch.setattr(app, "UPKEEP_SECONDS", 0.05)


def accept(wire: Wire, order_id: str = "o") -> None:
    asked = order(order_id, leg(PERPETUAL, "1000", "1000"))
    asked.hold_duration.CopyFrom(Duration(seconds=HOLD_SECONDS))
    answer = wire.check(f"r-{order_id}", asked)
    assert answer.decision.verdict == types.VERDICT_ACCEPTED, answer


def test_a_hold_ends_when_its_time_is_over_and_a_later_fill_is_late(tmp_path: Path) -> None:
    enough = with_lag(HOLD_SECONDS * 10**9) / 1e9
    with served(tmp_path) as server:
        server.wire.open("a", USD="100000")
        accept(server.wire)
        server.wait_for_the_duration_to_start()
        for jump_ns in (10**9 * 30 * 60, -(10**9) * 30 * 60):
            server.clock.jumped_ns = jump_ns
            server.application._upkeep.expire_holds()
        server.clock.jumped_ns = 0
        assert server.open_orders() == ["o"]
        # The upkeep itself sees that the time is over.
        server.clock.skipped_seconds = enough
        wait_until(lambda: not server.open_orders(), "the hold ended")
        fill = server.wire.margin.ReportFill(
            margin.ReportFillRequest(
                fill_id="f", account="a", order_id="o", instrument=PERPETUAL,
                side=types.SIDE_BUY, quantity="1000", price="1000",
            ),
            timeout=CALL_SECONDS_MAX,
        )  # fmt: skip
        assert fill.flag == types.LIFECYCLE_FLAG_LATE
        assert [each.quantity for each in server.wire.account().positions] == ["1000"]
        events = counts(server.application.http_port, "margingate_journal_events_total")
        assert events["margingate_journal_events_total", "orders_expired"] == 1


def test_after_a_restart_the_whole_duration_runs_again(tmp_path: Path) -> None:
    enough = with_lag(HOLD_SECONDS * 10**9) / 1e9
    with served(tmp_path) as server:
        server.wire.open("a", USD="100000")
        accept(server.wire)
        server.wait_for_the_duration_to_start()
        server.skip(enough - 5)
        assert server.open_orders() == ["o"]
    with served(tmp_path) as server:
        server.wait_for_the_duration_to_start()
        server.skip(enough - 5)
        assert server.open_orders() == ["o"]
        server.skip(5)
        assert server.open_orders() == []
        again = margin.CheckOrderRequest(
            request_id="r-o", account="a", sent_time=now(),
            order=order("o", leg(PERPETUAL, "1000", "1000")),
        )  # fmt: skip
        again.order.hold_duration.CopyFrom(Duration(seconds=HOLD_SECONDS))
        answer = server.wire.margin.CheckOrder(again, timeout=CALL_SECONDS_MAX)
        assert (answer.replayed, answer.decision.verdict) == (True, types.VERDICT_ACCEPTED)
    with served(tmp_path) as server:
        assert server.open_orders() == []
