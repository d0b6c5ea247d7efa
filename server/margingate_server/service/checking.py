"""The use case of the house: may this account send this order?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from margingate_engine.check.decide import Outcome
from margingate_engine.check.explain import (
    GroupScenarios,
    also_failing,
    explanation,
    scenario_tables,
    with_order,
)
from margingate_engine.check.max_size import max_order_size
from margingate_engine.check.question import Question, RequestedOrder
from margingate_engine.core.explanation import Component
from margingate_engine.core.reasons import RejectReason
from margingate_server.ledger.events import Decided, OrderAccepted, OrderRejected
from margingate_server.ledger.fold import REQUEST_SPACE
from margingate_server.ledger.numbers import DecisionNumbers, OrderNumbers
from margingate_server.service.asking import OUT_OF_RANGE, Asking, order_numbers, outcome_of
from margingate_server.service.decisions import (
    CheckAnswer,
    CheckCommand,
    answer_of,
    at_time,
    decision_numbers,
    replayed_answer,
    with_hold,
)
from margingate_server.service.following import hold_more
from margingate_server.service.refusals import RequestConflict, UnknownName
from margingate_server.service.room import refuse_without_room
from margingate_server.service.shard import Shard

CHECKED = (OrderAccepted, OrderRejected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How the margin before and with an order comes about; empty when a rule refused first."""

    before: Component | None
    after: Component | None
    scenarios_before: tuple[GroupScenarios, ...]
    scenarios_after: tuple[GroupScenarios, ...]
    also_failing: tuple[RejectReason, ...]


def max_size(question: Question) -> tuple[int, RejectReason]:
    """(lots, why one more is refused) of the single leg of an order, whatever its quantity."""
    try:
        return max_order_size(question)
    except OverflowError:
        return 0, OUT_OF_RANGE.reason


class Checking:
    """Decides orders of a shard."""

    def __init__(self, shard: Shard, asking: Asking) -> None:
        self._shard = shard
        self._asking = asking

    def check(self, command: CheckCommand, now_ns: int) -> CheckAnswer:
        """Decide, and hold when the answer is yes. An id seen before gets its first answer.

        Refusals by a rule or for want of data are not remembered: they bind nothing. NotNow when
        the id could not be remembered.
        """
        shard = self._shard
        account = shard.account(command.account)
        earlier = shard.answered(command.account, command.request_id, command.digest)
        if earlier is not None:
            answer = replayed_answer(earlier, command.request_id, CHECKED, shard.state.table)
            return with_hold(answer, account, command.request_id)
        refuse_without_room(shard)
        view = shard.view_of(account)
        question = self._asking.question(account, view, command.order, now_ns)
        outcome = outcome_of(at_time(question, command.sent_ns, now_ns))
        decision = decision_numbers(outcome, command.order.order_id, account, view.view, now_ns)
        order = order_numbers(question, outcome, command.hold_ns)
        seq = self._recorded(command, order, decision, outcome, now_ns)
        if outcome.is_accepted:
            hold_more(view, outcome)
        return CheckAnswer(
            decision=decision,
            order=order,
            table=view.view.table,
            is_replayed=False,
            seq=seq,
            is_held=outcome.is_accepted,
        )

    def check_all(self, commands: Sequence[CheckCommand], now_ns: int) -> list[CheckAnswer]:
        """The answers to orders of one account, in order; none is decided unless all can be.

        RequestConflict when an id was used with another body, earlier or in the same list; NotNow
        when the ids could not all be remembered.
        """
        digest_by_id: dict[str, str] = {}
        replayed_ids: set[str] = set()
        for each in commands:
            if digest_by_id.setdefault(each.request_id, each.digest) != each.digest:
                raise RequestConflict(each.request_id)
            earlier = self._shard.answered(each.account, each.request_id, each.digest)
            if earlier is not None:
                replayed_answer(earlier, each.request_id, CHECKED, self._shard.state.table)
                replayed_ids.add(each.request_id)
        refuse_without_room(self._shard, len(digest_by_id) - len(replayed_ids))
        return [self.check(each, now_ns) for each in commands]

    def preview(
        self, account_id: str, order: RequestedOrder, now_ns: int, *, has_explanation: bool
    ) -> tuple[CheckAnswer, Explanation | None]:
        """The answer that `check` would give now, with its explanation when asked for."""
        account = self._shard.account(account_id)
        view = self._shard.view_of(account)
        question = self._asking.question(account, view, order, now_ns)
        outcome = outcome_of(question)
        answer = CheckAnswer(
            decision=decision_numbers(outcome, order.order_id, account, view.view, now_ns),
            order=order_numbers(question, outcome, 0),
            table=view.view.table,
            is_replayed=False,
            seq=0,
        )
        return answer, self._explanation(question, outcome) if has_explanation else None

    def asked(self, account_id: str, order: RequestedOrder, now_ns: int) -> Question:
        """The question about an order, on copies: it may be answered while the account changes."""
        account = self._shard.account(account_id)
        question = self._asking.question(account, self._shard.view_of(account), order, now_ns)
        risk = question.account
        return replace(
            question,
            portfolio=question.portfolio.copied(),
            account=None if risk is None else risk.copied(),
        )

    def decision_of(self, account_id: str, request_id: str) -> CheckAnswer:
        """The decision remembered for a request, of an order or a change of one.

        UnknownName when there is none.
        """
        account = self._shard.account(account_id)
        remembered = self._shard.state.requests.find(REQUEST_SPACE, account_id, request_id)
        if remembered is None:
            raise UnknownName("request", request_id)
        event = self._shard.event(remembered.seq)
        if not isinstance(event, Decided):
            raise UnknownName("request", request_id)
        answer = answer_of(event, self._shard.state.table, remembered.seq)
        return with_hold(answer, account, request_id)

    def _recorded(
        self,
        command: CheckCommand,
        order: OrderNumbers,
        decision: DecisionNumbers,
        outcome: Outcome,
        now_ns: int,
    ) -> int:
        if not (outcome.is_accepted or outcome.reason.is_from_margin):
            # What the rule read, an order id taken or a suspension, may not be durable yet.
            return self._shard.state.last_seq
        kind = OrderAccepted if outcome.is_accepted else OrderRejected
        event = kind(
            account=command.account,
            request_id=command.request_id,
            request_digest=command.digest,
            order=order,
            decision=decision,
        )
        return self._shard.record(event, now_ns)

    @staticmethod
    def _explanation(question: Question, outcome: Outcome) -> Explanation:
        failing = also_failing(question, outcome.reason)
        account = question.account
        if account is None or outcome.before is None or outcome.hold is None:
            return Explanation(
                before=None,
                after=None,
                scenarios_before=(),
                scenarios_after=(),
                also_failing=failing,
            )
        after = with_order(account, outcome.hold)
        return Explanation(
            before=explanation(account),
            after=explanation(after),
            scenarios_before=scenario_tables(account),
            scenarios_after=scenario_tables(after),
            also_failing=failing,
        )
