"""Checks, previews, retries and sizes, each compared with the oracle at once."""

import time
from fractions import Fraction

from google.protobuf.timestamp_pb2 import Timestamp

from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from margingate.v1.margin_service_pb2_grpc import MarginServiceStub
from tests.integration.main_job.comparison import (
    PREFIX,
    differences,
    is_remembered,
    is_within_tolerance,
    reason_of,
)
from tests.integration.main_job.report import Remembered, Report
from tests.integration.main_job.wire import read_risk, write_order
from tests.reference.decision import Answer, Switches
from tests.reference.oracle import Oracle
from tests.reference.orders import Leg, Order

TOO_OLD_SECONDS = 7200


class Questions:
    """Asks the server and the oracle the same."""

    def __init__(self, oracle: Oracle, stub: MarginServiceStub, report: Report) -> None:
        self._oracle = oracle
        self._stub = stub
        self._report = report
        self._last: tuple[margin.CheckOrderRequest, types.Decision] | None = None
        self._remembered: dict[str, tuple[margin.CheckOrderRequest, types.Decision]] = {}

    def check(self, name: str, order: Order, switches: Switches, request_id: str) -> None:
        """Sends an order, and keeps it in the oracle when the server accepted it."""
        request = margin.CheckOrderRequest(
            request_id=request_id,
            account=name,
            order=write_order(order),
            sent_time=_sent_time(expired=switches.expired),
        )
        answer = self._oracle.preview(name, order, switches)
        response = self._stub.CheckOrder(request)
        decision = response.decision
        reason = reason_of(decision)
        self._count(reason, decision)
        if response.replayed:
            self._report.miss(f"{name} {request_id}: a new request was replayed")
        self._compare(f"{name} {request_id}", order, decision, answer)
        if not reason and answer.legs:
            self._oracle.accept(name, order, answer)
        self._last = (request, decision)
        if is_remembered(reason):
            self._remembered[name] = (request, decision)

    def preview(self, name: str, order: Order, switches: Switches) -> None:
        """Looks at an order, which changes nothing."""
        answer = self._oracle.preview(name, order, switches)
        request = margin.PreviewOrderRequest(account=name, order=write_order(order))
        self._report.previews += 1
        self._compare(f"{name} preview", order, self._stub.PreviewOrder(request).decision, answer)

    def retry_last(self) -> None:
        """Repeats the last request: the same answer, remembered or decided on the same state."""
        if self._last is None:
            return
        request, decision = self._last
        if is_remembered(reason_of(decision)):
            self._expect_remembered(request, decision)
            return
        again = self._stub.CheckOrder(request)
        self._count(reason_of(again.decision), again.decision)
        if again.replayed or reason_of(again.decision) != reason_of(decision):
            self._report.miss(f"{request.account} {request.request_id}: retry {again}")

    def retry_remembered(self, name: str) -> None:
        """Repeats an earlier request of an account that has moved since."""
        if name in self._remembered:
            self._expect_remembered(*self._remembered[name])

    def size(self, name: str, leg: Leg, switches: Switches) -> None:
        """Asks for the largest size of a side and tries it, one lot more, and some below."""
        if switches != Switches() or leg.price is None:
            return
        side_price = {"buy_price" if leg.side > 0 else "sell_price": write_price(leg)}
        request = margin.GetMaxOrderSizeRequest(account=name, instrument=leg.symbol, **side_price)
        answer = self._stub.GetMaxOrderSize(request)
        found = answer.buy if leg.side > 0 else answer.sell
        instrument = self._oracle.book.instruments[leg.symbol]
        lots = int(_quantity(found) / instrument.lot)
        tried = {n for n in (1, lots // 3, lots // 2, lots - 1, lots) if 0 < n <= lots}
        self._report.sizes += 1
        for n in sorted(tried):
            reason = self._reason_for(name, leg, n)
            if reason:
                self._report.miss(f"{name} size {leg}: {found} but {n} lots {reason}")
        limiting = types.RejectReason.Name(found.limiting_reason).removeprefix(PREFIX)
        reason = self._reason_for(name, leg, lots + 1)
        if reason != limiting:
            self._report.miss(f"{name} size {leg}: {found} but one lot more {reason}")

    def keep_last_decisions(self) -> None:
        """Hands the last binding decision of every account to the report."""
        for request, decision in self._remembered.values():
            self._report.last_decisions.append(
                Remembered(request.SerializeToString(), decision.SerializeToString())
            )

    def _reason_for(self, name: str, leg: Leg, lots: int) -> str:
        lot = self._oracle.book.instruments[leg.symbol].lot
        tried = Leg(symbol=leg.symbol, side=leg.side, quantity=lots * lot, price=leg.price)
        return self._oracle.preview(name, Order(order_id="", legs=(tried,))).reason

    def _expect_remembered(
        self, request: margin.CheckOrderRequest, decision: types.Decision
    ) -> None:
        again = self._stub.CheckOrder(request)
        self._report.replayed += 1
        if not again.replayed or again.decision != decision:
            self._report.miss(f"{request.account} {request.request_id}: remembered {again}")

    def _count(self, reason: str, decision: types.Decision) -> None:
        self._report.fresh[reason] += 1
        self._report.exact_decisions += decision.exactness == types.EXACTNESS_EXACT
        self._report.bound_decisions += decision.exactness == types.EXACTNESS_BOUND
        self._report.risk_reducing += decision.risk_reducing

    def _compare(self, what: str, order: Order, decision: types.Decision, answer: Answer) -> None:
        found = list(differences(decision, answer))
        if found and is_within_tolerance(answer) and not (reason_of(decision) and answer.reason):
            self._report.verdicts_in_tolerance += 1
        elif found:
            self._report.miss(f"{what} {order}: {'; '.join(found)}")
        elif decision.HasField("after") and answer.after is not None:
            self._report.unequal_in_tolerance += read_risk(decision.after) != answer.after


def _sent_time(*, expired: bool) -> Timestamp:
    now = int(time.time())
    return Timestamp(seconds=now - TOO_OLD_SECONDS if expired else now)


def write_price(leg: Leg) -> str:
    """Limit price on the wire."""
    return write_order(Order(order_id="", legs=(leg,))).legs[0].limit_price


def _quantity(size: margin.MaxSize) -> Fraction:
    return Fraction(size.quantity)
