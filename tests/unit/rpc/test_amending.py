"""AmendOrder, ConfirmAmend, RejectAmend, reduce-only and combos, from message to message."""

from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from margingate.v1 import admin_service_pb2 as admin
from margingate.v1 import margin_service_pb2 as pb
from margingate.v1 import types_pb2 as types
from tests.unit.rpc.gate import Answer, Gate, leg, order
from tests.unit.rpc.memory_store import disk_full, fails_once

Code = grpc.StatusCode
SHORT = leg("NEAR", "-0.2", "101000")


@pytest.fixture
def gate() -> Gate:
    made = Gate().open(usd="5000")
    made.check(order(SHORT))
    made.watch.told.clear()
    return made


def amend_request(
    gate: Gate, *legs: types.OrderLeg, order_id: str = "o", request_id: str = "am"
) -> pb.AmendOrderRequest:
    return pb.AmendOrderRequest(
        request_id=request_id,
        account="a",
        order_id=order_id,
        legs=legs,
        sent_time=gate.sent_time(),
    )


def amend(gate: Gate, *legs: types.OrderLeg, request_id: str = "am") -> Any:
    return gate.ok("AmendOrder", amend_request(gate, *legs, request_id=request_id))


def settle(gate: Gate, method: str, request_id: str = "s", order_id: str = "o") -> Any:
    kind = {"ConfirmAmend": pb.ConfirmAmendRequest, "RejectAmend": pb.RejectAmendRequest}[method]
    return gate.ok(method, kind(request_id=request_id, account="a", order_id=order_id))


def only_order(gate: Gate) -> types.OpenOrder:
    (found,) = gate.ok("ListOrders", pb.ListOrdersRequest(account="a")).orders
    return found  # type: ignore[no-any-return]


def fill(gate: Gate, quantity: str, fill_id: str = "f") -> Any:
    return gate.ok(
        "ReportFill",
        pb.ReportFillRequest(
            fill_id=fill_id,
            account="a",
            order_id="o",
            instrument="NEAR",
            side=types.SIDE_SELL,
            quantity=quantity,
            price="101000",
        ),
    )


def test_a_change_is_answered_with_what_would_be_open_and_the_margin_of_both(gate: Gate) -> None:
    answer = amend(gate, leg("NEAR", "-0.3", "101000"))
    decision = answer.decision
    assert answer.replayed is False
    assert decision.verdict == types.VERDICT_ACCEPTED
    assert decision.order_id == "o"
    # 15 % of 10,100 USD a lot and the rounding reserve of each.
    assert decision.before.initial_margin == "3030.000002"
    assert decision.after.initial_margin == "4545.000003"
    assert decision.margin_impact == "1515.000001"
    assert list(decision.held_legs) == [leg("NEAR", "-0.3", "101000")]
    assert gate.watch.of("decided", "replayed") == [("decided", "none")]
    open_order = only_order(gate)
    assert list(open_order.legs) == [SHORT]
    assert list(open_order.amended_legs) == [leg("NEAR", "-0.3", "101000")]
    assert open_order.amend_pending


@pytest.mark.parametrize(
    ("method", "initial", "open_quantity"),
    [("ConfirmAmend", "4545.000003", "0.3"), ("RejectAmend", "3030.000002", "0.2")],
)
def test_the_venue_s_answer_leaves_one_shape(
    gate: Gate, method: str, initial: str, open_quantity: str
) -> None:
    amend(gate, leg("NEAR", "-0.3", "101000"))
    first, again = settle(gate, method), settle(gate, method)
    assert first == again
    assert (first.changed, first.flag) == (True, 0)
    assert first.risk.initial_margin == initial
    open_order = only_order(gate)
    assert [each.quantity for each in open_order.legs] == [open_quantity]
    assert not open_order.amend_pending
    late = settle(gate, method, "t")
    assert (late.changed, late.flag) == (False, types.LIFECYCLE_FLAG_LATE)
    unknown = settle(gate, method, "u", "p")
    assert (unknown.changed, unknown.flag) == (False, types.LIFECYCLE_FLAG_UNKNOWN_ORDER)
    assert gate.watch.of("flagged") == [("flagged", "late"), ("flagged", "unknown_order")]


