"""What each method puts on the wire."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import admin_service_pb2 as admin
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from margingate_server.client import (
    Execution,
    ExpiryPrice,
    KillMode,
    KillScope,
    MarginGate,
    Order,
    RetryPolicy,
    Settlement,
    StatedPosition,
    Terms,
    buy,
    sell,
)
from margingate_server.client.caller import Caller
from margingate_server.client.channel import open_channel
from tests.unit.client.fake_server import FakeServer, Refusal

BUY_LEG = types.OrderLeg(
    instrument="BTC-PERPETUAL", side=types.SIDE_BUY, quantity="1000", limit_price="95000.5"
)
SELL_LEG = types.OrderLeg(instrument="ETH", side=types.SIDE_SELL, quantity="0.000001")
PAIR = types.Order(
    order_id="o-1", legs=[BUY_LEG, SELL_LEG], execution=types.EXECUTION_INDEPENDENT_LEGS
)
LEGS = (buy(Decimal("1E+3"), "BTC-PERPETUAL", "95000.5"), sell(Decimal("0.000001"), "ETH"))
TWO = Order(LEGS, Execution.INDEPENDENT_LEGS, "o-1", "r-1")
EXPIRY = Timestamp(seconds=1_798_358_400)

Call = Callable[[MarginGate], Any]
CASES: list[tuple[Call, str, Message, Message]] = [
    (
        lambda gate: gate.preview_order(
            "a", *LEGS, order_id="o-1", execution=Execution.INDEPENDENT_LEGS, explain=True
        ),
        "PreviewOrder",
        margin.PreviewOrderRequest(account="a", order=PAIR, explain=True),
        margin.PreviewOrderResponse(),
    ),
    (
        lambda gate: gate.batch_preview_orders("a", [TWO]),
        "BatchPreviewOrders",
        margin.BatchPreviewOrdersRequest(account="a", orders=[PAIR]),
        margin.BatchPreviewOrdersResponse(),
    ),
    (
        lambda gate: gate.preview_order("a", LEGS[0], terms=Terms(is_reduce_only=True)),
        "PreviewOrder",
        margin.PreviewOrderRequest(
            account="a", order=types.Order(legs=[BUY_LEG], reduce_only=True)
        ),
        margin.PreviewOrderResponse(),
    ),
    (
        lambda gate: gate.confirm_amend("a", "o-1", request_id="r"),
        "ConfirmAmend",
        margin.ConfirmAmendRequest(request_id="r", account="a", order_id="o-1"),
        margin.ConfirmAmendResponse(changed=True),
    ),
    (
        lambda gate: gate.reject_amend("a", "o-1", request_id="r"),
        "RejectAmend",
        margin.RejectAmendRequest(request_id="r", account="a", order_id="o-1"),
        margin.RejectAmendResponse(changed=True),
    ),
    (
        lambda gate: gate.release_order("a", "o-1", request_id="r"),
        "ReleaseOrder",
        margin.ReleaseOrderRequest(request_id="r", account="a", order_id="o-1"),
        margin.ReleaseOrderResponse(),
    ),
    (
        lambda gate: gate.report_fill(
            "a", "o-1", sell(2, "ETH", "3500"), fill_id="f", fee=Decimal("-0.5")
        ),
        "ReportFill",
        margin.ReportFillRequest(
            fill_id="f", account="a", order_id="o-1", instrument="ETH",
            side=types.SIDE_SELL, quantity="2", price="3500", fee="-0.5",
        ),
        margin.ReportFillResponse(),
    ),
    (
        lambda gate: gate.get_max_order_size("a", "ETH", buy_price="3500"),
        "GetMaxOrderSize",
        margin.GetMaxOrderSizeRequest(account="a", instrument="ETH", buy_price="3500"),
        margin.GetMaxOrderSizeResponse(),
    ),
    (
        lambda gate: gate.get_decision("a", "r"),
        "GetDecision",
        margin.GetDecisionRequest(account="a", request_id="r"),
        margin.GetDecisionResponse(),
    ),
    (
        lambda gate: gate.release_all("a", request_id="r"),
        "ReleaseAll",
        margin.ReleaseAllRequest(request_id="r", account="a"),
        margin.ReleaseAllResponse(),
    ),
    (
        lambda gate: gate.accounts.create("a", fee_tier="vip", request_id="r"),
        "CreateAccount",
        accounts.CreateAccountRequest(request_id="r", account="a", fee_tier="vip"),
        accounts.CreateAccountResponse(),
    ),
    (
        lambda gate: gate.accounts.get("a"),
        "GetAccount",
        accounts.GetAccountRequest(account="a"),
        accounts.GetAccountResponse(),
    ),
    (
        lambda gate: gate.accounts.adjust_collateral("a", "USD", Decimal(-5), request_id="r"),
        "AdjustCollateral",
        accounts.AdjustCollateralRequest(
            request_id="r", account="a", currency="USD", amount="-5"
        ),
        accounts.AdjustCollateralResponse(),
    ),
    (
        lambda gate: gate.accounts.set_positions(
            "a", [StatedPosition("ETH", -3), StatedPosition("BTC", "1", "9")], request_id="r"
        ),
        "SetPositions",
        accounts.SetPositionsRequest(
            request_id="r",
            account="a",
            positions=[
                types.Position(instrument="ETH", quantity="-3"),
                types.Position(instrument="BTC", quantity="1", entry_price="9"),
            ],
        ),
        accounts.SetPositionsResponse(),
    ),
    (
        lambda gate: gate.accounts.get_margin("a"),
        "GetMargin",
        accounts.GetMarginRequest(account="a"),
        accounts.GetMarginResponse(),
    ),
    (
        lambda gate: gate.market.get_risk_array("ETH"),
        "GetRiskArray",
        market.GetRiskArrayRequest(instrument="ETH"),
        market.GetRiskArrayResponse(),
    ),
    (
        lambda gate: gate.market.get_risk_array("ETH", "cross"),
        "GetRiskArray",
        market.GetRiskArrayRequest(instrument="ETH", model="cross"),
        market.GetRiskArrayResponse(),
    ),
    (
        lambda gate: gate.accounts.set_regime("a", "cross", validate_only=True, request_id="r-1"),
        "SetMarginRegime",
        accounts.SetMarginRegimeRequest(
            request_id="r-1", account="a", model="cross", validate_only=True
        ),
        accounts.SetMarginRegimeResponse(),
    ),
    (
        lambda gate: gate.accounts.set_regime("a", "span", force_reason="why", request_id="r-1"),
        "SetMarginRegime",
        accounts.SetMarginRegimeRequest(
            request_id="r-1", account="a", model="span", force=True, reason="why"
        ),
        accounts.SetMarginRegimeResponse(),
    ),
    (
        lambda gate: gate.accounts.move_margin("a", "BTC-PERPETUAL", Decimal(-5), request_id="r"),
        "MoveMargin",
        accounts.MoveMarginRequest(
            request_id="r", account="a", instrument="BTC-PERPETUAL", amount="-5"
        ),
        accounts.MoveMarginResponse(),
    ),
    (
        lambda gate: gate.admin.set_experience("a", 2, request_id="r-1"),
        "SetExperience",
        admin.SetExperienceRequest(request_id="r-1", account="a", experience_tier=2),
        admin.SetExperienceResponse(),
    ),
    (
        lambda gate: gate.admin.reload_parameters(),
        "ReloadParameters",
        admin.ReloadParametersRequest(),
        admin.ReloadParametersResponse(),
    ),
    (
        lambda gate: gate.market.publish_settlement_prices(
            [
                ExpiryPrice("BTC", EXPIRY, Decimal("95012.34")),
                ExpiryPrice("ETH", EXPIRY, 3_500, Settlement.INVERSE),
                ExpiryPrice("ETH", EXPIRY, "3501", Settlement.LINEAR),
            ]
        ),
        "PublishSettlementPrices",
        market.PublishSettlementPricesRequest(
            prices=[
                market.SettlementPrice(underlying="BTC", expiry_time=EXPIRY, price="95012.34"),
                market.SettlementPrice(
                    underlying="ETH", expiry_time=EXPIRY, price="3500",
                    settlement=types.SETTLEMENT_INVERSE,
                ),
                market.SettlementPrice(
                    underlying="ETH", expiry_time=EXPIRY, price="3501",
                    settlement=types.SETTLEMENT_LINEAR,
                ),
            ]
        ),
        market.PublishSettlementPricesResponse(position_count=3),
    ),
    (
        lambda gate: gate.market.list_models(),
        "ListModels",
        market.ListModelsRequest(),
        market.ListModelsResponse(),
    ),
    (
        lambda gate: gate.admin.suspend_account("a", reason="why", request_id="r"),
        "SuspendAccount",
        admin.SuspendAccountRequest(request_id="r", account="a", reason="why"),
        admin.SuspendAccountResponse(),
    ),
    (
        lambda gate: gate.admin.resume_account("a", request_id="r"),
        "ResumeAccount",
        admin.ResumeAccountRequest(request_id="r", account="a"),
        admin.ResumeAccountResponse(),
    ),
    (
        lambda gate: gate.admin.engage_kill_switch(
            KillScope.UNDERLYING, "BTC", mode=KillMode.REDUCE_ONLY, reason="why", request_id="r"
        ),
        "EngageKillSwitch",
        admin.EngageKillSwitchRequest(
            request_id="r", scope=admin.KILL_SCOPE_UNDERLYING, subject="BTC",
            mode=admin.KILL_MODE_REDUCE_ONLY, reason="why",
        ),
        admin.EngageKillSwitchResponse(),
    ),
    (
        lambda gate: gate.admin.release_kill_switch(KillScope.ALL, request_id="r"),
        "ReleaseKillSwitch",
        admin.ReleaseKillSwitchRequest(request_id="r", scope=admin.KILL_SCOPE_ALL),
        admin.ReleaseKillSwitchResponse(),
    ),
    (
        lambda gate: gate.admin.set_limits(
            "a", max_order_quantity=1, max_order_quantity_usd=2, max_order_notional=3,
            price_collar="0.1", request_id="r",
        ),
        "SetLimits",
        admin.SetLimitsRequest(
            request_id="r",
            account="a",
            limits=admin.Limits(
                max_order_quantity="1", max_order_quantity_usd="2", max_order_notional="3",
                price_collar="0.1",
            ),
        ),
        admin.SetLimitsResponse(),
    ),
    (
        lambda gate: gate.admin.get_limits("a"),
        "GetLimits",
        admin.GetLimitsRequest(account="a"),
        admin.GetLimitsResponse(),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "rpc", "request_expected", "answer"), CASES, ids=[case[1] for case in CASES]
)
def test_every_method_asks_what_its_arguments_say(
    server: FakeServer,
    gate: MarginGate,
    call: Call,
    rpc: str,
    request_expected: Message,
    answer: Message,
) -> None:
    server.answers(rpc, answer)
    assert call(gate) == answer
    assert server.asked(rpc) == [request_expected]
    account = getattr(request_expected, "account", "")
    assert server.headers[0].get("x-account-id", "") == account


def test_a_check_says_when_it_was_first_made(server: FakeServer) -> None:
    server.answers("CheckOrder", margin.CheckOrderResponse())
    caller = Caller(timeout_seconds=5.0, retry=RetryPolicy())
    with MarginGate(
        open_channel(server.target, None), caller, now_ns=lambda: 1_800_000_000_000_000_005
    ) as gate:
        gate.check_order(
            "a", *LEGS, order_id="o-1", execution=Execution.INDEPENDENT_LEGS, request_id="r-1"
        )
    assert server.asked("CheckOrder") == [
        margin.CheckOrderRequest(
            request_id="r-1",
            account="a",
            order=PAIR,
            sent_time=Timestamp(seconds=1_800_000_000, nanos=5),
        )
    ]


def test_a_change_names_the_order_every_leg_and_when_it_was_first_asked_for(
    server: FakeServer,
) -> None:
    server.answers("AmendOrder", margin.AmendOrderResponse(replayed=True))
    caller = Caller(timeout_seconds=5.0, retry=RetryPolicy())
    with MarginGate(
        open_channel(server.target, None), caller, now_ns=lambda: 1_800_000_000_000_000_005
    ) as gate:
        assert gate.amend_order("a", "o-1", *LEGS, request_id="r-1").replayed
    assert server.asked("AmendOrder") == [
        margin.AmendOrderRequest(
            request_id="r-1",
            account="a",
            order_id="o-1",
            legs=[BUY_LEG, SELL_LEG],
            sent_time=Timestamp(seconds=1_800_000_000, nanos=5),
        )
    ]
    assert server.headers[0]["x-account-id"] == "a"


@pytest.mark.parametrize(
    ("hold_seconds", "duration"),
    [
        (None, None),
        (30, Duration(seconds=30)),
        (1.5, Duration(seconds=1, nanos=500_000_000)),
        (0.1, Duration(nanos=100_000_000)),
        (2_592_000.0, Duration(seconds=2_592_000)),
    ],
)
def test_a_hold_lasts_as_long_as_told_and_for_good_when_nothing_is_told(
    server: FakeServer, gate: MarginGate, hold_seconds: float | None, duration: Duration | None
) -> None:
    server.answers("CheckOrder", margin.CheckOrderResponse())
    gate.check_order("a", LEGS[0], terms=Terms(hold_seconds=hold_seconds))
    (request,) = server.asked("CheckOrder")
    assert request.order.HasField("hold_duration") is (duration is not None)
    assert duration is None or request.order.hold_duration == duration
    assert not request.order.reduce_only


def test_each_order_of_a_batch_has_its_own_terms(server: FakeServer, gate: MarginGate) -> None:
    server.answers("BatchCheckOrders", margin.BatchCheckOrdersResponse())
    terms = Terms(is_reduce_only=True, hold_seconds=60)
    gate.batch_check_orders("a", [Order(LEGS[:1], terms=terms), Order(LEGS[:1])])
    (request,) = server.asked("BatchCheckOrders")
    told, plain = (item.order for item in request.items)
    assert (told.reduce_only, told.hold_duration.seconds) == (True, 60)
    assert (plain.reduce_only, plain.HasField("hold_duration")) == (False, False)


@pytest.mark.parametrize("rpc", ["AmendOrder", "ConfirmAmend", "RejectAmend"])
def test_calls_about_a_change_make_an_id_and_keep_it_when_they_are_tried_again(
    server: FakeServer, gate: MarginGate, rpc: str
) -> None:
    calls: dict[str, Call] = {
        "AmendOrder": lambda gate: gate.amend_order("a", "o-1", LEGS[0]),
        "ConfirmAmend": lambda gate: gate.confirm_amend("a", "o-1"),
        "RejectAmend": lambda gate: gate.reject_amend("a", "o-1"),
    }
    kind = getattr(margin, f"{rpc}Response")
    server.answers(rpc, Refusal(code=grpc.StatusCode.UNAVAILABLE), kind())
    calls[rpc](gate)
    calls[rpc](gate)
    first, again, other = (each.request_id for each in server.asked(rpc))
    assert first == again != other
    assert re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", first)


def test_a_batch_carries_each_order_with_its_own_ids(server: FakeServer, gate: MarginGate) -> None:
    server.answers("BatchCheckOrders", margin.BatchCheckOrdersResponse())
    gate.batch_check_orders("a", [TWO, Order(LEGS[:1])])
    (request,) = server.asked("BatchCheckOrders")
    assert request.HasField("sent_time")
    assert request.items[0] == margin.BatchCheckItem(request_id="r-1", order=PAIR)
    made = request.items[1]
    assert made.request_id != made.order.order_id
    assert made.order.execution == types.EXECUTION_UNSPECIFIED


def test_ids_are_made_anew_for_every_call_and_in_the_grammar(
    server: FakeServer, gate: MarginGate
) -> None:
    server.answers("CheckOrder", margin.CheckOrderResponse())
    gate.check_order("a", LEGS[0])
    gate.check_order("a", LEGS[0])
    ids = [
        each for ask in server.asked("CheckOrder") for each in (ask.request_id, ask.order.order_id)
    ]
    assert len(set(ids)) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", each) for each in ids)


@pytest.mark.parametrize("account", ["", "Zürich", "two words", "a" * 65, "line\nbreak"])
def test_an_account_that_no_header_can_carry_reaches_the_server_all_the_same(
    server: FakeServer, gate: MarginGate, account: str
) -> None:
    server.answers("GetAccount", accounts.GetAccountResponse())
    gate.accounts.get(account)
    assert server.asked("GetAccount")[0].account == account
    assert "x-account-id" not in server.headers[0]


@pytest.mark.parametrize("amount", [1.5, True])
def test_amounts_that_are_not_exact_are_refused(gate: MarginGate, amount: Any) -> None:
    with pytest.raises(TypeError, match="not exact"):
        gate.check_order("a", buy(amount, "ETH"))


@pytest.mark.parametrize("amount", ["NaN", "Infinity"])
def test_amounts_that_are_not_finite_are_refused(gate: MarginGate, amount: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        gate.check_order("a", buy(Decimal(amount), "ETH"))
