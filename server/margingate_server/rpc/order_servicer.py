"""Calls of MarginService about orders that were accepted: never refused for margin."""

from collections.abc import Callable

import grpc

from margingate.v1 import margin_service_pb2 as pb
from margingate_server.rpc.decimals import nano_text, parse_decimal, parse_positive, parse_price
from margingate_server.rpc.decision_codec import FLAGS, risk_message
from margingate_server.rpc.fields import enum_value, identifier, instrument_name, page_size
from margingate_server.rpc.lane import Lane, with_seq
from margingate_server.rpc.observers import DecisionObserver, tell
from margingate_server.rpc.order_codec import SIDES, body_digest, open_order
from margingate_server.service.amending import VenueAnswer
from margingate_server.service.desk import Desk
from margingate_server.service.orders import FillCommand


class OrderServicer:
    """Parses, calls one use case, prints."""

    def __init__(self, lane: Lane, observer: DecisionObserver) -> None:
        self._lane = lane
        self._observer = observer

    def ConfirmAmend(  # noqa: N802
        self, request: pb.ConfirmAmendRequest, _context: grpc.ServicerContext
    ) -> pb.ConfirmAmendResponse:
        """The venue took a change."""
        answer = self._venue_answer(request, lambda desk: desk.amending.confirm)
        return pb.ConfirmAmendResponse(
            changed=answer.is_changed, flag=FLAGS[answer.flag], risk=risk_message(answer.risk)
        )

    def RejectAmend(  # noqa: N802
        self, request: pb.RejectAmendRequest, _context: grpc.ServicerContext
    ) -> pb.RejectAmendResponse:
        """The venue did not take a change."""
        answer = self._venue_answer(request, lambda desk: desk.amending.withdraw)
        return pb.RejectAmendResponse(
            changed=answer.is_changed, flag=FLAGS[answer.flag], risk=risk_message(answer.risk)
        )

    def ReleaseOrder(  # noqa: N802
        self, request: pb.ReleaseOrderRequest, _context: grpc.ServicerContext
    ) -> pb.ReleaseOrderResponse:
        """Give back what an order holds."""
        account = identifier(request.account, "account")
        order_id = identifier(request.order_id, "order_id")
        request_id = identifier(request.request_id, "request_id")
        digest = body_digest(request)
        answer = self._lane.decide(
            lambda desk, now_ns: with_seq(
                desk.orders.release(account, order_id, request_id, digest, now_ns)
            )
        )
        if answer.flag:
            tell(self._observer.flagged, answer.flag)
        return pb.ReleaseOrderResponse(
            released=answer.released_count > 0,
            flag=FLAGS[answer.flag],
            risk=risk_message(answer.risk),
        )

    def ReleaseAll(  # noqa: N802
        self, request: pb.ReleaseAllRequest, _context: grpc.ServicerContext
    ) -> pb.ReleaseAllResponse:
        """Give back what every order of an account holds."""
        account = identifier(request.account, "account")
        request_id = identifier(request.request_id, "request_id")
        digest = body_digest(request)
        answer = self._lane.decide(
            lambda desk, now_ns: with_seq(
                desk.orders.release_all(account, request_id, digest, now_ns)
            )
        )
        return pb.ReleaseAllResponse(
            released_count=answer.released_count, risk=risk_message(answer.risk)
        )

    def ReportFill(  # noqa: N802
        self, request: pb.ReportFillRequest, _context: grpc.ServicerContext
    ) -> pb.ReportFillResponse:
        """Apply an execution."""
        command = FillCommand(
            account=identifier(request.account, "account"),
            fill_id=identifier(request.fill_id, "fill_id"),
            digest=body_digest(request),
            order_id=identifier(request.order_id, "order_id"),
            instrument=instrument_name(request.instrument, "instrument"),
            side=enum_value(request.side, SIDES, "side"),
            quantity=parse_positive(request.quantity, "quantity"),
            price=parse_price(request.price, "price"),
            fee=parse_decimal(request.fee, "fee") if request.fee else None,
        )
        answer = self._lane.decide(lambda desk, now_ns: with_seq(desk.orders.fill(command, now_ns)))
        if answer.flag and not answer.is_replayed:
            tell(self._observer.flagged, answer.flag)
        return pb.ReportFillResponse(
            flag=FLAGS[answer.flag],
            position=nano_text(answer.lots * answer.lot_nano),
            open_quantity=nano_text(answer.open_lots * answer.lot_nano),
            risk=risk_message(answer.risk),
            replayed=answer.is_replayed,
        )

    def ListOrders(  # noqa: N802
        self, request: pb.ListOrdersRequest, _context: grpc.ServicerContext
    ) -> pb.ListOrdersResponse:
        """Open orders by pages."""
        account_id = identifier(request.account, "account")
        size = page_size(request.page_size)

        def use(desk: Desk, _now_ns: int) -> pb.ListOrdersResponse:
            account = desk.shard.account(account_id)
            later = sorted(each for each in account.orders if each > request.page_token)
            table = desk.shard.state.table
            return pb.ListOrdersResponse(
                orders=[open_order(account, order_id, table) for order_id in later[:size]],
                next_page_token=later[size - 1] if len(later) > size else "",
            )

        return self._lane.read(use)

    def _venue_answer(
        self,
        request: pb.ConfirmAmendRequest | pb.RejectAmendRequest,
        use_of: Callable[[Desk], Callable[[str, str, str, str, int], VenueAnswer]],
    ) -> VenueAnswer:
        account = identifier(request.account, "account")
        order_id = identifier(request.order_id, "order_id")
        request_id = identifier(request.request_id, "request_id")
        digest = body_digest(request)
        answer = self._lane.decide(
            lambda desk, now_ns: with_seq(
                use_of(desk)(account, order_id, request_id, digest, now_ns)
            )
        )
        if answer.flag:
            tell(self._observer.flagged, answer.flag)
        return answer
