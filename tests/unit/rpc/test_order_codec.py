"""Orders between the wire and the use cases."""

from decimal import Decimal

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from margingate.v1 import account_service_pb2, margin_service_pb2
from margingate.v1 import types_pb2 as types
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.orders import Execution, Side
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from margingate_server.ledger.numbers import LegNumbers, OrderNumbers
from margingate_server.ledger.state import AccountState, OrderMemo
from margingate_server.rpc.order_codec import (
    LEGS_MAX,
    body_digest,
    held_legs,
    open_order,
    parse_amend_legs,
    parse_hold_ns,
    parse_order,
)
from tests.unit.engine.small_market import INSTRUMENTS, NO_FEES
from tests.unit.rpc.gate import leg, order

CALL = leg("CALL", "0.1", "200")
TABLE = InstrumentTable(INSTRUMENTS)
SECOND, DAY = 10**9, 86_400 * 10**9


def request(**changes: object) -> margin_service_pb2.CheckOrderRequest:
    usual: dict[str, object] = {
        "request_id": "r",
        "account": "a",
        "order": order(CALL),
        "sent_time": Timestamp(seconds=5),
    }
    return margin_service_pb2.CheckOrderRequest(**{**usual, **changes})  # type: ignore[arg-type]


def refused_field(wrong: types.Order) -> str:
    with pytest.raises(InvalidInput) as refused:
        parse_order(wrong, "items[4].order")
    return refused.value.field


def test_the_digest_of_a_body_ignores_id_and_sent_time_and_nothing_else() -> None:
    digest = body_digest(request())
    assert body_digest(request(request_id="s", sent_time=Timestamp(seconds=6))) == digest
    assert body_digest(request(account="b")) != digest
    assert body_digest(request(order=order(CALL, order_id="p"))) != digest
    assert body_digest(request(order=order(leg("CALL", "0.10", "200")))) != digest
    assert body_digest(request(order=order(leg("CALL", "0.1")))) != digest


def test_the_digest_of_a_fill_ignores_its_fill_id() -> None:
    fills = [margin_service_pb2.ReportFillRequest(fill_id=name, price="5") for name in "fg"]
    assert body_digest(fills[0]) == body_digest(fills[1])
    fills[1].price = "6"
    assert body_digest(fills[0]) != body_digest(fills[1])


def test_the_digest_leaves_the_request_as_it_was() -> None:
    once = request()
    body_digest(once)
    assert once == request()


def test_fields_that_we_do_not_know_are_part_of_the_body() -> None:
    raw = account_service_pb2.GetAccountRequest(account="a").SerializeToString()
    plain = account_service_pb2.GetAccountRequest.FromString(raw)
    extended = account_service_pb2.GetAccountRequest.FromString(raw + b"\xf8\x3f\x01")
    assert body_digest(plain) != body_digest(extended)


def test_an_order_is_parsed_to_exact_quantities_on_rows() -> None:
    two = types.Order(
        order_id="o",
        legs=[CALL, leg("NEAR", "-2.50")],
        execution=types.EXECUTION_ATOMIC_COMBO,
    )
    parsed = parse_order(two, "order")({"CALL": 3, "NEAR": 8}.__getitem__)
    assert (parsed.order_id, parsed.execution) == ("o", Execution.ATOMIC_COMBO)
    first, second = parsed.legs
    assert (first.row, first.side, first.quantity, first.limit) == (
        *(3, Side.BUY, Decimal("0.1"), Decimal(200)),
    )
    assert (second.row, second.side, second.quantity, second.limit) == (
        *(8, Side.SELL, Decimal("2.5"), None),
    )


@pytest.mark.parametrize(
    "execution", [types.EXECUTION_UNSPECIFIED, types.EXECUTION_INDEPENDENT_LEGS]
)
def test_the_execution_of_a_single_leg_does_not_matter(execution: int) -> None:
    single = order(CALL)
    single.execution = execution  # type: ignore[assignment]
    assert parse_order(single, "order")(lambda _name: 0).execution is Execution.SINGLE


