"""MarginService, from message to message."""

import grpc
import pytest

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import margin_service_pb2 as pb
from margingate.v1 import types_pb2 as types
from margingate_engine.check.max_size import max_order_size
from margingate_engine.check.question import Question
from margingate_engine.core.reasons import RejectReason
from margingate_server.rpc.observers import REASON_WORDS
from margingate_server.service import checking
from tests.unit.rpc.gate import Gate, leg, order

Code = grpc.StatusCode
CALL = leg("CALL", "0.1", "200")
SHORT = leg("NEAR", "-0.1", "101000")


@pytest.fixture
def gate() -> Gate:
    made = Gate().open(usd="1600")
    made.watch.told.clear()
    return made


def batch(gate: Gate, *items: tuple[str, types.Order]) -> pb.BatchCheckOrdersRequest:
    return pb.BatchCheckOrdersRequest(
        account="a",
        items=[pb.BatchCheckItem(request_id=request_id, order=each) for request_id, each in items],
        sent_time=gate.sent_time(),
    )


def fill(**changes: str | int) -> pb.ReportFillRequest:
    usual: dict[str, str | int] = {
        "fill_id": "f",
        "account": "a",
        "order_id": "o",
        "instrument": "NEAR",
        "side": types.SIDE_SELL,
        "quantity": "0.1",
        "price": "101000",
    }
    return pb.ReportFillRequest(**{**usual, **changes})  # type: ignore[arg-type]


def test_a_yes_carries_risk_basis_and_impact(gate: Gate) -> None:
    answer = gate.check(order(SHORT))
    decision = answer.decision
    assert answer.replayed is False
    assert decision.verdict == types.VERDICT_ACCEPTED
    assert decision.reject_reason == types.REJECT_REASON_UNSPECIFIED
    assert decision.before == types.Risk(
        equity="1600", initial_margin="0", maintenance_margin="0", headroom="1600"
    )
    # 15 % of 10,100 USD, the reserve of a short lot, and 1 % of basis against spot that never was.
    assert decision.after == types.Risk(
        equity="1600", initial_margin="1515.000001", maintenance_margin="0", headroom="84.999999"
    )
    assert decision.margin_impact == "1515.000001"
    assert decision.exactness == types.EXACTNESS_EXACT
    assert [(each.group, each.scenario) for each in decision.worst_after] == [("BTC", 11)]
    assert decision.binding_component == "scan_risk"
    assert decision.order_id == "o"
    basis = decision.basis
    assert (basis.market_version, basis.account_version, basis.model) == (2, 2, "span")
    assert basis.decision_time == gate.sent_time()
    assert basis.parameters_digest == gate.builder.terms.model.parameters_digest
    assert gate.watch.of("decided", "replayed") == [("decided", "none")]


def test_a_no_is_ok_with_a_reason_and_is_replayed(gate: Gate) -> None:
    request = gate.check_request(order(leg("NEAR", "-0.2", "101000")))
    first, again = gate.ok("CheckOrder", request), gate.ok("CheckOrder", request)
    assert first.decision.verdict == types.VERDICT_REJECTED
    assert first.decision.reject_reason == types.REJECT_REASON_INSUFFICIENT_INITIAL_MARGIN
    assert (first.replayed, again.replayed) == (False, True)
    assert again.decision == first.decision
    assert gate.watch.of("decided", "replayed") == [
        ("decided", "insufficient_initial_margin"),
        ("replayed",),
    ]


