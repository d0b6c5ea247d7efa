"""PublishSettlementPrices, and what accounts say before and after. [SPAN-18]"""

from dataclasses import replace

import grpc
import pytest

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import market_service_pb2 as pb
from margingate.v1 import types_pb2 as types
from margingate_server.rpc.fields import timestamp
from tests.unit.engine import small_market
from tests.unit.engine.small_market import INSTRUMENTS, NANO
from tests.unit.rpc.gate import Gate

Code = grpc.StatusCode
LINEAR = types.SETTLEMENT_LINEAR
YEAR_2000_NS = 946_684_800 * NANO
NEAR_NS, FAR_NS = YEAR_2000_NS + small_market.NEAR_NS, YEAR_2000_NS + small_market.FAR_NS
DATED = [
    replace(each, expiry_ns=None if each.expiry_ns is None else YEAR_2000_NS + each.expiry_ns)
    for each in INSTRUMENTS
]


def gate_with(*positions: tuple[str, str], market_time_ns: int = NEAR_NS) -> Gate:
    """Account a with 100,000 USD, 2 BTC and positions, at a time of the market."""
    gate = Gate(is_listed=False)
    gate.publisher.list_instruments(DATED)
    gate.quote(market_time_ns=YEAR_2000_NS)
    gate.open(usd="100000", coins="2")
    stated = [types.Position(instrument=name, quantity=lots) for name, lots in positions]
    gate.ok(
        "SetPositions",
        accounts.SetPositionsRequest(request_id="p", account="a", positions=stated),
    )
    gate.quote(market_time_ns=market_time_ns)
    return gate


def price(usd: str, expiry_ns: int = NEAR_NS, **more: object) -> pb.SettlementPrice:
    message = pb.SettlementPrice(underlying="BTC", expiry_time=timestamp(expiry_ns), price=usd)
    message.MergeFrom(pb.SettlementPrice(**more))  # type: ignore[arg-type]
    return message


def request(*prices: pb.SettlementPrice) -> pb.PublishSettlementPricesRequest:
    return pb.PublishSettlementPricesRequest(prices=prices)


def account(gate: Gate) -> accounts.GetAccountResponse:
    shown: accounts.GetAccountResponse = gate.ok(
        "GetAccount", accounts.GetAccountRequest(account="a")
    )
    return shown


def test_a_position_says_that_it_waits_for_its_price_and_keeps_its_last_value() -> None:
    gate = gate_with(("CALL", "-0.3"), ("FAR", "0.1"), market_time_ns=NEAR_NS - 1)
    before = account(gate)
    assert not any(each.awaiting_settlement for each in before.positions)
    for later_ns in (0, 10**9):
        gate.quote(market_time_ns=NEAR_NS + later_ns)
        call, far = account(gate).positions
        assert (call.awaiting_settlement, far.awaiting_settlement) == (True, False)
        assert call.value == before.positions[0].value == "-60.000003"


def test_prices_become_cash_in_one_durable_step() -> None:
    gate = gate_with(("CALL", "-0.3"), ("COIN-CALL", "0.5"), ("FAR", "0.1"))
    gate.open("b")
    gate.watch.told.clear()
    answer = gate.ok("PublishSettlementPrices", request(price("120000")))
    assert (answer.instrument_count, answer.position_count, answer.account_count) == (6, 2, 1)
    assert gate.watch.of("committed") == [("committed", 2)]
    shown = account(gate)
    # 0.3 x 8,000 USD paid; a third of half a coin received.
    assert [(each.currency, each.amount) for each in shown.balances] == [
        ("BTC", "2.166666666666"),
        ("USD", "97600"),
    ]
    (far,) = shown.positions
    assert (far.instrument, far.awaiting_settlement) == ("FAR", False)
    gate.lane.mark_down()
    gate.recover()
    assert account(gate) == shown


def test_a_repeated_call_settles_nothing_and_is_answered() -> None:
    gate = gate_with(("CALL", "1"))
    gate.ok("PublishSettlementPrices", request(price("113000")))
    shown = account(gate)
    again = gate.ok("PublishSettlementPrices", request(price("113000.0")))
    assert again == pb.PublishSettlementPricesResponse()
    assert account(gate) == shown


@pytest.mark.parametrize(
    ("prices", "code", "reason"),
    [
        ([price("1", FAR_NS)], Code.FAILED_PRECONDITION, "NOT_EXPIRED"),
        ([price("113000"), price("1", FAR_NS)], Code.FAILED_PRECONDITION, "NOT_EXPIRED"),
        ([price("113001", settlement=LINEAR)], Code.ALREADY_EXISTS, "SETTLEMENT_PRICE_EXISTS"),
        ([price("1", NEAR_NS + 1)], Code.INVALID_ARGUMENT, "INVALID_FIELD"),
    ],
)
def test_what_cannot_settle_is_refused_whole(
    prices: list[pb.SettlementPrice], code: Code, reason: str
) -> None:
    gate = gate_with(("CALL", "1"))
    gate.ok("PublishSettlementPrices", request(price("113000", settlement=LINEAR)))
    shown = account(gate)
    refused = gate.answer("PublishSettlementPrices", request(*prices))
    assert (refused.code, refused.reason) == (code, reason)
    assert account(gate) == shown


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        (pb.SettlementPrice(underlying="btc"), "prices[1].underlying"),
        (pb.SettlementPrice(price="0"), "prices[1].price"),
        (pb.SettlementPrice(price="-1"), "prices[1].price"),
        (pb.SettlementPrice(price="900000001"), "prices[1].price"),
        (pb.SettlementPrice(price="1.0000000001"), "prices[1].price"),
        (pb.SettlementPrice(settlement=9), "prices[1].settlement"),  # type: ignore[arg-type]
    ],
)
def test_a_malformed_price_names_its_field(changed: pb.SettlementPrice, field: str) -> None:
    wrong = price("113000")
    wrong.MergeFrom(changed)
    refused = gate_with().answer("PublishSettlementPrices", request(price("113000"), wrong))
    assert (refused.code, refused.fields) == (Code.INVALID_ARGUMENT, (field,))


def test_a_price_without_an_expiry_and_calls_of_no_or_too_many_prices_are_refused() -> None:
    gate = gate_with()
    undated = pb.SettlementPrice(underlying="BTC", price="1")
    for prices, field in (
        ([undated], "prices[0].expiry_time"),
        ([], "prices"),
        ([price("113000")] * 101, "prices"),
    ):
        refused = gate.answer("PublishSettlementPrices", request(*prices))
        assert (refused.code, refused.fields) == (Code.INVALID_ARGUMENT, (field,))
    assert gate.ok("PublishSettlementPrices", request(*[price("113000")] * 100)).instrument_count