def test_several_legs_need_an_execution_and_any_must_be_known() -> None:
    several = order(CALL, CALL)
    for unknown in (0, 3, -1):
        several.execution = unknown  # type: ignore[assignment]
        assert refused_field(several) == "items[4].order.execution"
    single = order(CALL)
    single.execution = 9  # type: ignore[assignment]
    assert refused_field(single) == "items[4].order.execution"


def test_an_order_has_1_to_32_legs() -> None:
    assert refused_field(order()) == "items[4].order.legs"
    assert refused_field(order(*(CALL,) * (LEGS_MAX + 1))) == "items[4].order.legs"
    full = parse_order(order(*(CALL,) * LEGS_MAX), "order")(lambda _name: 0)
    assert len(full.legs) == LEGS_MAX == 32


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (types.OrderLeg(instrument="", side=1, quantity="1"), "instrument"),
        (types.OrderLeg(instrument="X" * 65, side=1, quantity="1"), "instrument"),
        (types.OrderLeg(instrument="X", quantity="1"), "side"),
        (types.OrderLeg(instrument="X", side=9, quantity="1"), "side"),  # type: ignore[arg-type]
        (types.OrderLeg(instrument="X", side=1), "quantity"),
        (types.OrderLeg(instrument="X", side=1, quantity="0"), "quantity"),
        (types.OrderLeg(instrument="X", side=1, quantity="-1"), "quantity"),
        (types.OrderLeg(instrument="X", side=1, quantity="1", limit_price="-1"), "limit_price"),
        (types.OrderLeg(instrument="X", side=1, quantity="1", limit_price="1e5"), "limit_price"),
    ],
)
def test_a_malformed_leg_is_named_with_its_number(wrong: types.OrderLeg, field: str) -> None:
    assert refused_field(order(CALL, wrong)) == f"items[4].order.legs[1].{field}"


@pytest.mark.parametrize("order_id", ["", "x" * 65, "a b"])
def test_an_order_to_hold_needs_an_id(order_id: str) -> None:
    assert refused_field(order(CALL, order_id=order_id)) == "items[4].order.order_id"


def test_an_order_to_preview_may_have_none_but_no_odd_one() -> None:
    parse_order(order(CALL, order_id=""), "order", needs_id=False)
    with pytest.raises(InvalidInput):
        parse_order(order(CALL, order_id="a b"), "order", needs_id=False)


@pytest.mark.parametrize("reduce_only", [False, True])
def test_an_order_says_whether_the_venue_cuts_it(reduce_only: bool) -> None:
    asked = order(CALL)
    asked.reduce_only = reduce_only
    assert parse_order(asked, "order")(lambda _name: 0).is_reduce_only is reduce_only


def test_what_a_venue_is_told_besides_legs_is_part_of_the_body() -> None:
    plain, cut, ending = (order(CALL) for _ in range(3))
    cut.reduce_only = True
    ending.hold_duration.FromSeconds(30)
    assert len({body_digest(request(order=each)) for each in (plain, cut, ending)}) == 3


def test_an_order_without_a_duration_holds_for_good() -> None:
    assert parse_hold_ns(order(CALL), "order") == 0


def held_for(seconds: int, nanos: int) -> types.Order:
    asked = order(CALL)
    asked.hold_duration.CopyFrom(Duration(seconds=seconds, nanos=nanos))
    return asked


@pytest.mark.parametrize(
    ("seconds", "nanos", "hold_ns"),
    [
        (1, 0, SECOND),
        (1, 1, SECOND + 1),
        (29, 999_999_999, 30 * SECOND - 1),
        (30 * 86_400, 0, 30 * DAY),
        (30 * 86_400 - 1, 999_999_999, 30 * DAY - 1),
    ],
)
def test_a_hold_lasts_a_second_to_thirty_days(seconds: int, nanos: int, hold_ns: int) -> None:
    assert parse_hold_ns(held_for(seconds, nanos), "order") == hold_ns


