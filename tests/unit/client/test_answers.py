"""What becomes of answers: pages, names, JSON."""

import json
from typing import Any

import pytest

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from margingate_server.client import (
    MarginGate,
    enum_name,
    enum_names,
    is_accepted,
    may_send,
    to_json,
)
from tests.unit.client.fake_server import FakeServer


def orders_page(order_id: str, token: str) -> margin.ListOrdersResponse:
    return margin.ListOrdersResponse(
        orders=[types.OpenOrder(order_id=order_id)], next_page_token=token
    )


def accounts_page(account: str, token: str) -> accounts.ListAccountsResponse:
    return accounts.ListAccountsResponse(
        accounts=[accounts.AccountSummary(account=account)], next_page_token=token
    )


def test_all_pages_come_as_one_list(server: FakeServer, gate: MarginGate) -> None:
    server.answers(
        "ListOrders", orders_page("1", "p2"), orders_page("2", "p3"), orders_page("3", "")
    )
    answer = gate.list_orders("a")
    assert [order.order_id for order in answer.orders] == ["1", "2", "3"]
    assert answer.next_page_token == ""
    assert [each.page_token for each in server.asked("ListOrders")] == ["", "p2", "p3"]


def test_accounts_come_from_all_pages(server: FakeServer, gate: MarginGate) -> None:
    server.answers("ListAccounts", accounts_page("a", "p2"), accounts_page("b", ""))
    assert [each.account for each in gate.accounts.list().accounts] == ["a", "b"]


def test_the_market_names_each_underlying_once_however_many_pages_it_has(
    server: FakeServer, gate: MarginGate
) -> None:
    def page(version: int, name: str, token: str) -> market.GetMarketResponse:
        return market.GetMarketResponse(
            market_version=version,
            underlyings=[market.UnderlyingState(underlying="BTC", index_price=float(version))],
            instruments=[market.InstrumentState(instrument=types.Instrument(instrument=name))],
            next_page_token=token,
        )

    server.answers("GetMarket", page(5, "BTC-1", "p2"), page(6, "BTC-2", ""))
    answer = gate.market.get("BTC")
    assert [each.instrument.instrument for each in answer.instruments] == ["BTC-1", "BTC-2"]
    assert [each.index_price for each in answer.underlyings] == [5.0]
    assert answer.market_version == 5
    assert [each.underlying for each in server.asked("GetMarket")] == ["BTC", "BTC"]


@pytest.mark.parametrize(
    ("verdict", "is_yes"), [(0, False), (1, True), (2, False), (3, False), (99, False)]
)
def test_only_an_explicit_yes_is_a_yes(verdict: Any, is_yes: bool) -> None:
    assert is_accepted(types.Decision(verdict=verdict)) is is_yes


def test_enum_values_have_names_without_their_prefix() -> None:
    newer_than_this_client: Any = 99
    decision = types.Decision(
        verdict=types.VERDICT_REJECTED,
        reject_reason=newer_than_this_client,
        also_failing=[types.REJECT_REASON_OFF_TICK, types.REJECT_REASON_OFF_LOT],
    )
    assert enum_name(decision, "verdict") == "REJECTED"
    assert enum_name(decision, "exactness") == ""
    assert enum_name(decision, "reject_reason") == "UNKNOWN_99"
    assert enum_names(decision, "also_failing") == ["OFF_TICK", "OFF_LOT"]


def test_json_has_the_names_of_the_contract_and_every_plain_field() -> None:
    answer = margin.ReleaseAllResponse(released_count=0)
    assert json.loads(to_json(answer, {"request_id": "r"})) == {
        "request_id": "r",
        "released_count": 0,
    }
    assert list(json.loads(to_json(answer, {"request_id": "r"}))) == [
        "request_id",
        "released_count",
    ]


def test_an_order_may_be_sent_when_it_is_accepted_and_held_and_only_then() -> None:
    yes, no = (types.Decision(verdict=each) for each in (1, 2))
    assert may_send(margin.CheckOrderResponse(decision=yes, held=True))
    assert not may_send(margin.CheckOrderResponse(decision=yes, replayed=True))
    assert not may_send(margin.CheckOrderResponse(decision=no, held=True))
    assert may_send(margin.AmendOrderResponse(decision=yes, held=True))
    assert not may_send(margin.AmendOrderResponse(decision=yes, replayed=True))
