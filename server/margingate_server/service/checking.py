"""The use case of the house: may this account send this order?"""

from collections.abc import Sequence
from dataclasses import dataclass

from margingate_engine.check.decide import Outcome, decide
from margingate_engine.check.explain import (
    GroupScenarios,
    also_failing,
    explanation,
    scenario_tables,
    with_order,
)
from margingate_engine.check.max_size import max_order_size
from margingate_engine.check.question import Freshness, Gates, Policy, Question, RequestedOrder
from margingate_engine.core.explanation import Component
from margingate_engine.core.orders import Execution
from margingate_engine.core.reasons import RejectReason
from margingate_server.ledger.events import (
    DecisionNumbers,
    LegNumbers,
    OrderAccepted,
    OrderRejected,
)
from margingate_server.ledger.state import AccountState
from margingate_server.service.decisions import CheckAnswer, CheckCommand, decision_numbers
from margingate_server.service.freshness import AgeLimits, oldest_of_rows
from margingate_server.service.limits import effective_limits, kill_mode
from margingate_server.service.refusals import RequestConflict, UnknownName
from margingate_server.service.room import refuse_without_room
from margingate_server.service.shard import AccountView, Shard

REQUEST_AGE_NS_MAX = 3_600 * 10**9

OUT_OF_RANGE = Outcome(
    reason=RejectReason.MAX_ORDER_QUANTITY, detail="price beyond the range of the risk integers"
)
"""Answer to a limit at which one lot is worth more than an int64 holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How the margin before and with an order comes about; empty when a rule refused first."""

    before: Component | None
    after: Component | None
    scenarios_before: tuple[GroupScenarios, ...]
    scenarios_after: tuple[GroupScenarios, ...]
    also_failing: tuple[RejectReason, ...]