def test_a_retry_may_have_another_sent_time_and_nothing_else(gate: Gate) -> None:
    gate.check(order(CALL))
    gate.clock.ns += 5 * 10**9
    assert gate.check(order(CALL)).replayed is True
    conflict = gate.answer("CheckOrder", gate.check_request(order(leg("CALL", "0.2", "200"))))
    assert (conflict.code, conflict.reason) == (Code.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert conflict.metadata == {"request_id": "r"}


def test_a_preview_needs_no_order_id_and_binds_nothing(gate: Gate) -> None:
    seq = gate.store.head.seq
    request = pb.PreviewOrderRequest(account="a", order=order(SHORT, order_id=""), explain=True)
    for _ in range(2):
        answer = gate.ok("PreviewOrder", request)
    assert answer.decision.after.initial_margin == "1515.000001"
    assert answer.explanation_after.amount == "1515.000001"
    assert answer.explanation_before.amount == "0"
    (table,) = answer.scenarios_after
    assert min(table.pnl_with_orders) == -1515.000001
    assert len(table.descriptions) == len(table.pnl_with_orders) == 16
    assert gate.store.head.seq == seq
    assert gate.watch.of("previewed") == [("previewed", "none")] * 2


def test_a_preview_without_explanation_is_short(gate: Gate) -> None:
    answer = gate.ok("PreviewOrder", pb.PreviewOrderRequest(account="a", order=order(SHORT)))
    assert not answer.HasField("explanation_after")
    assert not answer.scenarios_after


def test_previews_of_a_batch_are_each_against_the_same_state(gate: Gate) -> None:
    request = pb.BatchPreviewOrdersRequest(account="a", orders=[order(SHORT), order(SHORT)])
    decisions = gate.ok("BatchPreviewOrders", request).decisions
    assert [each.verdict for each in decisions] == [types.VERDICT_ACCEPTED] * 2


def test_a_batch_is_decided_one_after_the_other_with_one_commit(gate: Gate) -> None:
    gate.store.batches.clear()
    request = batch(
        gate, ("r", order(SHORT)), ("s", order(SHORT, order_id="p")), ("r", order(SHORT))
    )
    results = gate.ok("BatchCheckOrders", request).results
    assert [each.decision.reject_reason for each in results] == [
        types.REJECT_REASON_UNSPECIFIED,
        types.REJECT_REASON_INSUFFICIENT_INITIAL_MARGIN,
        types.REJECT_REASON_UNSPECIFIED,
    ]
    assert [each.replayed for each in results] == [False, False, True]
    assert gate.store.batches == [2]
    again = gate.ok("BatchCheckOrders", request).results
    assert [each.replayed for each in again] == [True] * 3
    assert [each.decision for each in again] == [each.decision for each in results]


@pytest.mark.parametrize(
    "items",
    [
        (("r", order(CALL)), ("used", order(CALL, order_id="p"))),
        (("r", order(CALL)), ("s", order(CALL)), ("s", order(SHORT))),
        (("r", order(CALL)), ("s", order(leg("X", "1", "1")))),
    ],
    ids=["an id used before", "an id twice in the batch", "an unknown instrument"],
)
def test_a_batch_that_cannot_be_answered_decides_nothing(
    gate: Gate, items: tuple[tuple[str, types.Order], ...]
) -> None:
    gate.ok(
        "BatchCheckOrders", batch(gate, ("used", order(leg("CALL", "0.3", "200"), order_id="x")))
    )
    seq = gate.store.head.seq
    assert gate.answer("BatchCheckOrders", batch(gate, *items)).code in {
        Code.ALREADY_EXISTS,
        Code.NOT_FOUND,
    }
    listed = gate.ok("ListOrders", pb.ListOrdersRequest(account="a")).orders
    assert [each.order_id for each in listed] == ["x"]
    assert gate.store.head.seq == seq


def test_a_batch_has_1_to_1000_orders_and_legs(gate: Gate) -> None:
    for count, legs in ((0, 1), (1_001, 1), (40, 26)):
        items = [(f"r-{n}", order(*(CALL,) * legs, order_id=f"o-{n}")) for n in range(count)]
        refused = gate.answer("BatchCheckOrders", batch(gate, *items))
        assert (refused.code, refused.fields) == (Code.INVALID_ARGUMENT, ("items",))
        previewed = gate.answer(
            "BatchPreviewOrders",
            pb.BatchPreviewOrdersRequest(account="a", orders=[each for _, each in items]),
        )
        assert (previewed.code, previewed.fields) == (Code.INVALID_ARGUMENT, ("orders",))


def test_a_release_gives_back_and_says_what_was_unusual(gate: Gate) -> None:
    gate.check(order(SHORT))
    request = pb.ReleaseOrderRequest(request_id="x", account="a", order_id="o")
    first, again = gate.ok("ReleaseOrder", request), gate.ok("ReleaseOrder", request)
    assert first == again
    assert (first.released, first.flag, first.risk.initial_margin) == (True, 0, "0")
    late = pb.ReleaseOrderRequest(request_id="y", account="a", order_id="o")
    assert gate.ok("ReleaseOrder", late).flag == types.LIFECYCLE_FLAG_LATE
    unknown = pb.ReleaseOrderRequest(request_id="z", account="a", order_id="p")
    assert gate.ok("ReleaseOrder", unknown).flag == types.LIFECYCLE_FLAG_UNKNOWN_ORDER
    assert gate.watch.of("flagged") == [("flagged", "late"), ("flagged", "unknown_order")]


def test_all_orders_are_released(gate: Gate) -> None:
    gate.check(order(SHORT))
    answer = gate.ok("ReleaseAll", pb.ReleaseAllRequest(request_id="x", account="a"))
    assert (answer.released_count, answer.risk.headroom) == (1, "1600")


def test_a_fill_answers_position_open_quantity_and_flag(gate: Gate) -> None:
    gate.ok(
        "AdjustCollateral",
        accounts.AdjustCollateralRequest(
            request_id="more", account="a", currency="USD", amount="5000"
        ),
    )
    gate.check(order(leg("NEAR", "-0.3", "101000")))
    first = gate.ok("ReportFill", fill(quantity="0.2"))
    assert (first.position, first.open_quantity, first.flag) == ("-0.2", "0.1", 0)
    assert gate.ok("ReportFill", fill(quantity="0.2")).replayed is True
    over = gate.ok("ReportFill", fill(fill_id="g", quantity="0.2"))
    assert (over.position, over.open_quantity) == ("-0.4", "0")
    assert over.flag == types.LIFECYCLE_FLAG_OVER_FILL
    late = gate.ok("ReportFill", fill(fill_id="h", side=types.SIDE_BUY))
    assert (late.position, late.flag) == ("-0.3", types.LIFECYCLE_FLAG_LATE)
    assert gate.watch.of("flagged") == [("flagged", "over_fill"), ("flagged", "late")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"fill_id": ""}, "fill_id"),
        ({"account": "a b"}, "account"),
        ({"order_id": ""}, "order_id"),
        ({"instrument": ""}, "instrument"),
        ({"side": 0}, "side"),
        ({"side": 7}, "side"),
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "-1"}, "quantity"),
        ({"quantity": "0.15"}, "quantity"),
        ({"price": "-1"}, "price"),
        ({"price": ""}, "price"),
        ({"fee": "1e3"}, "fee"),
    ],
)
def test_a_malformed_fill_names_its_field(
    gate: Gate, changes: dict[str, str | int], field: str
) -> None:
    answer = gate.answer("ReportFill", fill(**changes))
    assert (answer.code, answer.fields) == (Code.INVALID_ARGUMENT, (field,))


