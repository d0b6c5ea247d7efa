"""Changing an open order: decided in one step, and settled by the venue's answer. [DEC-09]"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import gcd

from msgspec.structs import replace

from margingate_engine.check.decide import Outcome
from margingate_engine.check.question import Question, RequestedLeg, RequestedOrder
from margingate_engine.check.sizing import whole_units
from margingate_engine.core.amounts import NANO, ceil_div, whole
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.orders import Execution, Side
from margingate_engine.core.risk import Risk
from margingate_server.ledger.events import (
    AmendAccepted,
    AmendConfirmed,
    AmendRejected,
    AmendWithdrawn,
)
from margingate_server.ledger.numbers import DecisionNumbers, OrderNumbers
from margingate_server.ledger.state import AccountState
from margingate_server.service.asking import Asking, filled_lots, order_numbers, outcome_of
from margingate_server.service.decisions import (
    CheckAnswer,
    at_time,
    decision_numbers,
    replayed_answer,
    with_hold,
)
from margingate_server.service.following import hold_more, orders_changing
from margingate_server.service.holdings_range import known_risk
from margingate_server.service.refusals import AmendPending, UnknownName
from margingate_server.service.room import refuse_without_room
from margingate_server.service.shard import Shard

AMENDED = (AmendAccepted, AmendRejected)


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendLeg:
    """A leg as it is to become: total quantity, fills included; limit None for a market order."""

    instrument: str
    side: Side
    quantity: Decimal
    limit: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendCommand:
    """A change of an open order, every leg of it named as it was accepted."""

    account: str
    request_id: str
    digest: str
    order_id: str
    legs: tuple[AmendLeg, ...]
    sent_ns: int


def amend_totals(question: Question, order: OrderNumbers, *, is_accepted: bool) -> tuple[int, ...]:
    """Lots of each leg, fills included: what a change comes to, or what a refused one asked for.

    order: the change as it was sized. The two differ where the venue would cut the order.
    """
    assert question.amends is not None, "only a change has totals"
    if is_accepted:
        filled = question.amends.filled_lots
        return tuple(done + leg.lots for done, leg in zip(filled, order.legs, strict=True))
    lots = (
        whole_units(leg.quantity, question.table.instruments[leg.row].lot_nano)
        for leg in question.order.legs
    )
    return tuple(each or 0 for each in lots)


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueAnswer:
    """What became of a pending change; is_changed False when none was pending."""

    is_changed: bool
    flag: str
    risk: Risk | None
    seq: int


class Amending:
    """Changes of a shard's open orders."""

    def __init__(self, shard: Shard, asking: Asking) -> None:
        self._shard = shard
        self._asking = asking

    def amend(self, command: AmendCommand, now_ns: int) -> CheckAnswer:
        """Decide on a change; when the answer is yes, both shapes of the order are held.

        UnknownName for an order that is not open, AmendPending while an earlier change of it is;
        InvalidInput when the legs are not the order's. Answers are remembered as of a check.
        """
        shard = self._shard
        account = shard.account(command.account)
        earlier = shard.answered(command.account, command.request_id, command.digest)
        if earlier is not None:
            answer = replayed_answer(earlier, command.request_id, AMENDED, shard.state.table)
            return with_hold(answer, account, command.request_id)
        refuse_without_room(shard)
        if command.order_id not in account.orders:
            raise UnknownName("order", command.order_id)
        if command.order_id in account.portfolio.amendments:
            raise AmendPending(command.order_id)
        order = self._requested(account, command)
        view = shard.view_of(account)
        question = self._asking.amend_question(account, view, order, now_ns)
        outcome = outcome_of(at_time(question, command.sent_ns, now_ns))
        decision = decision_numbers(outcome, command.order_id, account, view.view, now_ns)
        numbers = order_numbers(question, outcome, 0)
        seq = self._recorded(command, question, numbers, decision, outcome, now_ns)
        if outcome.is_accepted:
            hold_more(view, outcome)
        return CheckAnswer(
            decision=decision,
            order=numbers,
            table=view.view.table,
            is_replayed=False,
            seq=seq,
            is_held=outcome.is_accepted,
        )

    def confirm(
        self, account_id: str, order_id: str, request_id: str, digest: str, now_ns: int
    ) -> VenueAnswer:
        """The venue took the pending change."""
        event = AmendConfirmed(
            account=account_id, request_id=request_id, request_digest=digest, order_id=order_id
        )
        return self._settle(event, now_ns)

    def withdraw(
        self, account_id: str, order_id: str, request_id: str, digest: str, now_ns: int
    ) -> VenueAnswer:
        """The venue refused the pending change, or it was never sent."""
        event = AmendWithdrawn(
            account=account_id, request_id=request_id, request_digest=digest, order_id=order_id
        )
        return self._settle(event, now_ns)

    def _settle(self, event: AmendConfirmed | AmendWithdrawn, now_ns: int) -> VenueAnswer:
        shard = self._shard
        account = shard.account(event.account)
        request_id, digest = event.request_id, event.request_digest
        earlier = shard.answered_as(type(event), event.account, request_id, digest)
        if earlier is not None:
            # The margin of now is shown, whatever made it.
            return self._answer(account, earlier.flag, shard.state.last_seq)
        if event.order_id not in account.portfolio.amendments:
            # Remembered all the same: its retry must not answer a later change.
            is_known = event.order_id in account.orders or account.is_closed(event.order_id)
            event = replace(event, flag="late" if is_known else "unknown_order")
        with orders_changing(shard, account, (event.order_id,)):
            seq = shard.record(event, now_ns)
        return self._answer(account, event.flag, seq)

    def _answer(self, account: AccountState, flag: str, seq: int) -> VenueAnswer:
        risk = known_risk(self._shard.view_of(account))
        return VenueAnswer(is_changed=not flag, flag=flag, risk=risk, seq=seq)

    def _requested(self, account: AccountState, command: AmendCommand) -> RequestedOrder:
        """The order as it is to become; a leg is never asked for less than was filled of it."""
        memo = account.orders[command.order_id]
        asked = tuple((leg.instrument, int(leg.side)) for leg in command.legs)
        if asked != memo.sides:
            raise InvalidInput("legs", "are not the instruments and sides of the order")
        filled = filled_lots(account, command.order_id)
        execution = Execution(memo.execution)
        instruments = self._shard.market.view.table.instruments
        rows = [self._shard.row(leg.instrument) for leg in command.legs]
        lots_nano = [instruments[row].lot_nano for row in rows]
        if execution is Execution.ATOMIC_COMBO:
            filled = _filled_together(memo.totals, filled)
            _refuse_other_ratio(memo.totals, command.legs, lots_nano)
        least = [whole(lots * nano, NANO) for lots, nano in zip(filled, lots_nano, strict=True)]
        return RequestedOrder(
            order_id=command.order_id,
            legs=tuple(
                RequestedLeg(
                    row=row, side=leg.side, quantity=max(leg.quantity, low), limit=leg.limit
                )
                for row, leg, low in zip(rows, command.legs, least, strict=True)
            ),
            execution=execution,
            is_reduce_only=memo.is_reduce_only,
        )

    def _recorded(
        self,
        command: AmendCommand,
        question: Question,
        order: OrderNumbers,
        decision: DecisionNumbers,
        outcome: Outcome,
        now_ns: int,
    ) -> int:
        if not (outcome.is_accepted or outcome.reason.is_from_margin):
            return self._shard.state.last_seq
        kind = AmendAccepted if outcome.is_accepted else AmendRejected
        event = kind(
            account=command.account,
            request_id=command.request_id,
            request_digest=command.digest,
            order=order,
            totals=amend_totals(question, order, is_accepted=outcome.is_accepted),
            decision=decision,
        )
        return self._shard.record(event, now_ns)


def _filled_together(totals: tuple[int, ...], filled: tuple[int, ...]) -> tuple[int, ...]:
    """Lots of the units of a combo of which any leg was filled: its others are still to be told."""
    units = gcd(*totals)
    begun = max(ceil_div(lots * units, total) for total, lots in zip(totals, filled, strict=True))
    return tuple(begun * (total // units) for total in totals)


def _refuse_other_ratio(
    totals: tuple[int, ...], legs: tuple[AmendLeg, ...], lots_nano: list[int]
) -> None:
    """InvalidInput unless a combo's legs are asked for in the proportion they were accepted in."""
    units = {
        Fraction(leg.quantity) / (total * nano)
        for total, leg, nano in zip(totals, legs, lots_nano, strict=True)
    }
    if len(units) > 1:
        raise InvalidInput("legs", "are not in the ratio of the combo")
