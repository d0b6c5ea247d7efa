"""AccountService, from message to message."""

import grpc
import pytest

from margingate.v1 import account_service_pb2 as pb
from margingate.v1 import types_pb2 as types
from tests.unit.rpc.gate import Gate, leg, order
from tests.unit.service.small_desk import AGE_LIMITS

Code = grpc.StatusCode


@pytest.fixture
def gate() -> Gate:
    return Gate().open(usd="100000", coins="2")


def positions(*stated: tuple[str, str, str], request_id: str = "p") -> pb.SetPositionsRequest:
    return pb.SetPositionsRequest(
        request_id=request_id,
        account="a",
        positions=[
            types.Position(instrument=name, quantity=quantity, entry_price=price)
            for name, quantity, price in stated
        ],
    )


def adjustment(amount: str, currency: str = "USD") -> pb.AdjustCollateralRequest:
    return pb.AdjustCollateralRequest(request_id="x", account="a", currency=currency, amount=amount)


def test_an_account_is_shown_with_balances_positions_and_margin(gate: Gate) -> None:
    gate.ok("SetPositions", positions(("NEAR", "-0.1", "100000"), ("CALL", "0.2", "")))
    answer = gate.ok("GetAccount", pb.GetAccountRequest(account="a"))
    summary = answer.account
    assert (summary.account, summary.fee_tier, summary.suspended) == ("a", "default", False)
    assert (summary.version, summary.position_count, summary.open_order_count) == (4, 2, 0)
    assert summary.create_time == gate.sent_time()
    assert [(each.currency, each.amount) for each in answer.balances] == [
        ("BTC", "2"),
        ("USD", "100000"),
    ]
    call, near = answer.positions
    assert (call.instrument, call.quantity, call.entry_price) == ("CALL", "0.2", "")
    assert (call.mark_price, call.value) == (200.0, "40")
    assert (near.instrument, near.quantity, near.entry_price) == ("NEAR", "-0.1", "100000")
    # Sold 0.1 at 100,000, now 101,000, and the reserve of a short lot.
    assert (near.mark_price, near.value) == (101_000.0, "-100.000001")
    assert answer.risk.equity == "299939.999999"


def test_an_inverse_future_shows_its_entry_price_and_profit(gate: Gate) -> None:
    gate.ok("SetPositions", positions(("COIN-PERPETUAL", "1000", "80000")))
    (position,) = gate.ok("GetAccount", pb.GetAccountRequest(account="a")).positions
    assert (position.quantity, position.entry_price) == ("1000", "80000")
    # 1,000 / 80,000 - 1,000 / 100,000 coins at 100,000 USD.
    assert position.value == "250"


def test_accounts_come_by_pages(gate: Gate) -> None:
    for name in ("c", "b"):
        gate.ok("CreateAccount", pb.CreateAccountRequest(request_id="open", account=name))
    first = gate.ok("ListAccounts", pb.ListAccountsRequest(page_size=2))
    assert [each.account for each in first.accounts] == ["a", "b"]
    rest = gate.ok("ListAccounts", pb.ListAccountsRequest(page_token=first.next_page_token))
    assert [each.account for each in rest.accounts] == ["c"]
    assert rest.next_page_token == ""


def test_an_account_exists_once(gate: Gate) -> None:
    again = gate.answer("CreateAccount", pb.CreateAccountRequest(request_id="open", account="a"))
    assert again.code is Code.OK
    other = gate.answer("CreateAccount", pb.CreateAccountRequest(request_id="other", account="a"))
    assert (other.code, other.reason) == (Code.ALREADY_EXISTS, "ACCOUNT_EXISTS")
    tier = gate.answer(
        "CreateAccount", pb.CreateAccountRequest(request_id="x", account="b", fee_tier="gold")
    )
    assert (tier.code, tier.fields) == (Code.INVALID_ARGUMENT, ("fee_tier",))


