"""Gathers everything that the answer to an order may depend on into one question."""

from margingate_engine.check.decide import Outcome, decide
from margingate_engine.check.question import (
    Amend,
    Freshness,
    Gates,
    Question,
    RequestedOrder,
)
from margingate_engine.core.reasons import RejectReason
from margingate_server.ledger.numbers import LegNumbers, OrderNumbers
from margingate_server.ledger.state import AccountState
from margingate_server.service.freshness import AgeLimits, oldest_of_rows
from margingate_server.service.limits import effective_limits, kill_mode, policy_of
from margingate_server.service.qualifying import qualification_of, unpermitted
from margingate_server.service.shard import AccountView, Shard

OUT_OF_RANGE = Outcome(
    reason=RejectReason.MAX_ORDER_QUANTITY, detail="price beyond the range of the risk integers"
)
"""Answer to a limit at which one lot is worth more than an int64 holds."""


class Asking:
    """Asks about orders of a shard's accounts under the state of now."""

    def __init__(self, shard: Shard, age_limits: AgeLimits) -> None:
        self._shard = shard
        self._age_limits = age_limits

    def question(
        self, account: AccountState, view: AccountView, order: RequestedOrder, now_ns: int
    ) -> Question:
        """The question about a new order."""
        is_duplicate = order.order_id in account.orders or account.is_closed(order.order_id)
        gates = self._gates(account, view, order, now_ns, is_duplicate=is_duplicate)
        return self._question(account, view, order, gates, now_ns)

    def amend_question(
        self, account: AccountState, view: AccountView, order: RequestedOrder, now_ns: int
    ) -> Question:
        """The question about an open order that is to become `order`, quantities being totals."""
        gates = self._gates(account, view, order, now_ns, is_duplicate=False)
        legs = account.portfolio.legs[order.order_id]
        amends = Amend(legs=legs, filled_lots=filled_lots(account, order.order_id))
        return self._question(account, view, order, gates, now_ns, amends)

    def _question(
        self,
        account: AccountState,
        view: AccountView,
        order: RequestedOrder,
        gates: Gates,
        now_ns: int,
        amends: Amend | None = None,
    ) -> Question:
        state, portfolio = self._shard.state, account.portfolio
        rows = tuple(leg.row for leg in order.legs)
        return Question(
            order=order,
            portfolio=portfolio.without_order(order.order_id) if amends else portfolio,
            account=view.risk,
            arrays=view.view.arrays,
            limits=effective_limits(account.limits, state.default_limits),
            policy=policy_of(state.policy),
            gates=gates,
            freshness=self._freshness(view, rows, now_ns),
            amends=amends,
        )

    def _gates(
        self,
        account: AccountState,
        view: AccountView,
        order: RequestedOrder,
        now_ns: int,
        *,
        is_duplicate: bool,
    ) -> Gates:
        instruments = view.view.table.instruments
        underlyings = {instruments[leg.row].underlying for leg in order.legs}
        kill = kill_mode(self._shard.state, account.account, underlyings)
        settled = self._shard.state.settlement_nano
        asked = qualification_of(self._shard.state.policy, account.model)
        rows = [leg.row for leg in order.legs]
        return Gates(
            is_killed=kill == "block_all",
            is_reduce_only=kill == "reduce_only",
            is_suspended=account.is_suspended,
            is_duplicate_order=is_duplicate,
            is_unqualified=account.unqualified_since_ns > 0,
            is_liquidation_suspended=account.liquidation_not_before_ns > now_ns,
            settled_legs=tuple(n for n, leg in enumerate(order.legs) if leg.row in settled),
            unpermitted_legs=unpermitted(asked, view.view.table, rows),
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
            missing_subject=missing,
            stale_subject=oldest.stale_subject(now_ns, self._age_limits),
            suspect_subject=oldest.suspect or None,
            suspect_words=oldest.doubt.words,
        )


def filled_lots(account: AccountState, order_id: str) -> tuple[int, ...]:
    """How much of each leg of an open order was filled so far."""
    open_lots = {leg.number: leg.lots for leg in account.portfolio.legs[order_id]}
    totals = account.orders[order_id].totals
    return tuple(total - open_lots.get(number, 0) for number, total in enumerate(totals))


def outcome_of(question: Question) -> Outcome:
    """The decision; orders beyond the range of the risk integers are refused, too."""
    try:
        return decide(question)
    except OverflowError:
        return OUT_OF_RANGE


def order_numbers(question: Question, outcome: Outcome, hold_ns: int) -> OrderNumbers:
    """The order as the ledger keeps it: its legs as decided, an entry for each of them."""
    order, instruments = question.order, question.table.instruments
    sized = {leg.number: leg for leg in outcome.legs}
    legs = []
    for number, asked in enumerate(order.legs):
        name, leg = instruments[asked.row].name, sized.get(number)
        legs.append(
            LegNumbers(
                name,
                int(asked.side),
                leg.lots if leg else 0,
                leg.price_nano if leg else 0,
                asked.limit is None,
                leg.ratio if leg else 0,
            )
        )
    return OrderNumbers(
        order_id=order.order_id,
        legs=tuple(legs),
        execution=order.execution.value,
        is_reduce_only=order.is_reduce_only,
        hold_ns=hold_ns,
    )