class Checking:
    """Decides orders of a shard."""

    def __init__(self, shard: Shard, policy: Policy, age_limits: AgeLimits) -> None:
        self._shard = shard
        self._policy = policy
        self._age_limits = age_limits

    def check(self, command: CheckCommand, now_ns: int) -> CheckAnswer:
        """Decide, and hold when the answer is yes. An id seen before gets its first answer.

        Refusals by a rule or for want of data are not remembered: they bind nothing. NotNow when
        the id could not be remembered.
        """
        shard = self._shard
        account = shard.account(command.account)
        earlier = shard.answered(command.account, command.request_id, command.digest)
        if earlier is not None:
            decision = _decision_of(earlier[1], command.request_id)
            return CheckAnswer(decision=decision, is_replayed=True, seq=earlier[0])
        refuse_without_room(shard)
        is_expired = abs(now_ns - command.sent_ns) > REQUEST_AGE_NS_MAX
        view = shard.view_of(account)
        outcome = _outcome(self._question(account, view, command.order, now_ns, is_expired))
        numbers = decision_numbers(outcome, command.order.order_id, account, view.view, now_ns)
        if not outcome.is_accepted:
            seq = self._rejected(command, outcome, numbers, now_ns)
        else:
            seq = self._accepted(command, outcome, numbers, view, now_ns)
        return CheckAnswer(decision=numbers, is_replayed=False, seq=seq)

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
                _decision_of(earlier[1], each.request_id)
                replayed_ids.add(each.request_id)
        refuse_without_room(self._shard, len(digest_by_id) - len(replayed_ids))
        return [self.check(each, now_ns) for each in commands]

    def preview(
        self, account_id: str, order: RequestedOrder, now_ns: int, *, has_explanation: bool
    ) -> tuple[DecisionNumbers, Explanation | None]:
        """The decision that `check` would give now, with its explanation when asked for."""
        account = self._shard.account(account_id)
        view = self._shard.view_of(account)
        question = self._question(account, view, order, now_ns)
        outcome = _outcome(question)
        numbers = decision_numbers(outcome, order.order_id, account, view.view, now_ns)
        return numbers, self._explanation(question, outcome) if has_explanation else None

    def max_size(
        self, account_id: str, order: RequestedOrder, now_ns: int
    ) -> tuple[int, RejectReason]:
        """(lots, why one more is refused) of the single leg of `order`, whatever its quantity."""
        account = self._shard.account(account_id)
        view = self._shard.view_of(account)
        try:
            return max_order_size(self._question(account, view, order, now_ns))
        except OverflowError:
            return 0, OUT_OF_RANGE.reason

    def decision_of(self, account_id: str, request_id: str) -> tuple[int, DecisionNumbers]:
        """(event number, decision) remembered for a request; UnknownName when there is none."""
        self._shard.account(account_id)
        remembered = self._shard.state.requests.find("request", account_id, request_id)
        if remembered is None:
            raise UnknownName("request", request_id)
        event = self._shard.event(remembered.seq)
        if not isinstance(event, OrderAccepted | OrderRejected):
            raise UnknownName("request", request_id)
        return remembered.seq, event.decision

    def _question(
        self,
        account: AccountState,
        view: AccountView,
        order: RequestedOrder,
        now_ns: int,
        is_expired: bool = False,  # noqa: FBT001, FBT002 - only a check can expire
    ) -> Question:
        state, market = self._shard.state, view.view
        rows = tuple(leg.row for leg in order.legs)
        kill = kill_mode(
            state, account.account, {market.table.instruments[r].underlying for r in rows}
        )
        return Question(
            order=order,
            portfolio=account.portfolio,
            account=view.risk,
            arrays=market.arrays,
            limits=effective_limits(account.limits, state.default_limits),
            policy=self._policy,
            gates=Gates(
                is_expired_request=is_expired,
                is_killed=kill == "block_all",
                is_reduce_only=kill == "reduce_only",
                is_suspended=account.is_suspended,
                is_duplicate_order=order.order_id in account.orders
                or account.is_closed(order.order_id),
            ),
            freshness=self._freshness(view, rows, now_ns),
        )

    def _freshness(self, view: AccountView, rows: tuple[int, ...], now_ns: int) -> Freshness:
        market = view.view
        missing = view.missing_subject
        if missing is None:
            names = (
                market.table.instruments[r].name for r in rows if not market.arrays.priced_i[r]
            )
            missing = next(names, None)
        oldest = view.oldest.joined(oldest_of_rows(market, rows))
        return Freshness(
            missing_subject=missing, stale_subject=oldest.stale_subject(now_ns, self._age_limits)
        )

    def _accepted(
        self,
        command: CheckCommand,
        outcome: Outcome,
        numbers: DecisionNumbers,
        view: AccountView,
        now_ns: int,
    ) -> int:
        instruments = view.view.table.instruments
        event = OrderAccepted(
            account=command.account,
            request_id=command.request_id,
            request_digest=command.digest,
            order_id=command.order.order_id,
            is_combo=command.order.execution is Execution.ATOMIC_COMBO,
            legs=tuple(
                LegNumbers(instruments[leg.row].name, int(leg.side), leg.lots, leg.price_nano)
                for leg in outcome.legs
            ),
            decision=numbers,
        )
        seq = self._shard.record(event, now_ns)
        assert view.risk is not None, "an order was accepted without a margin"
        assert outcome.hold is not None, "an order was accepted without a hold"
        view.risk.hold(outcome.hold)
        view.oldest = view.oldest.joined(
            oldest_of_rows(view.view, (leg.row for leg in outcome.legs))
        )
        return seq

    def _rejected(
        self, command: CheckCommand, outcome: Outcome, numbers: DecisionNumbers, now_ns: int
    ) -> int:
        if not outcome.reason.is_from_margin:
            # What the rule read, an order id taken or a suspension, may not be durable yet.
            return self._shard.state.last_seq
        event = OrderRejected(
            account=command.account,
            request_id=command.request_id,
            request_digest=command.digest,
            decision=numbers,
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


def _outcome(question: Question) -> Outcome:
    try:
        return decide(question)
    except OverflowError:
        return OUT_OF_RANGE


def _decision_of(event: object, request_id: str) -> DecisionNumbers:
    if isinstance(event, OrderAccepted | OrderRejected):
        return event.decision
    raise RequestConflict(request_id)