def test_collateral_is_answered_with_balance_and_margin(gate: Gate) -> None:
    answer = gate.ok("AdjustCollateral", adjustment("-0.5", "BTC"))
    assert (answer.balance.currency, answer.balance.amount) == ("BTC", "1.5")
    assert answer.risk.equity == "250000"
    assert gate.ok("AdjustCollateral", adjustment("-0.5", "BTC")).balance.amount == "1.5"


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (adjustment("0"), "amount"),
        (adjustment("1e3"), "amount"),
        (adjustment("0.0000001"), "amount"),
        (adjustment("1", "usd"), "currency"),
        (adjustment("1", "DOGE"), "currency"),
    ],
)
def test_a_malformed_adjustment_names_its_field(
    gate: Gate, request_: pb.AdjustCollateralRequest, field: str
) -> None:
    answer = gate.answer("AdjustCollateral", request_)
    assert (answer.code, answer.fields) == (Code.INVALID_ARGUMENT, (field,))


def test_a_withdrawal_is_refused_with_its_reason(gate: Gate) -> None:
    refused = gate.answer("AdjustCollateral", adjustment("-100001"))
    assert refused.code is Code.FAILED_PRECONDITION
    assert refused.reason == "INSUFFICIENT_COLLATERAL_CURRENCY"
    assert refused.metadata == {"subject": "USD"}


def test_a_statement_is_answered_with_its_breaks(gate: Gate) -> None:
    gate.ok("SetPositions", positions(("NEAR", "-0.1", ""), ("CALL", "0.2", "")))
    answer = gate.ok(
        "SetPositions", positions(("NEAR", "0.3", ""), ("CALL", "0.2", ""), request_id="q")
    )
    (found,) = answer.breaks
    assert found == pb.PositionBreak(
        instrument="NEAR", booked_quantity="-0.1", stated_quantity="0.3"
    )
    assert answer.risk.initial_margin != "0"


def test_a_statement_has_at_most_1000_positions_and_names_what_is_wrong(gate: Gate) -> None:
    many = positions(*[("CALL", "1", "")] * 1_001)
    assert gate.answer("SetPositions", many).fields == ("positions",)
    assert gate.answer("SetPositions", positions(("CALL", "x", ""))).fields == (
        "positions[0].quantity",
    )
    odd = positions(("NEAR", "1", ""), ("NEAR", "0.05", ""))
    assert gate.answer("SetPositions", odd).fields == ("positions[1].quantity",)
    assert gate.answer("SetPositions", positions(("X", "1", ""))).code is Code.NOT_FOUND


def test_the_margin_is_explained_down_to_positions(gate: Gate) -> None:
    gate.ok("SetPositions", positions(("NEAR", "-0.1", "")))
    gate.check(order(leg("CALL", "-0.1", "200")))
    answer = gate.ok("GetMargin", pb.GetMarginRequest(account="a"))
    assert answer.explanation.amount == answer.risk.initial_margin
    assert answer.positions_only.equity == answer.risk.equity
    (table,) = answer.scenarios
    assert table.group == "BTC"
    assert len(table.pnl) == 16
    assert [each.group for each in answer.worst] == ["BTC"]
    assert answer.basis.account_version == 5
    assert answer.exactness in {types.EXACTNESS_EXACT, types.EXACTNESS_BOUND}


def test_a_margin_on_prices_too_old_to_decide_by_says_so(gate: Gate) -> None:
    gate.ok("SetPositions", positions(("NEAR", "-0.1", "")))
    assert not gate.ok("GetMargin", pb.GetMarginRequest(account="a")).stale
    gate.clock.ns += AGE_LIMITS.underlying_ns_max + 1
    assert gate.ok("GetMargin", pb.GetMarginRequest(account="a")).stale


def test_without_a_price_there_is_an_account_and_no_margin(gate: Gate) -> None:
    gate.ok("SetPositions", positions(("NEAR", "-0.1", "")))
    gate.quote(marks={"NEAR": 0.0})
    answer = gate.ok("GetAccount", pb.GetAccountRequest(account="a"))
    assert not answer.HasField("risk")
    (position,) = answer.positions
    assert (position.quantity, position.value) == ("-0.1", "")
    margin = gate.answer("GetMargin", pb.GetMarginRequest(account="a"))
    assert (margin.code, margin.reason) == (Code.FAILED_PRECONDITION, "MARKET_DATA_MISSING")
    assert margin.metadata == {"subject": "NEAR"}