def test_what_is_held_of_a_change_is_without_what_was_filled(gate: Gate) -> None:
    fill(gate, "0.1")
    answer = amend(gate, leg("NEAR", "-0.3", "101000"))
    assert list(answer.decision.held_legs) == [leg("NEAR", "-0.2", "101000")]
    assert fill(gate, "0.1", "g").flag == types.LIFECYCLE_FLAG_UNSPECIFIED
    assert not only_order(gate).legs
    assert list(only_order(gate).amended_legs) == [leg("NEAR", "-0.1", "101000")]
    settle(gate, "RejectAmend")
    assert not gate.ok("ListOrders", pb.ListOrdersRequest(account="a")).orders


def test_a_refused_change_is_ok_with_a_reason_and_the_old_hold_stands(gate: Gate) -> None:
    request = amend_request(gate, leg("NEAR", "-0.4", "101000"))
    first, again = gate.ok("AmendOrder", request), gate.ok("AmendOrder", request)
    assert first.decision.reject_reason == types.REJECT_REASON_INSUFFICIENT_INITIAL_MARGIN
    assert not first.decision.held_legs
    assert (first.replayed, again.replayed) == (False, True)
    assert again.decision == first.decision
    assert list(only_order(gate).legs) == [SHORT]
    assert not only_order(gate).amend_pending
    assert gate.watch.of("decided", "replayed") == [
        ("decided", "insufficient_initial_margin"),
        ("replayed",),
    ]


def test_the_answer_to_a_change_is_found_again_after_a_recovery(gate: Gate) -> None:
    decision = amend(gate, leg("NEAR", "-0.3", "101000")).decision
    gate.lane.mark_down()
    gate.recover()
    found = gate.ok("GetDecision", pb.GetDecisionRequest(account="a", request_id="am"))
    assert found.decision == decision
    again = amend(gate, leg("NEAR", "-0.3", "101000"))
    assert (again.replayed, again.decision) == (True, decision)
    assert only_order(gate).amend_pending


@pytest.mark.parametrize("keeps_failed", [False, True])
def test_a_change_that_may_have_been_stored_is_found_or_was_never_taken(
    gate: Gate, keeps_failed: bool
) -> None:
    request = amend_request(gate, leg("NEAR", "-0.3", "101000"))
    gate.store.before_append = fails_once(disk_full())
    gate.store.keeps_failed = keeps_failed
    lost = gate.answer("AmendOrder", request)
    assert (lost.code, lost.reason) == (Code.UNAVAILABLE, "LEDGER_DOWN")
    gate.recover()
    assert only_order(gate).amend_pending is keeps_failed
    found = gate.answer("GetDecision", pb.GetDecisionRequest(account="a", request_id="am"))
    assert found.code == (Code.OK if keeps_failed else Code.NOT_FOUND)
    again = gate.ok("AmendOrder", request)
    assert again.replayed is keeps_failed
    assert only_order(gate).amend_pending
    if keeps_failed:
        assert again.decision == found.response.decision


def refused(gate: Gate, method: str, request: Any) -> tuple[Code, str]:
    answer: Answer = gate.answer(method, request)
    return answer.code, answer.reason


def test_a_second_change_waits_for_the_answer_to_the_first(gate: Gate) -> None:
    amend(gate, leg("NEAR", "-0.3", "101000"))
    second = amend_request(gate, leg("NEAR", "-0.2", "101000"), request_id="second")
    assert refused(gate, "AmendOrder", second) == (Code.FAILED_PRECONDITION, "AMEND_PENDING")
    settle(gate, "ConfirmAmend")
    assert gate.ok("AmendOrder", second).decision.verdict == types.VERDICT_ACCEPTED


def test_what_cannot_be_changed_has_its_status(gate: Gate) -> None:
    unknown = amend_request(gate, SHORT, order_id="p")
    assert refused(gate, "AmendOrder", unknown) == (Code.NOT_FOUND, "ORDER_NOT_FOUND")
    for legs in ((leg("FAR", "-0.2", "104000"),), (SHORT, SHORT), (leg("NEAR", "0.2", "101000"),)):
        answer = gate.answer("AmendOrder", amend_request(gate, *legs))
        assert (answer.code, answer.fields) == (Code.INVALID_ARGUMENT, ("legs",))
    amend(gate, leg("NEAR", "-0.3", "101000"))
    other = amend_request(gate, leg("NEAR", "-0.2", "101000"))
    assert refused(gate, "AmendOrder", other) == (Code.ALREADY_EXISTS, "REQUEST_ID_REUSED")


