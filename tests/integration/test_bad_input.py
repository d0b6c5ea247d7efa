"""Bad input over the wire: named, harmless, and told without a word about our insides."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import grpc
import pytest

from margingate.v1 import admin_service_pb2, market_service_pb2
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from tests.integration.main_job.server import Server, start_server
from tests.integration.support.malformed import LEG, PERPETUAL, Malformed, check, every_malformed
from tests.integration.support.mutations import good_messages, mutated
from tests.integration.support.pages import counts
from tests.integration.support.wire import (
    CALL_SECONDS_MAX,
    Refusal,
    Wire,
    connected,
    leg,
    now,
    order,
)

Code = grpc.StatusCode
FUZZ_SECONDS = 4.0
FORBIDDEN = ("Traceback", "Error(", "Exception", ".py", "/work", "margingate_", "object at 0x")
ENGINE = ("margingate_decisions", "margingate_previews")


@dataclass(frozen=True, kw_only=True)
class Running:
    server: Server
    wire: Wire

    def state(self) -> dict[tuple[str, ...], float]:
        """Everything that bad input may not move: events made durable, decisions taken."""
        return counts(self.server.http_port, "margingate_journal_events", *ENGINE)

    def refusal(self, method: str, request: Any, **options: Any) -> Refusal:
        call = self.wire.method(method)
        return self.wire.refusal(lambda: call(request, timeout=CALL_SECONDS_MAX, **options))

    def decision(self, name: str, *legs: types.OrderLeg, **changes: Any) -> types.Decision:
        request = check(request_id=name, order=order(name, *legs), **changes)
        answer = self.wire.margin.CheckOrder(request, timeout=CALL_SECONDS_MAX)
        return answer.decision


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    server = start_server(["--freeze"], tmp_path_factory.mktemp("bad-input"))
    try:
        with connected(server.target) as wire:
            wire.open("a", USD="1000000", BTC="10")
            yield Running(server=server, wire=wire)
        assert not any("Traceback" in line or '"incident"' in line for line in server.log)
    finally:
        server.end()


def assert_discreet(refusal: Refusal) -> None:
    assert not [word for word in FORBIDDEN if word in refusal.text], refusal.text
    assert len(refusal.text) < 2_000


def assert_refused(running: Running, wrong: Malformed) -> None:
    refusal = running.refusal(wrong.method, wrong.request)
    assert refusal.code is Code.INVALID_ARGUMENT, (wrong.field, refusal)
    assert (refusal.reason, refusal.fields) == ("INVALID_FIELD", (wrong.field,))
    assert refusal.message.startswith(wrong.field)
    assert_discreet(refusal)


def test_every_mistake_is_named_changes_nothing_and_never_reaches_the_engine(
    running: Running,
) -> None:
    before, version = running.state(), running.wire.account().account.version
    wrong = every_malformed()
    assert len(wrong) > 120
    for each in wrong:
        assert_refused(running, each)
    assert running.state() == before
    assert running.wire.account().account.version == version


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff" * 100,
        b"\x0a\x7fab",
        b"\x0a\x02\xff\xfe",
        b"\x0b",
        check().SerializeToString()[:-3],
        margin.CheckOrderRequest(request_id="x" * (1 << 20)).SerializeToString(),
        margin.CheckOrderRequest(request_id="x" * (3 << 20)).SerializeToString(),
    ],
    ids=["noise", "cut", "bad UTF-8", "open group", "shortened", "over 1 MiB", "over 3 MiB"],
)
def test_bytes_that_are_no_message_are_refused_as_such(running: Running, raw: bytes) -> None:
    before = running.state()
    refusal = running.refusal("MarginService/CheckOrder", raw)
    assert (refusal.code, refusal.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD")
    assert refusal.fields == ("message",)
    assert_discreet(refusal)
    assert running.state() == before


def test_a_message_beyond_what_the_transport_takes_is_its_to_refuse(running: Running) -> None:
    refusal = running.refusal("MarginService/CheckOrder", b"\x0a" + b"x" * (5 << 20))
    assert (refusal.code, refusal.reason) == (Code.RESOURCE_EXHAUSTED, "")


def test_a_call_routed_by_another_account_is_refused(running: Running) -> None:
    refusal = running.refusal(
        "MarginService/CheckOrder", check(), metadata=(("x-account-id", "b"),)
    )
    assert (refusal.code, refusal.fields) == (Code.INVALID_ARGUMENT, ("account",))


def test_an_unknown_method_is_unimplemented(running: Running) -> None:
    assert running.refusal("MarginService/NoSuchMethod", b"").code is Code.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("request_", "method", "reason"),
    [
        (check(account="nobody"), "MarginService/CheckOrder", "ACCOUNT_NOT_FOUND"),
        (check(order=order("o", leg("BTC-NONE", "1", "1"))), "MarginService/CheckOrder", ""),
        (
            margin.ReleaseOrderRequest(request_id="x", account="nobody", order_id="o"),
            "MarginService/ReleaseOrder",
            "ACCOUNT_NOT_FOUND",
        ),
        (
            margin.GetDecisionRequest(account="a", request_id="never"),
            "MarginService/GetDecision",
            "REQUEST_NOT_FOUND",
        ),
    ],
)
def test_unknown_names_are_not_found_and_change_nothing(
    running: Running, request_: Any, method: str, reason: str
) -> None:
    before = running.state()
    refusal = running.refusal(method, request_)
    assert (refusal.code, refusal.reason) == (
        Code.NOT_FOUND,
        reason or "INSTRUMENT_NOT_FOUND",
    )
    assert_discreet(refusal)
    assert running.state() == before


def test_a_well_formed_order_that_cannot_be_is_ok_with_a_reason(running: Running) -> None:
    mark = next(
        each.mark_price
        for each in running.wire.market.GetMarket(
            market_service_pb2.GetMarketRequest(underlying="BTC", page_size=1_000),
            timeout=CALL_SECONDS_MAX,
        ).instruments
        if each.instrument.instrument == PERPETUAL
    )
    running.wire.admin.SetLimits(
        admin_service_pb2.SetLimitsRequest(
            request_id="collar", account="a", limits=admin_service_pb2.Limits(price_collar="0.1")
        ),
        timeout=CALL_SECONDS_MAX,
    )
    far = str(round(mark * 1.2))
    reasons = {
        "tick": running.decision("tick", leg(PERPETUAL, "10", "1000.3")),
        "lot": running.decision("lot", leg(PERPETUAL, "7", "1000")),
        "collar": running.decision("collar", leg(PERPETUAL, "10", far)),
        "huge": running.decision("huge", leg(PERPETUAL, "9" * 17 + "0", "1000")),
        "old": running.decision("old", LEG, sent_time=types_time(now().seconds - 3_700)),
    }
    assert {
        name: types.RejectReason.Name(each.reject_reason) for name, each in reasons.items()
    } == {
        "tick": "REJECT_REASON_OFF_TICK",
        "lot": "REJECT_REASON_OFF_LOT",
        "collar": "REJECT_REASON_PRICE_COLLAR",
        "huge": "REJECT_REASON_MAX_ORDER_QUANTITY",
        "old": "REJECT_REASON_REQUEST_EXPIRED",
    }
    assert all(each.verdict == types.VERDICT_REJECTED for each in reasons.values())


def types_time(seconds: int) -> Any:
    stamp = now()
    stamp.seconds = seconds
    return stamp


def test_a_market_order_without_a_collar_is_ok_with_a_reason(running: Running) -> None:
    running.wire.open("uncollared", USD="1000")
    decision = running.decision("market", leg(PERPETUAL, "10"), account="uncollared")
    assert decision.reject_reason == types.REJECT_REASON_PRICE_COLLAR


def test_an_expired_instrument_is_ok_with_a_reason(running: Running) -> None:
    # A listing with an expiry before the market's own time, on an underlying of the market.
    old = types.Instrument(
        instrument="BTC-1JAN01",
        kind=types.INSTRUMENT_KIND_FUTURE,
        underlying="BTC",
        settlement=types.SETTLEMENT_INVERSE,
        contract_size="1",
        lot_size="10",
        tick_size="0.5",
        expiry_time=types_time(978_336_000),
    )
    running.wire.market.PublishInstruments(
        market_service_pb2.PublishInstrumentsRequest(instruments=[old]), timeout=CALL_SECONDS_MAX
    )
    decision = running.decision("expired", leg("BTC-1JAN01", "10", "1000"))
    assert decision.reject_reason == types.REJECT_REASON_INSTRUMENT_NOT_TRADABLE
    assert decision.detail == "leg 0: expired"


def status_of(running: Running, path: str, raw: bytes) -> grpc.StatusCode:
    try:
        running.wire.method(path)(raw, timeout=CALL_SECONDS_MAX)
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()  # type: ignore[attr-defined]
        return code
    return Code.OK


def test_random_bytes_never_end_in_an_internal_error(running: Running) -> None:
    random = Random(20_250_321)
    good = good_messages()
    paths = sorted(good)
    tried = 0
    deadline = time.monotonic() + FUZZ_SECONDS
    seen: set[grpc.StatusCode] = set()
    while time.monotonic() < deadline:
        path = random.choice(paths)
        raw = mutated(random, good[path])
        tried += 1
        code = status_of(running, path, raw)
        assert code not in {Code.INTERNAL, Code.UNKNOWN}, (path, raw)
        seen.add(code)
    assert tried > 200
    assert {Code.OK, Code.INVALID_ARGUMENT} <= seen
