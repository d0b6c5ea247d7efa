"""Decisions between the engine's outcome, the ledger's numbers, and what callers ask."""

from dataclasses import dataclass, field, replace

from margingate_engine.check.decide import Outcome, Worst
from margingate_engine.check.question import Question, RequestedOrder
from margingate_engine.core.risk import Exactness, Risk
from margingate_engine.market.table import InstrumentTable
from margingate_server.ledger.events import Decided
from margingate_server.ledger.fold_orders import open_legs
from margingate_server.ledger.numbers import (
    DecisionNumbers,
    OrderNumbers,
    RiskNumbers,
    WorstNumbers,
)
from margingate_server.ledger.state import AccountState
from margingate_server.service.market import MarketView
from margingate_server.service.refusals import RequestConflict

REQUEST_AGE_NS_MAX = 3_600 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCommand:
    """A request to decide and hold. digest: of its body. sent_ns: by the router's clock.

    hold_ns: after which the hold ends by itself, 0 for never. Of a change of an open order,
    quantities are totals.
    """

    account: str
    request_id: str
    digest: str
    order: RequestedOrder
    sent_ns: int
    hold_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAnswer:
    """A decision on an order of instruments of `table`.

    is_held: whether it may be sent now, for the order holds what was allowed and nothing of it was
    filled or changed; a change holds it while it is pending. seq: event that must be
    durable before this may be answered.
    """

    decision: DecisionNumbers
    order: OrderNumbers
    table: InstrumentTable = field(compare=False)
    is_replayed: bool
    seq: int
    is_held: bool = False


def risk_numbers(risk: Risk | None) -> RiskNumbers | None:
    """The ledger's form of a Risk."""
    return None if risk is None else RiskNumbers(risk.equity, risk.initial, risk.maintenance)


def decision_numbers(
    outcome: Outcome, order_id: str, account: AccountState, view: MarketView, now_ns: int
) -> DecisionNumbers:
    """The outcome with the state it rests on: what is stored and answered."""
    return DecisionNumbers(
        reason=int(outcome.reason),
        detail=outcome.detail,
        before=risk_numbers(outcome.before),
        after=risk_numbers(outcome.after),
        is_exact=outcome.exactness is Exactness.EXACT,
        worst_before=_worst_numbers(outcome.worst_before),
        worst_after=_worst_numbers(outcome.worst_after),
        binding=outcome.binding.value,
        is_risk_reducing=outcome.is_risk_reducing,
        market_version=view.snapshot.version,
        market_time_ns=view.snapshot.market_time_ns,
        market_digest=view.digest,
        account_version=account.version,
        model=view.arrays.model.name,
        parameters_digest=view.arrays.model.parameters_digest,
        decision_ns=now_ns,
        order_id=order_id,
    )


def answer_of(event: Decided, table: InstrumentTable, seq: int) -> CheckAnswer:
    """The answer that an event was given as."""
    return CheckAnswer(
        decision=event.decision, order=event.order, table=table, is_replayed=True, seq=seq
    )


def replayed_answer(
    earlier: tuple[int, object], request_id: str, kinds: tuple[type, ...], table: InstrumentTable
) -> CheckAnswer:
    """The first answer to a request; RequestConflict when its id was used for another kind."""
    seq, event = earlier
    if not isinstance(event, kinds):
        raise RequestConflict(request_id)
    assert isinstance(event, Decided), "an answer without a decision"
    return answer_of(event, table, seq)


def with_hold(answer: CheckAnswer, account: AccountState, request_id: str) -> CheckAnswer:
    """The remembered answer to a request, saying whether what it allowed is held still.

    Not once any of it was filled, nor of a check once a change of it was allowed: only what the
    venue has fills or changes, and it must not be sent again for what it was.
    """
    portfolio, order_id = account.portfolio, answer.decision.order_id
    memo = account.orders.get(order_id)
    if memo is None:
        return answer
    amended = portfolio.amendments.get(order_id)
    if amended is None:
        is_latest, held = request_id == memo.request_id, portfolio.legs[order_id]
    else:
        is_latest, held = request_id == memo.amend_request_id, amended
    return replace(answer, is_held=is_latest and held == open_legs(answer.table, answer.order))


def at_time(question: Question, sent_ns: int, now_ns: int) -> Question:
    """The question as asked now by a request that was sent by then."""
    is_expired = abs(now_ns - sent_ns) > REQUEST_AGE_NS_MAX
    if not is_expired:
        return question
    return replace(question, gates=replace(question.gates, is_expired_request=True))


def _worst_numbers(worst: tuple[Worst, ...]) -> tuple[WorstNumbers, ...]:
    return tuple(WorstNumbers(each.group, each.scenario, each.description) for each in worst)