def test_the_id_of_a_check_is_no_id_of_a_change(gate: Gate) -> None:
    change = amend_request(gate, SHORT, request_id="r")
    assert refused(gate, "AmendOrder", change) == (Code.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    amend(gate, leg("NEAR", "-0.3", "101000"))
    check = gate.check_request(order(SHORT, order_id="p"), "am")
    assert refused(gate, "CheckOrder", check) == (Code.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    confirm = pb.ConfirmAmendRequest(request_id="am", account="a", order_id="o")
    assert refused(gate, "ConfirmAmend", confirm) == (Code.ALREADY_EXISTS, "REQUEST_ID_REUSED")


@pytest.mark.parametrize("name", ["account", "request_id", "order_id", "legs", "sent_time"])
def test_a_change_needs_every_field(gate: Gate, name: str) -> None:
    request = amend_request(gate, SHORT)
    request.ClearField(name)  # type: ignore[arg-type]
    answer = gate.answer("AmendOrder", request)
    assert (answer.code, answer.fields) == (Code.INVALID_ARGUMENT, (name,))


@pytest.mark.parametrize("name", ["account", "request_id", "order_id"])
@pytest.mark.parametrize("method", ["ConfirmAmend", "RejectAmend"])
def test_an_answer_of_the_venue_needs_every_field(gate: Gate, method: str, name: str) -> None:
    kind = {"ConfirmAmend": pb.ConfirmAmendRequest, "RejectAmend": pb.RejectAmendRequest}[method]
    request = kind(request_id="s", account="a", order_id="o")
    request.ClearField(name)
    answer = gate.answer(method, request)
    assert (answer.code, answer.fields) == (Code.INVALID_ARGUMENT, (name,))


def test_a_change_sent_long_ago_is_expired(gate: Gate) -> None:
    request = amend_request(gate, leg("NEAR", "-0.1", "101000"))
    request.sent_time.seconds -= 3_601
    decision = gate.ok("AmendOrder", request).decision
    assert decision.reject_reason == types.REJECT_REASON_REQUEST_EXPIRED
    assert not only_order(gate).amend_pending


def test_a_suspended_account_is_heard_but_not_given_more(gate: Gate) -> None:
    amend(gate, leg("NEAR", "-0.3", "101000"))
    gate.ok("SuspendAccount", admin.SuspendAccountRequest(request_id="x", account="a"))
    assert settle(gate, "ConfirmAmend").changed
    decision = amend(gate, leg("NEAR", "-0.1", "101000"), request_id="more").decision
    assert decision.reject_reason == types.REJECT_REASON_ACCOUNT_SUSPENDED


def reduce_only(quantity: str, order_id: str = "close") -> types.Order:
    made = order(leg("NEAR", quantity, "101000"), order_id=order_id)
    made.reduce_only = True
    return made


def test_a_reduce_only_order_may_be_sent_for_what_is_held_of_it(gate: Gate) -> None:
    fill(gate, "0.2")
    preview = gate.ok("PreviewOrder", pb.PreviewOrderRequest(account="a", order=reduce_only("5")))
    answer = gate.check(reduce_only("5"), "close")
    for decision in (preview.decision, answer.decision):
        assert list(decision.held_legs) == [leg("NEAR", "0.2", "101000")]
    open_order = only_order(gate)
    assert open_order.reduce_only
    assert list(open_order.legs) == [leg("NEAR", "0.2", "101000")]
    more = gate.check(reduce_only("0.1", "more"), "more").decision
    assert more.reject_reason == types.REJECT_REASON_REDUCE_ONLY_WOULD_INCREASE
    found = gate.ok("GetDecision", pb.GetDecisionRequest(account="a", request_id="close"))
    assert found.decision == answer.decision


def test_reduce_only_orders_of_a_batch_share_what_there_is_to_close(gate: Gate) -> None:
    fill(gate, "0.2")
    items = [
        pb.BatchCheckItem(request_id=name, order=reduce_only(quantity, name))
        for name, quantity in (("first", "0.1"), ("second", "0.3"), ("third", "0.1"))
    ]
    request = pb.BatchCheckOrdersRequest(account="a", items=items, sent_time=gate.sent_time())
    first, second, third = (each.decision for each in gate.ok("BatchCheckOrders", request).results)
    assert list(first.held_legs) == list(second.held_legs) == [leg("NEAR", "0.1", "101000")]
    assert third.reject_reason == types.REJECT_REASON_REDUCE_ONLY_WOULD_INCREASE


def test_a_combo_keeps_its_ratio_when_it_is_changed(gate: Gate) -> None:
    spread = order(leg("NEAR", "0.1", "101000"), leg("FAR", "-0.2", "104000"), order_id="spread")
    spread.execution = types.EXECUTION_ATOMIC_COMBO
    gate.check(spread, "spread")
    same = (leg("NEAR", "0.1", "101000"), leg("FAR", "-0.1", "104000"))
    answer = gate.answer("AmendOrder", amend_request(gate, *same, order_id="spread"))
    assert (answer.code, answer.fields) == (Code.INVALID_ARGUMENT, ("legs",))
    limits = (leg("NEAR", "0.1", "100900"), leg("FAR", "-0.2", "104500"))
    changed = gate.ok("AmendOrder", amend_request(gate, *limits, order_id="spread"))
    assert list(changed.decision.held_legs) == list(limits)


def test_a_combo_is_decided_whole_and_listed_as_one(gate: Gate) -> None:
    both = order(leg("NEAR", "0.1", "101000"), leg("FAR", "-0.1", "104000"), order_id="spread")
    both.execution = types.EXECUTION_ATOMIC_COMBO
    decision = gate.check(both, "spread").decision
    assert decision.verdict == types.VERDICT_ACCEPTED
    assert list(decision.held_legs) == list(both.legs)
    gate.ok("ReleaseOrder", pb.ReleaseOrderRequest(request_id="x", account="a", order_id="o"))
    assert only_order(gate).execution == types.EXECUTION_ATOMIC_COMBO


@pytest.mark.parametrize("method", ["CheckOrder", "BatchCheckOrders"])
def test_the_end_of_a_hold_is_listed_with_its_order(gate: Gate, method: str) -> None:
    gate.ok("ReleaseOrder", pb.ReleaseOrderRequest(request_id="x", account="a", order_id="o"))
    ending = order(SHORT, order_id="ending")
    ending.hold_duration.FromNanoseconds(30_500_000_000)
    items = [pb.BatchCheckItem(request_id="ending", order=ending)]
    batch = pb.BatchCheckOrdersRequest(account="a", items=items, sent_time=gate.sent_time())
    alone = gate.check_request(ending, "ending")
    gate.ok(method, alone if method == "CheckOrder" else batch)
    assert only_order(gate).hold_duration == Duration(seconds=30, nanos=500_000_000)


def test_a_duration_out_of_bounds_is_malformed_wherever_an_order_stands(gate: Gate) -> None:
    wrong = order(SHORT, order_id="p")
    wrong.hold_duration.FromNanoseconds(999_999_999)
    item = pb.BatchCheckItem(request_id="p", order=wrong)
    requests: list[tuple[str, Any, str]] = [
        ("CheckOrder", gate.check_request(wrong, "p"), "order"),
        (
            "BatchCheckOrders",
            pb.BatchCheckOrdersRequest(account="a", items=[item], sent_time=gate.sent_time()),
            "items[0].order",
        ),
        ("PreviewOrder", pb.PreviewOrderRequest(account="a", order=wrong), "order"),
        (
            "BatchPreviewOrders",
            pb.BatchPreviewOrdersRequest(account="a", orders=[order(SHORT), wrong]),
            "orders[1]",
        ),
    ]
    for method, request, path in requests:
        answer = gate.answer(method, request)
        assert (answer.code, answer.fields) == (Code.INVALID_ARGUMENT, (f"{path}.hold_duration",))
