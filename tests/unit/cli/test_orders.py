"""`release`, `release-all`, `fill`, `max-size`, `orders`."""

import grpc
import pytest

from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from tests.unit.cli import answers
from tests.unit.cli.conftest import Run
from tests.unit.client.fake_server import FakeServer, Refusal

FILL = ("fill", "desk-1", "o-1", "sell", "1", "ETH", "3500.5")


def test_a_release_says_what_it_gave_back(run: Run, server: FakeServer) -> None:
    server.answers("ReleaseOrder", margin.ReleaseOrderResponse(released=True, risk=answers.BEFORE))
    ran = run("release", "desk-1", "o-1", "--request-id", "r-1")
    assert ran.code == 0
    assert ran.row("released") == ["released"]
    assert ran.row("headroom") == ["headroom", "80,000.00"]
    assert server.asked("ReleaseOrder") == [
        margin.ReleaseOrderRequest(request_id="r-1", account="desk-1", order_id="o-1")
    ]


def test_a_release_of_nothing_says_why(run: Run, server: FakeServer) -> None:
    server.answers(
        "ReleaseOrder", margin.ReleaseOrderResponse(flag=types.LIFECYCLE_FLAG_UNKNOWN_ORDER)
    )
    assert (
        "nothing was held: there is no open order of this id" in run("release", "desk-1", "o-1").out
    )


def test_releasing_all_says_how_many(run: Run, server: FakeServer) -> None:
    server.answers("ReleaseAll", margin.ReleaseAllResponse(released_count=3, risk=answers.BEFORE))
    ran = run("release-all", "desk-1", "--json")
    assert ran.json["released_count"] == 3
    assert ran.json["request_id"] == server.asked("ReleaseAll")[0].request_id
    assert "3 released" in run("release-all", "desk-1").out


def test_a_fill_is_reported_as_typed(run: Run, server: FakeServer) -> None:
    server.answers(
        "ReportFill",
        margin.ReportFillResponse(
            flag=types.LIFECYCLE_FLAG_OVER_FILL,
            position="-3",
            open_quantity="0",
            risk=answers.AFTER,
        ),
    )
    ran = run(*FILL, "--fee", "-0.25", "--fill-id", "trade-7")
    assert ran.code == 0
    assert server.asked("ReportFill") == [
        margin.ReportFillRequest(
            fill_id="trade-7",
            account="desk-1",
            order_id="o-1",
            instrument="ETH",
            side=types.SIDE_SELL,
            quantity="1",
            price="3500.5",
            fee="-0.25",
        )
    ]
    assert ran.row("unusual") == ["unusual", *["more", "than", "was", "open", "of", "the", "order"]]
    assert ran.row("position") == ["position", "-3"]
    assert ran.row("headroom") == ["headroom", "-20,000.50"]


def test_a_fill_without_a_fee_leaves_it_to_the_schedule(run: Run, server: FakeServer) -> None:
    server.answers("ReportFill", margin.ReportFillResponse(replayed=True))
    assert "applied before" in run(*FILL).out
    assert server.asked("ReportFill")[0].fee == ""


def test_a_fill_without_an_answer_says_which_id_to_repeat(run: Run, server: FakeServer) -> None:
    server.answers("ReportFill", Refusal(code=grpc.StatusCode.UNAVAILABLE))
    ran = run(*FILL, "--fill-id", "trade-7")
    assert ran.code == 5
    assert "trade-7" in ran.err


def test_the_largest_sizes_come_with_what_limits_them(run: Run, server: FakeServer) -> None:
    server.answers(
        "GetMaxOrderSize",
        margin.GetMaxOrderSizeResponse(
            buy=margin.MaxSize(
                quantity="12.5", limiting_reason=types.REJECT_REASON_INSUFFICIENT_INITIAL_MARGIN
            ),
            sell=margin.MaxSize(
                quantity="0", limiting_reason=types.REJECT_REASON_ACCOUNT_SUSPENDED
            ),
            basis=answers.BASIS,
        ),
    )
    ran = run("max-size", "desk-1", "ETH", "--buy", "3500")
    assert ran.row("buy") == ["buy", "12.5", "INSUFFICIENT_INITIAL_MARGIN"]
    assert ran.row("sell") == ["sell", "0", "ACCOUNT_SUSPENDED"]
    (asked,) = server.asked("GetMaxOrderSize")
    assert (asked.buy_price, asked.sell_price) == ("3500", "")


