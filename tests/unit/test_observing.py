"""What the log says of requests: one line for each that may have changed something."""

import io
import json
from typing import Any

import pytest
import structlog
from google.protobuf.message import Message
from prometheus_client import CollectorRegistry

from margingate.v1 import margin_service_pb2, market_service_pb2, types_pb2
from margingate_server.observe.logs import Log, configure
from margingate_server.observe.metrics import Metrics
from margingate_server.observing import RequestObserving

PATH = "/margingate.v1.MarginService/"


@pytest.fixture
def stream() -> Any:
    lines = io.BytesIO()
    before = structlog.get_config()
    configure("info", lines)
    yield lines
    structlog.configure(**before)


def logged(
    stream: io.BytesIO, method: str, request: Message, response: Message | None, code: str = "OK"
) -> list[dict[str, Any]]:
    metrics = Metrics(CollectorRegistry(), version="1", age_seconds_by_underlying=dict)
    RequestObserving(metrics, Log()).changed(PATH + method, code, request, response)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [
        {key: value for key, value in line.items() if key not in {"time", "level"}}
        for line in lines
    ]


def rejected(order_id: str) -> margin_service_pb2.CheckOrderResponse:
    decision = types_pb2.Decision(
        verdict=types_pb2.VERDICT_REJECTED,
        reject_reason=types_pb2.REJECT_REASON_OFF_TICK,
        order_id=order_id,
    )
    return margin_service_pb2.CheckOrderResponse(decision=decision)


def test_a_check_is_logged_with_ids_and_reason(stream: io.BytesIO) -> None:
    request = margin_service_pb2.CheckOrderRequest(request_id="r", account="a")
    assert logged(stream, "CheckOrder", request, rejected("o")) == [
        {
            "event": "CheckOrder",
            "request_id": "r",
            "account": "a",
            "grpc_code": "OK",
            "order_id": "o",
            "reason": "off_tick",
        }
    ]


def test_a_fill_is_logged_by_its_fill_id(stream: io.BytesIO) -> None:
    request = margin_service_pb2.ReportFillRequest(fill_id="f", account="a")
    (line,) = logged(stream, "ReportFill", request, margin_service_pb2.ReportFillResponse())
    assert (line["request_id"], line["account"]) == ("f", "a")


def test_a_settlement_is_logged_with_what_it_settled(stream: io.BytesIO) -> None:
    request = market_service_pb2.PublishSettlementPricesRequest()
    settled = market_service_pb2.PublishSettlementPricesResponse(position_count=5, account_count=2)
    (line,) = logged(stream, "PublishSettlementPrices", request, settled)
    assert (line["event"], line["position_count"], line["account_count"]) == (
        "PublishSettlementPrices",
        5,
        2,
    )


def test_each_order_of_a_batch_is_logged_with_its_own_id(stream: io.BytesIO) -> None:
    items = [margin_service_pb2.BatchCheckItem(request_id=name) for name in ("r", "s")]
    request = margin_service_pb2.BatchCheckOrdersRequest(account="a", items=items)
    response = margin_service_pb2.BatchCheckOrdersResponse(results=[rejected("o"), rejected("p")])
    lines = logged(stream, "BatchCheckOrders", request, response)
    assert [(line["request_id"], line["account"], line["order_id"]) for line in lines] == [
        ("r", "a", "o"),
        ("s", "a", "p"),
    ]


def test_a_refused_batch_is_logged_too(stream: io.BytesIO) -> None:
    items = [margin_service_pb2.BatchCheckItem(request_id=name) for name in ("r", "s")]
    request = margin_service_pb2.BatchCheckOrdersRequest(account="a", items=items)
    lines = logged(stream, "BatchCheckOrders", request, None, "NOT_FOUND")
    assert [(line["request_id"], line["grpc_code"]) for line in lines] == [
        ("r", "NOT_FOUND"),
        ("s", "NOT_FOUND"),
    ]


def test_an_empty_batch_is_one_line(stream: io.BytesIO) -> None:
    request = margin_service_pb2.BatchCheckOrdersRequest(account="a")
    assert len(logged(stream, "BatchCheckOrders", request, None, "INVALID_ARGUMENT")) == 1


def test_an_id_of_any_length_does_not_flood_the_log(stream: io.BytesIO) -> None:
    request = margin_service_pb2.CheckOrderRequest(request_id="r" * 500_000, account="a" * 400_000)
    (line,) = logged(stream, "CheckOrder", request, None, "INVALID_ARGUMENT")
    assert (line["request_id"], line["account"]) == ("r" * 64, "a" * 64)
