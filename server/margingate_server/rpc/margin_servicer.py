"""Decisions of MarginService: for order routers."""

import grpc

from margingate.v1 import margin_service_pb2 as pb
from margingate.v1 import types_pb2 as types
from margingate_engine.check.question import Question
from margingate_engine.core.orders import Side
from margingate_server.rpc.decimals import nano_text
from margingate_server.rpc.decision_codec import (
    basis_message,
    component_message,
    decision_message,
    scenario_messages,
)
from margingate_server.rpc.fields import (
    count_between,
    identifier,
    instrument_name,
    time_ns,
)
from margingate_server.rpc.lane import Lane, with_seq
from margingate_server.rpc.observers import REASON_WORDS, DecisionObserver, tell
from margingate_server.rpc.order_codec import (
    BATCH_MAX,
    body_digest,
    check_leg_count,
    one_leg,
    optional_price,
    parse_amend_legs,
    parse_hold_ns,
    parse_order,
)
from margingate_server.service.amending import AmendCommand
from margingate_server.service.checking import max_size
from margingate_server.service.decisions import CheckAnswer, CheckCommand
from margingate_server.service.desk import Desk


class MarginServicer:
    """Parses, calls one use case, prints."""

    def __init__(self, lane: Lane, observer: DecisionObserver) -> None:
        self._lane = lane
        self._observer = observer

    def CheckOrder(  # noqa: N802 - gRPC names
        self, request: pb.CheckOrderRequest, _context: grpc.ServicerContext
    ) -> pb.CheckOrderResponse:
        """Decide and hold."""
        account = identifier(request.account, "account")
        request_id = identifier(request.request_id, "request_id")
        order = parse_order(request.order, "order")
        hold_ns = parse_hold_ns(request.order, "order")
        sent_ns = time_ns(request.sent_time, "sent_time")
        digest = body_digest(request)

        def use(desk: Desk, now_ns: int) -> tuple[CheckAnswer, int]:
            command = CheckCommand(
                account=account,
                request_id=request_id,
                digest=digest,
                order=order(desk.shard.row),
                sent_ns=sent_ns,
                hold_ns=hold_ns,
            )
            answer = desk.checking.check(command, now_ns)
            return answer, answer.seq

        return self._answered(self._lane.check(use))

    def BatchCheckOrders(  # noqa: N802
        self, request: pb.BatchCheckOrdersRequest, _context: grpc.ServicerContext
    ) -> pb.BatchCheckOrdersResponse:
        """Decide and hold, one after the other, with one commit."""
        account = identifier(request.account, "account")
        sent_ns = time_ns(request.sent_time, "sent_time")
        count_between(len(request.items), 1, BATCH_MAX, "items")
        items = [
            (
                identifier(item.request_id, f"items[{number}].request_id"),
                body_digest(item),
                parse_order(item.order, f"items[{number}].order"),
                parse_hold_ns(item.order, f"items[{number}].order"),
            )
            for number, item in enumerate(request.items)
        ]
        check_leg_count([item.order for item in request.items], "items")

        def use(desk: Desk, now_ns: int) -> tuple[list[CheckAnswer], int]:
            commands = [
                CheckCommand(
                    account=account,
                    request_id=request_id,
                    digest=digest,
                    order=order(desk.shard.row),
                    sent_ns=sent_ns,
                    hold_ns=hold_ns,
                )
                for request_id, digest, order, hold_ns in items
            ]
            answers = desk.checking.check_all(commands, now_ns)
            return answers, max(answer.seq for answer in answers)

        answers = self._lane.check(use)
        return pb.BatchCheckOrdersResponse(results=[self._answered(each) for each in answers])

    def PreviewOrder(  # noqa: N802
        self, request: pb.PreviewOrderRequest, _context: grpc.ServicerContext
    ) -> pb.PreviewOrderResponse:
        """Decide and forget."""
        account = identifier(request.account, "account")
        order = parse_order(request.order, "order", needs_id=False)
        parse_hold_ns(request.order, "order")
        answer, explained = self._lane.look(
            lambda desk, now_ns: desk.checking.preview(
                account, order(desk.shard.row), now_ns, has_explanation=request.explain
            )
        )
        tell(self._observer.previewed, REASON_WORDS[answer.decision.reason])
        if explained is None:
            return pb.PreviewOrderResponse(decision=decision_message(answer))
        return pb.PreviewOrderResponse(
            decision=decision_message(answer, explained.also_failing),
            explanation_before=component_message(explained.before),
            explanation_after=component_message(explained.after),
            scenarios_before=scenario_messages(explained.scenarios_before),
            scenarios_after=scenario_messages(explained.scenarios_after),
        )

    def BatchPreviewOrders(  # noqa: N802
        self, request: pb.BatchPreviewOrdersRequest, _context: grpc.ServicerContext
    ) -> pb.BatchPreviewOrdersResponse:
        """Decide each alone against the same state."""
        account = identifier(request.account, "account")
        count_between(len(request.orders), 1, BATCH_MAX, "orders")
        orders = [
            parse_order(order, f"orders[{number}]", needs_id=False)
            for number, order in enumerate(request.orders)
        ]
        for number, each in enumerate(request.orders):
            parse_hold_ns(each, f"orders[{number}]")
        check_leg_count(list(request.orders), "orders")
        answers = self._lane.look(
            lambda desk, now_ns: [
                desk.checking.preview(
                    account, order(desk.shard.row), now_ns, has_explanation=False
                )[0]
                for order in orders
            ]
        )
        for answer in answers:
            tell(self._observer.previewed, REASON_WORDS[answer.decision.reason])
        return pb.BatchPreviewOrdersResponse(decisions=[decision_message(a) for a in answers])

    def AmendOrder(  # noqa: N802
        self, request: pb.AmendOrderRequest, _context: grpc.ServicerContext
    ) -> pb.AmendOrderResponse:
        """Decide on a change of an open order."""
        command = AmendCommand(
            account=identifier(request.account, "account"),
            request_id=identifier(request.request_id, "request_id"),
            digest=body_digest(request),
            order_id=identifier(request.order_id, "order_id"),
            legs=parse_amend_legs(request.legs, "legs"),
            sent_ns=time_ns(request.sent_time, "sent_time"),
        )
        answer = self._lane.check(
            lambda desk, now_ns: with_seq(desk.amending.amend(command, now_ns))
        )
        self._tell(answer)
        return pb.AmendOrderResponse(
            decision=decision_message(answer), replayed=answer.is_replayed, held=answer.is_held
        )

    def GetMaxOrderSize(  # noqa: N802
        self, request: pb.GetMaxOrderSizeRequest, _context: grpc.ServicerContext
    ) -> pb.GetMaxOrderSizeResponse:
        """Largest buy and sell."""
        account = identifier(request.account, "account")
        name = instrument_name(request.instrument, "instrument")
        prices = {
            Side.BUY: optional_price(request.buy_price, "buy_price"),
            Side.SELL: optional_price(request.sell_price, "sell_price"),
        }

        def use(desk: Desk, now_ns: int) -> tuple[dict[Side, Question], types.Basis]:
            row, asked = desk.shard.row(name), desk.shard.account(account)
            questions = {
                side: desk.checking.asked(account, one_leg(row, side, price), now_ns)
                for side, price in prices.items()
            }
            view = desk.shard.view_of(asked).view
            return questions, basis_message(view, asked.version, now_ns)

        # A size takes as many decisions as it takes: beside those that others wait for.
        questions, basis = self._lane.look(use)
        sizes = {side: _largest(question) for side, question in questions.items()}
        return pb.GetMaxOrderSizeResponse(buy=sizes[Side.BUY], sell=sizes[Side.SELL], basis=basis)

    def GetDecision(  # noqa: N802
        self, request: pb.GetDecisionRequest, _context: grpc.ServicerContext
    ) -> pb.GetDecisionResponse:
        """What was answered for a request id."""
        account = identifier(request.account, "account")
        request_id = identifier(request.request_id, "request_id")

        def use(desk: Desk, _now_ns: int) -> pb.GetDecisionResponse:
            answer = desk.checking.decision_of(account, request_id)
            return pb.GetDecisionResponse(decision=decision_message(answer), held=answer.is_held)

        return self._lane.read(use)

    def _answered(self, answer: CheckAnswer) -> pb.CheckOrderResponse:
        self._tell(answer)
        return pb.CheckOrderResponse(
            decision=decision_message(answer), replayed=answer.is_replayed, held=answer.is_held
        )

    def _tell(self, answer: CheckAnswer) -> None:
        if answer.is_replayed:
            tell(self._observer.replayed)
        else:
            tell(self._observer.decided, REASON_WORDS[answer.decision.reason])


def _largest(question: Question) -> pb.MaxSize:
    (leg,) = question.order.legs
    lots, reason = max_size(question)
    return pb.MaxSize(
        quantity=nano_text(lots * question.table.instruments[leg.row].lot_nano),
        limiting_reason=types.RejectReason.ValueType(int(reason)),
    )