def test_the_largest_size_has_a_reason_for_each_side(gate: Gate) -> None:
    request = pb.GetMaxOrderSizeRequest(
        account="a", instrument="NEAR", buy_price="101000", sell_price="101000"
    )
    sizes = gate.ok("GetMaxOrderSize", request)
    for size in (sizes.buy, sizes.sell):
        assert size.quantity == "0.1"
        assert size.limiting_reason == types.REJECT_REASON_INSUFFICIENT_INITIAL_MARGIN
    assert sizes.basis.account_version == 2
    market = pb.GetMaxOrderSizeRequest(account="a", instrument="NEAR")
    sizes = gate.ok("GetMaxOrderSize", market)
    assert (sizes.buy.quantity, sizes.buy.limiting_reason) == (
        "0",
        types.REJECT_REASON_PRICE_COLLAR,
    )


def test_a_size_is_searched_while_others_are_decided(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked about is the account as it was, whatever becomes of it meanwhile."""
    request = pb.GetMaxOrderSizeRequest(
        account="a", instrument="NEAR", buy_price="101000", sell_price="101000"
    )
    before = gate.ok("GetMaxOrderSize", request)
    decided = []

    def search(question: Question) -> tuple[int, RejectReason]:
        assert not gate.lane._deciding.locked()
        if not decided:
            decided.append(gate.check(order(leg("NEAR", "0.1", "101000"))).held)
        return max_order_size(question)

    monkeypatch.setattr(checking, "max_order_size", search)
    assert gate.ok("GetMaxOrderSize", request) == before
    assert decided == [True]
    assert gate.ok("GetMaxOrderSize", request).buy.quantity == "0"


def test_a_decision_can_be_asked_for_again(gate: Gate) -> None:
    decision = gate.check(order(SHORT)).decision
    found = gate.ok("GetDecision", pb.GetDecisionRequest(account="a", request_id="r"))
    assert found.decision == decision
    missing = gate.answer("GetDecision", pb.GetDecisionRequest(account="a", request_id="s"))
    assert (missing.code, missing.reason) == (Code.NOT_FOUND, "REQUEST_NOT_FOUND")


def test_open_orders_come_by_pages_in_order(gate: Gate) -> None:
    for name in ("o-3", "o-1", "o-2"):
        gate.check(order(CALL, order_id=name), request_id=name)
    first = gate.ok("ListOrders", pb.ListOrdersRequest(account="a", page_size=2))
    assert [each.order_id for each in first.orders] == ["o-1", "o-2"]
    rest = gate.ok(
        "ListOrders",
        pb.ListOrdersRequest(account="a", page_size=2, page_token=first.next_page_token),
    )
    assert [each.order_id for each in rest.orders] == ["o-3"]
    assert rest.next_page_token == ""
    (only,) = first.orders[0].legs
    assert only == CALL
    assert first.orders[0].request_id == "o-1"
    assert first.orders[0].accept_time == gate.sent_time()


def test_every_reason_has_a_word_for_the_metrics() -> None:
    assert len(REASON_WORDS) == len(RejectReason)
    assert (REASON_WORDS[0], REASON_WORDS[5]) == ("none", "off_tick")
