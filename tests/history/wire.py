"""Calls over gRPC, and their answers as plain values."""

from fractions import Fraction

import grpc

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from tests.history.calls import (
    Adjust,
    Adjusted,
    Answer,
    Books,
    Call,
    Check,
    Decided,
    Fill,
    Filled,
    Listed,
    Margin,
    ReadAccount,
    ReadDecision,
    ReadOrders,
    Refused,
    Release,
    Released,
)
from tests.history.model import MARGIN_REASONS
from tests.integration.main_job.comparison import reason_of
from tests.integration.main_job.wire import read_risk, text, units, write_order
from tests.integration.support.wire import Wire, _refusal_of, now
from tests.reference.contracts import Instrument
from tests.reference.fills import unit

UNKNOWN = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
}
"""Statuses after which a call may have done what it asked for, or not."""

PAGE = 1_000


class Caller:
    """Sends calls of one account."""

    def __init__(self, wire: Wire, account: str, instruments: dict[str, Instrument]) -> None:
        self._wire = wire
        self._account = account
        self._instruments = instruments

    def send(self, call: Call, seconds_max: float) -> Answer | None:
        """The answer; None when it is not known what the call did. Raises on any other status."""
        try:
            return self._sent(call, seconds_max)
        except grpc.RpcError as error:
            refusal = _refusal_of(error)
            if refusal.code in UNKNOWN:
                return None
            if refusal.reason in {*MARGIN_REASONS, "REQUEST_NOT_FOUND"}:
                return Refused(refusal.reason)
            raise

    def _sent(self, call: Call, seconds_max: float) -> Answer:
        match call:
            case Check():
                return self._check(call, seconds_max)
            case Release():
                return self._release(call, seconds_max)
            case Fill():
                return self._fill(call, seconds_max)
            case Adjust():
                return self._adjust(call, seconds_max)
            case ReadAccount():
                request = accounts.GetAccountRequest(account=self._account)
                return self._books(self._wire.accounts.GetAccount(request, timeout=seconds_max))
            case ReadOrders():
                return self._listed(seconds_max)
            case ReadDecision():
                asked = margin.GetDecisionRequest(account=self._account, request_id=call.request_id)
                found = self._wire.margin.GetDecision(asked, timeout=seconds_max)
                return _decided(found.decision, is_replayed=False)

    def _check(self, call: Check, seconds_max: float) -> Answer:
        request = margin.CheckOrderRequest(
            request_id=call.request_id,
            account=self._account,
            order=write_order(call.order),
            sent_time=now(),
        )
        answer = self._wire.margin.CheckOrder(request, timeout=seconds_max)
        return _decided(answer.decision, is_replayed=answer.replayed)

    def _release(self, call: Release, seconds_max: float) -> Answer:
        request = margin.ReleaseOrderRequest(
            request_id=call.request_id, account=self._account, order_id=call.order_id
        )
        answer = self._wire.margin.ReleaseOrder(request, timeout=seconds_max)
        return Released(answer.released, _flag(answer.flag), _margin(answer.risk))

    def _fill(self, call: Fill, seconds_max: float) -> Answer:
        instrument = self._instruments[call.symbol]
        paid = None if call.fee is None else Fraction(call.fee, unit(instrument.settlement))
        request = margin.ReportFillRequest(
            fill_id=call.fill_id,
            account=self._account,
            order_id=call.order_id,
            instrument=call.symbol,
            side=types.SIDE_BUY if call.side > 0 else types.SIDE_SELL,
            quantity=text(call.lots * instrument.lot),
            price=call.price,
            fee="" if paid is None else text(paid),
        )
        answer = self._wire.margin.ReportFill(request, timeout=seconds_max)
        return Filled(
            flag=_flag(answer.flag),
            position=self._lots(call.symbol, answer.position),
            open_lots=self._lots(call.symbol, answer.open_quantity),
            margin=_margin(answer.risk),
            is_replayed=answer.replayed,
        )

    def _adjust(self, call: Adjust, seconds_max: float) -> Answer:
        request = accounts.AdjustCollateralRequest(
            request_id=call.request_id,
            account=self._account,
            currency=call.asset,
            amount=text(Fraction(call.units, unit(call.asset))),
        )
        answer = self._wire.accounts.AdjustCollateral(request, timeout=seconds_max)
        return Adjusted(units(answer.balance.amount, unit(call.asset)), _margin(answer.risk))

    def _books(self, answer: accounts.GetAccountResponse) -> Books:
        cash = (
            (each.currency, units(each.amount, unit(each.currency))) for each in answer.balances
        )
        lots = ((p.instrument, self._lots(p.instrument, p.quantity)) for p in answer.positions)
        return Books(
            version=answer.account.version,
            cash=tuple(sorted((asset, amount) for asset, amount in cash if amount)),
            positions=tuple(sorted(lots)),
            open_orders=answer.account.open_order_count,
            margin=_margin(answer.risk),
        )

    def _listed(self, seconds_max: float) -> Listed:
        request = margin.ListOrdersRequest(account=self._account, page_size=PAGE)
        answer = self._wire.margin.ListOrders(request, timeout=seconds_max)
        assert not answer.next_page_token, "pages are read one by one, and no snapshot together"
        return Listed(
            tuple(
                (each.order_id, each.request_id, tuple(self._leg(leg) for leg in each.legs))
                for each in answer.orders
            )
        )

    def _leg(self, leg: types.OrderLeg) -> tuple[str, int, int]:
        side = 1 if leg.side == types.SIDE_BUY else -1
        return leg.instrument, side, self._lots(leg.instrument, leg.quantity)

    def _lots(self, symbol: str, quantity: str) -> int:
        lots = Fraction(quantity) / self._instruments[symbol].lot
        assert lots.denominator == 1
        return int(lots)


def _decided(decision: types.Decision, *, is_replayed: bool) -> Decided:
    reason = reason_of(decision)
    binds = not reason or reason in MARGIN_REASONS
    return Decided(
        reason=reason,
        order_id=decision.order_id,
        before=_margin(decision.before) if binds else None,
        after=_margin(decision.after) if binds else None,
        version=decision.basis.account_version,
        is_replayed=is_replayed,
    )


def _flag(flag: types.LifecycleFlag) -> str:
    name = types.LifecycleFlag.Name(flag).removeprefix("LIFECYCLE_FLAG_")
    return "" if name == "UNSPECIFIED" else name


def _margin(wire: types.Risk) -> Margin:
    risk = read_risk(wire)
    return Margin(risk.equity, risk.initial, risk.maintenance)