def test_open_orders_show_every_leg(run: Run, server: FakeServer) -> None:
    legs = [
        types.OrderLeg(instrument="ETH", side=types.SIDE_BUY, quantity="2", limit_price="3500"),
        types.OrderLeg(instrument="BTC", side=types.SIDE_SELL, quantity="1"),
    ]
    order = types.OpenOrder(order_id="o-1", legs=legs, accept_time=answers.AT, request_id="r-1")
    server.answers("ListOrders", margin.ListOrdersResponse(orders=[order]))
    ran = run("orders", "desk-1")
    assert ran.row("o-1")[:5] == ["o-1", "buy", "2", "ETH", "3500"]
    assert ran.row("r-1") == ["r-1", "sell", "1", "BTC", "market"]


def eth(quantity: str, limit: str = "3500") -> types.OrderLeg:
    return types.OrderLeg(
        instrument="ETH", side=types.SIDE_SELL, quantity=quantity, limit_price=limit
    )


def test_open_orders_show_their_terms(run: Run, server: FakeServer) -> None:
    combo = types.OpenOrder(
        order_id="o-1",
        legs=[eth("2"), eth("1")],
        execution=types.EXECUTION_ATOMIC_COMBO,
        reduce_only=True,
    )
    combo.hold_duration.FromNanoseconds(30_500_000_000)
    plain = types.OpenOrder(order_id="o-2", legs=[eth("2")])
    server.answers("ListOrders", margin.ListOrdersResponse(orders=[combo, plain]))
    ran = run("orders", "desk-1")
    assert "atomic combo, reduce only, held 30.5 s" in " ".join(ran.row("sell  "))
    assert "pending" not in ran.out
    assert "or sell" not in ran.out


def test_a_pending_change_is_shown_below_the_order_as_it_is(run: Run, server: FakeServer) -> None:
    order = types.OpenOrder(
        order_id="o-1",
        legs=[eth("2")],
        amended_legs=[eth("3", "3400")],
        amend_pending=True,
        accept_time=answers.AT,
        request_id="r-1",
    )
    server.answers("ListOrders", margin.ListOrdersResponse(orders=[order]))
    ran = run("orders", "desk-1")
    assert ran.row("o-1")[:5] == ["o-1", "sell", "2", "ETH", "3500"]
    assert ran.row("r-1") == ["r-1", "or", "sell", "3", "ETH", "3400", "change", "pending"]


def test_an_order_filled_in_full_shows_what_a_change_may_have_left(
    run: Run, server: FakeServer
) -> None:
    order = types.OpenOrder(
        order_id="o-1", amended_legs=[eth("1")], amend_pending=True, request_id="r-1"
    )
    server.answers("ListOrders", margin.ListOrdersResponse(orders=[order]))
    ran = run("orders", "desk-1")
    assert ran.row("o-1")[:6] == ["o-1", "or", "sell", "1", "ETH", "3500"]
    assert ran.row("r-1") == ["r-1", "change", "pending"]


def test_a_change_to_nothing_is_shown_with_the_order(run: Run, server: FakeServer) -> None:
    order = types.OpenOrder(order_id="o-1", legs=[eth("1")], amend_pending=True)
    server.answers("ListOrders", margin.ListOrdersResponse(orders=[order]))
    assert run("orders", "desk-1").row("change") == ["change", "pending"]


def test_orders_of_long_ids_fit_a_window(run: Run, server: FakeServer) -> None:
    leg = types.OrderLeg(
        instrument="BTC-27MAR26-100000-C",
        side=types.SIDE_SELL,
        quantity="100000",
        limit_price="0.0235",
    )
    order = types.OpenOrder(
        order_id="4" * 32,
        legs=[leg],
        execution=types.EXECUTION_INDEPENDENT_LEGS,
        request_id="5" * 32,
        accept_time=answers.AT,
    )
    server.answers("ListOrders", margin.ListOrdersResponse(orders=[order]))
    assert max(len(line.rstrip()) for line in run("orders", "desk-1").out.splitlines()) <= 100


def test_no_open_orders_is_said(run: Run, server: FakeServer) -> None:
    server.answers("ListOrders", margin.ListOrdersResponse())
    assert run("orders", "desk-1").out.strip() == "no open orders"
    assert run("orders", "desk-1", "--json").json == {"orders": [], "next_page_token": ""}


@pytest.mark.parametrize("price", ["free", "inf"])
def test_a_fill_at_no_price_is_a_usage_error(run: Run, server: FakeServer, price: str) -> None:
    assert run(*FILL[:-1], price).code == 2
    assert server.requests == []
