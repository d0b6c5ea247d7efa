"""The client: may this account send this order?"""

from collections.abc import Callable, Sequence
from random import SystemRandom
from time import sleep
from types import TracebackType
from typing import Self

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from margingate.v1 import margin_service_pb2 as wire
from margingate.v1.margin_service_pb2_grpc import MarginServiceStub
from margingate_server.client.accounts import Accounts
from margingate_server.client.admin import Admin
from margingate_server.client.amounts import Amount, amount_text, optional_text
from margingate_server.client.caller import Caller
from margingate_server.client.channel import open_channel
from margingate_server.client.ids import new_id
from margingate_server.client.market import Market
from margingate_server.client.orders import (
    NO_TERMS,
    Execution,
    Leg,
    Order,
    Terms,
    encode_leg,
    encode_order,
    encode_side,
)
from margingate_server.client.paging import PAGE_SIZE, merged_pages
from margingate_server.client.retry import RetryPolicy
from margingate_server.client.watching import Watching
from margingate_server.clock import SystemClock


class MarginGate:
    """A connection to a margingate server; thread-safe, to be kept and shared.

    The methods here are a router's; `accounts`, `market` and `admin` have the rest, `watching` the
    streams. Every method returns the answer of the contract (proto/margingate/v1) and raises
    MargingateCallError when there is none. Send an order to the venue only when
    `may_send(answer)`. A call without an answer was repeated with its id already; the error has it,
    to be given again as `request_id`.
    """

    def __init__(self, channel: grpc.Channel, caller: Caller, now_ns: Callable[[], int]) -> None:
        self._channel = channel
        self._call = caller
        self._now_ns = now_ns
        self._margin = MarginServiceStub(channel)
        self.accounts = Accounts(channel, caller)
        self.market = Market(channel, caller)
        self.admin = Admin(channel, caller)
        self.watching = Watching(
            channel=channel, retry=caller.retry, sleep=caller.sleep, jitter=caller.jitter
        )

    @classmethod
    def connect(
        cls,
        target: str,
        *,
        timeout_seconds: float = 2.0,
        retry: RetryPolicy | None = None,
        root_certificates: bytes | None = None,
        sleep: Callable[[float], None] = sleep,
    ) -> Self:
        """A client of `target`, "host:port" or "https://host:port"; connects with the first call.

        timeout_seconds: of each try. root_certificates: PEM; None for the system's. sleep: waits
        between tries.
        """
        caller = Caller(
            timeout_seconds=timeout_seconds,
            retry=retry or RetryPolicy(),
            sleep=sleep,
            jitter=SystemRandom().random,
        )
        return cls(open_channel(target, root_certificates), caller, SystemClock().now_ns)

    def close(self) -> None:
        """Ends the connection; calls in flight are cancelled."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def check_order(
        self,
        account: str,
        *legs: Leg,
        order_id: str = "",
        execution: Execution | None = None,
        terms: Terms = NO_TERMS,
        request_id: str = "",
    ) -> wire.CheckOrderResponse:
        """The decision; when it is yes the margin is held until the order is released or filled."""
        request = wire.CheckOrderRequest(
            request_id=request_id or new_id(),
            account=account,
            order=encode_order(legs, execution, order_id or new_id(), terms),
            sent_time=self._now(),
        )
        return self._call(self._margin.CheckOrder, request)

    def batch_check_orders(
        self, account: str, orders: Sequence[Order]
    ) -> wire.BatchCheckOrdersResponse:
        """One result for each of independent orders, decided in the order given."""
        items = [
            wire.BatchCheckItem(
                request_id=each.request_id,
                order=encode_order(each.legs, each.execution, each.order_id, each.terms),
            )
            for each in orders
        ]
        request = wire.BatchCheckOrdersRequest(account=account, items=items, sent_time=self._now())
        return self._call(self._margin.BatchCheckOrders, request)

    def preview_order(
        self,
        account: str,
        *legs: Leg,
        order_id: str = "",
        execution: Execution | None = None,
        terms: Terms = NO_TERMS,
        explain: bool = False,
    ) -> wire.PreviewOrderResponse:
        """The decision a check would give now, with `explain` also why. Holds nothing."""
        order = encode_order(legs, execution, order_id, terms)
        request = wire.PreviewOrderRequest(account=account, order=order, explain=explain)
        return self._call(self._margin.PreviewOrder, request)

    def batch_preview_orders(
        self, account: str, orders: Sequence[Order]
    ) -> wire.BatchPreviewOrdersResponse:
        """One decision for each candidate, each looked at alone against the same state."""
        encoded = [
            encode_order(each.legs, each.execution, each.order_id, each.terms) for each in orders
        ]
        request = wire.BatchPreviewOrdersRequest(account=account, orders=encoded)
        return self._call(self._margin.BatchPreviewOrders, request)

    def amend_order(
        self, account: str, order_id: str, *legs: Leg, request_id: str = ""
    ) -> wire.AmendOrderResponse:
        """The decision on a change of an open order, every leg of it with its new total quantity.

        When it is yes, tell with `confirm_amend` or `reject_amend` what the venue answered.
        """
        request = wire.AmendOrderRequest(
            request_id=request_id or new_id(),
            account=account,
            order_id=order_id,
            legs=[encode_leg(leg) for leg in legs],
            sent_time=self._now(),
        )
        return self._call(self._margin.AmendOrder, request)

    def confirm_amend(
        self, account: str, order_id: str, *, request_id: str = ""
    ) -> wire.ConfirmAmendResponse:
        """What is held now that the venue took the change."""
        request = wire.ConfirmAmendRequest(
            request_id=request_id or new_id(), account=account, order_id=order_id
        )
        return self._call(self._margin.ConfirmAmend, request)

    def reject_amend(
        self, account: str, order_id: str, *, request_id: str = ""
    ) -> wire.RejectAmendResponse:
        """What is held now that the venue did not take the change, or never got it."""
        request = wire.RejectAmendRequest(
            request_id=request_id or new_id(), account=account, order_id=order_id
        )
        return self._call(self._margin.RejectAmend, request)

    def release_order(
        self, account: str, order_id: str, *, request_id: str = ""
    ) -> wire.ReleaseOrderResponse:
        """What the release of an order that will not fill further gave back."""
        request = wire.ReleaseOrderRequest(
            request_id=request_id or new_id(), account=account, order_id=order_id
        )
        return self._call(self._margin.ReleaseOrder, request)

    def report_fill(
        self,
        account: str,
        order_id: str,
        traded: Leg,
        *,
        fill_id: str,
        fee: Amount | None = None,
    ) -> wire.ReportFillResponse:
        """What an execution did.

        traded: side, quantity and price of the execution. fill_id: the venue's, unique in the
        account. fee: in the settlement currency, positive when paid; None for the schedule's.
        """
        request = wire.ReportFillRequest(
            fill_id=fill_id,
            account=account,
            order_id=order_id,
            instrument=traded.instrument,
            side=encode_side(traded.side),
            quantity=amount_text(traded.quantity),
            price=optional_text(traded.limit_price),
            fee=optional_text(fee),
        )
        return self._call(self._margin.ReportFill, request)

    def get_max_order_size(
        self,
        account: str,
        instrument: str,
        *,
        buy_price: Amount | None = None,
        sell_price: Amount | None = None,
    ) -> wire.GetMaxOrderSizeResponse:
        """Largest buy and sell that would be accepted now; a price of None is a market order."""
        request = wire.GetMaxOrderSizeRequest(
            account=account,
            instrument=instrument,
            buy_price=optional_text(buy_price),
            sell_price=optional_text(sell_price),
        )
        return self._call(self._margin.GetMaxOrderSize, request)

    def get_decision(self, account: str, request_id: str) -> wire.GetDecisionResponse:
        """What was answered for a request id; the error's code is NOT_FOUND when nothing was."""
        request = wire.GetDecisionRequest(account=account, request_id=request_id)
        return self._call(self._margin.GetDecision, request)

    def list_orders(self, account: str) -> wire.ListOrdersResponse:
        """All open orders, by order id; the pages are fetched one after the other."""
        return merged_pages(
            lambda token: self._call(
                self._margin.ListOrders,
                wire.ListOrdersRequest(account=account, page_size=PAGE_SIZE, page_token=token),
            )
        )

    def release_all(self, account: str, *, request_id: str = "") -> wire.ReleaseAllResponse:
        """How many open orders were released."""
        request = wire.ReleaseAllRequest(request_id=request_id or new_id(), account=account)
        return self._call(self._margin.ReleaseAll, request)

    def _now(self) -> Timestamp:
        now = Timestamp()
        now.FromNanoseconds(self._now_ns())
        return now