@pytest.mark.parametrize(
    ("seconds", "nanos"),
    [
        (0, 0),
        (0, 999_999_999),
        (-1, 0),
        (-(2**63), 0),
        (30 * 86_400, 1),
        (2**63 - 1, 999_999_999),
        (1, -1),
        (2, -1),
        (5, -999_999_999),
        (1, 10**9),
        (-1, 2 * 10**9),
    ],
)
def test_any_other_duration_is_refused(seconds: int, nanos: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_hold_ns(held_for(seconds, nanos), "items[4].order")
    assert refused.value.field == "items[4].order.hold_duration"


def test_the_legs_of_a_change_are_parsed_by_name_to_totals() -> None:
    call, near = parse_amend_legs([CALL, leg("NEAR", "-2.50")], "legs")
    assert (call.instrument, call.side, call.quantity, call.limit) == (
        *("CALL", Side.BUY, Decimal("0.1"), Decimal(200)),
    )
    assert (near.instrument, near.side, near.quantity, near.limit) == (
        *("NEAR", Side.SELL, Decimal("2.5"), None),
    )


@pytest.mark.parametrize(
    ("legs", "field"),
    [
        ([], "legs"),
        ([CALL] * (LEGS_MAX + 1), "legs"),
        ([CALL, types.OrderLeg(instrument="X", quantity="1")], "legs[1].side"),
        ([types.OrderLeg(instrument="X", side=1, quantity="0")], "legs[0].quantity"),
        ([types.OrderLeg(instrument="a b", side=1, quantity="1")], "legs[0].instrument"),
        ([leg("X", "1", "x")], "legs[0].limit_price"),
    ],
)
def test_a_malformed_change_names_its_field(legs: list[types.OrderLeg], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_amend_legs(legs, "legs")
    assert refused.value.field == field


def test_what_is_held_has_open_quantities_and_the_prices_assumed() -> None:
    decided = OrderNumbers(
        order_id="o",
        legs=(
            LegNumbers("CALL", 1, 2, 200 * 10**9),
            LegNumbers("FAR", 1, 0, 0),
            LegNumbers("COIN-PERPETUAL", -1, 3, 10**14 + 5 * 10**8, is_market=True),
        ),
    )
    assert list(held_legs(decided, TABLE)) == [
        leg("CALL", "0.2", "200"),
        leg("COIN-PERPETUAL", "-30", "100000.5"),
    ]


def account_with(memo: OrderMemo, **shapes: tuple[OpenLeg, ...]) -> AccountState:
    """Account a with order o as it is, and as it is to become."""
    portfolio = Portfolio(fees=NO_FEES, legs={"o": shapes["legs"]})
    if "amended" in shapes:
        portfolio.amendments["o"] = shapes["amended"]
    return AccountState(
        account="a", fee_tier="default", opened_ns=0, portfolio=portfolio, orders={"o": memo}
    )


MEMO = OrderMemo(request_id="r", accepted_ns=5_000_000_007, sides=(("NEAR", -1),), totals=(9,))
NEAR = OpenLeg(row=6, side=Side.SELL, lots=7, price_nano=101_000 * 10**9)


def test_an_open_order_has_what_is_left_of_it_and_no_more() -> None:
    assert open_order(account_with(MEMO, legs=(NEAR,)), "o", TABLE) == types.OpenOrder(
        order_id="o",
        legs=[leg("NEAR", "-0.7", "101000")],
        accept_time=Timestamp(seconds=5, nanos=7),
        request_id="r",
    )


def test_an_open_order_says_what_its_venue_was_told_and_what_is_pending() -> None:
    memo = OrderMemo(
        request_id="r",
        accepted_ns=0,
        sides=(("NEAR", -1), ("CALL", 1)),
        totals=(7, 2),
        execution="atomic_combo",
        is_reduce_only=True,
        hold_ns=30_500_000_000,
        amend_totals=(8, 2),
    )
    eight = OpenLeg(row=6, side=Side.SELL, lots=8, price_nano=100_000 * 10**9)
    message = open_order(account_with(memo, legs=(NEAR,), amended=(eight,)), "o", TABLE)
    assert message.execution == types.EXECUTION_ATOMIC_COMBO
    assert message.reduce_only
    assert message.hold_duration == Duration(seconds=30, nanos=500_000_000)
    assert message.amend_pending
    assert list(message.amended_legs) == [leg("NEAR", "-0.8", "100000")]


def test_a_pending_change_that_leaves_nothing_open_is_pending_all_the_same() -> None:
    message = open_order(account_with(MEMO, legs=(NEAR,), amended=()), "o", TABLE)
    assert message.amend_pending
    assert not message.amended_legs
