"""Every answer that left, held against the durable log at the moment it left. [I3, I4]"""

from typing import Any

from margingate_engine.core.reasons import RejectReason
from margingate_server.ledger.events import (
    AmendAccepted,
    AmendConfirmed,
    AmendRejected,
    AmendWithdrawn,
    CollateralAdjusted,
    FillReported,
    OrderAccepted,
    OrderRejected,
    OrdersReleased,
    PositionsSet,
)
from margingate_server.service.decisions import CheckAnswer
from margingate_server.service.settlement import SettlementAnswer
from tests.simulation.durable_log import DurableLog
from tests.simulation.office_requests import Adjust, SetPositions, Settle
from tests.simulation.requests import (
    Amend,
    Batch,
    Check,
    Fill,
    GetDecision,
    ListOrders,
    Release,
    ReleaseAll,
    Request,
    VenueSays,
)
from tests.simulation.violation import hold

Accounted = OrderAccepted | OrderRejected | AmendAccepted | AmendRejected


class ReplyWatch:
    """Looks at replies only: what a router can see of the server."""

    def __init__(self, log: DurableLog) -> None:
        self._log = log

    def judge(self, request: Request, answer: Any) -> None:
        """Violation when the answer is not, or not so, in the durable log."""
        match request:
            case Batch():
                for each, its in zip(request.checks, answer, strict=True):
                    self._check(each, its)
            case Check() | Amend():
                self._check(request, answer)
            case Settle():
                self._settled(request, answer)
            case GetDecision():
                self._decision(request, answer)
            case ListOrders():
                for order_id in answer:
                    name = (request.account, order_id)
                    hold(name in self._log.accepted, "I4", "{} was listed and is not durable", name)
            case _:
                self._booked(request, answer)

    def _check(self, check: Check | Amend, answer: CheckAnswer) -> None:
        event, decision = self._log.event_by_key.get(check.key), answer.decision
        reason = RejectReason(decision.reason)
        if reason is RejectReason.DUPLICATE_ORDER_ID:
            name = (check.account, check.order_id)
            hold(name in self._log.accepted, "I4", "{} is no duplicate of anything durable", name)
        if reason is not RejectReason.NONE and not reason.is_from_margin:
            return  # not remembered: another try may be decided, and may have been
        hold(
            isinstance(event, Accounted),
            "I4",
            "{} was answered {}: not in the log",
            check,
            decision,
        )
        assert isinstance(event, Accounted)
        hold(event.request_digest == check.digest, "I3", "{} was answered for {}", check, event)
        hold(
            event.decision == decision,
            "I4",
            "{} was answered {}: log has {}",
            check,
            decision,
            event,
        )

    def _decision(self, request: GetDecision, answer: CheckAnswer) -> None:
        event = self._log.event_by_key.get(request.key)
        is_kept = isinstance(event, Accounted) and event.decision == answer.decision
        hold(is_kept, "I4", "{} was answered {}: the log has {}", request, answer, event)

    def _settled(self, request: Settle, answer: SettlementAnswer) -> None:
        is_there = answer.seq <= len(self._log.records)
        hold(is_there, "I4", "{} was answered {}: not in the log", request, answer)

    def _booked(self, request: Request, answer: Any) -> None:
        event = self._log.event_by_key.get(request.key)
        hold(event is not None, "I4", "{} was answered {}: not in the log", request, answer)
        assert event is not None
        hold(event.request_digest == request.digest, "I3", "{} was answered for {}", request, event)
        match request, event:
            case ReleaseAll() | Release(), OrdersReleased():
                released = (answer.released_count, answer.flag)
                is_same = released == (len(event.order_ids), event.flag)
            case VenueSays(), AmendConfirmed() | AmendWithdrawn():
                is_same = answer.flag == event.flag
            case Fill(), FillReported():
                is_same = answer.flag == event.flag
            case Adjust(), CollateralAdjusted():
                is_same = answer == event.balance
            case SetPositions(), PositionsSet():
                is_same = answer == event
            case _:
                is_same = True
        hold(is_same, "I4", "{} was answered {}: the log has {}", request, answer, event)
