"""Publishes the margin states of a shard's accounts, as events. docs/monitoring.md

`consider` looks at everybody's figures beside the decisions and finds who should change; `look`
changes them between two decisions, each by its figures of that instant.
"""

from collections import deque

from margingate_engine.models.strain import position_risks
from margingate_engine.monitoring.publishing import wanted
from margingate_engine.monitoring.resting import (
    RestingOrders,
    Thoroughness,
    risk_increasing_orders,
)
from margingate_engine.monitoring.states import MarginState, state_of_strain
from margingate_engine.revaluation.account_figures import AccountFigures
from margingate_server.ledger.monitoring_events import MarginStateChanged
from margingate_server.ledger.state import AccountState
from margingate_server.service.account_failures import AccountFailures
from margingate_server.service.decisions import risk_numbers
from margingate_server.service.freshness import AgeLimits, oldest_of_portfolio
from margingate_server.service.limits import policy_of
from margingate_server.service.margin_states import (
    NOT_KNOWN,
    Instant,
    instant_of,
    instant_of_risk,
    publishing_of,
)
from margingate_server.service.monitoring_round import Due, Round
from margingate_server.service.shard import Shard

EFFORT_MAX = 12
"""How much one call of `look` does: nobody else decides meanwhile."""

WORKED_OUT = 3
"""Effort of an account whose margin is worked out anew; of any other, and of an order, it is 1."""

ORDERS = Thoroughness(orders_max=20, margins_max=4, open_max=300)
"""How resting orders are judged for an event, while nobody is decided; outlook judges them all."""

CALLED = (MarginState.MARGIN_CALL, MarginState.LIQUIDATION)


class Monitor:
    """Published states of a shard. Whoever makes a new shard of the log makes this anew.

    How long an account has been better is remembered here alone: a new one begins all waits anew.
    """

    def __init__(self, shard: Shard, age_limits: AgeLimits) -> None:
        self._shard = shard
        self._age_limits = age_limits
        self._round = Round(shard)
        self._due: deque[Due] = deque()
        self._touched: dict[str, None] = {}
        self._effort = 0
        self.failures = AccountFailures()

    @property
    def is_behind(self) -> bool:
        """Whether accounts wait for another look."""
        return bool(self._due or self._touched)

    def consider(self, figures: AccountFigures, monotonic_ns: int, now_ns: int) -> int:
        """How many accounts are due for another state, the worst first; `look` changes them.

        To be called beside decisions, by one thread at a time, for every set of figures.
        monotonic_ns: of one clock that never goes back.
        """
        publishing = publishing_of(self._shard.state.policy.monitoring)
        due = self._round.due(figures, publishing, monotonic_ns, now_ns)
        self._due = deque(due)
        return len(due)

    def touch(self, account: str) -> None:
        """Have an account looked at once more, because what it has changed."""
        self._touched[account] = None

    def look(self, now_ns: int) -> tuple[list[MarginStateChanged], int]:
        """(what is published, number of the event that must be durable before it is told, or 0).

        To be called between two decisions, again while `is_behind`. Accounts that were touched come
        first; they get a state that needs no waiting, and others when figures come.
        """
        published: list[MarginStateChanged] = []
        self._effort = 0
        while self._effort < EFFORT_MAX:
            due = self._next()
            if due is None:
                break
            account = self._shard.state.accounts.get(due.account)
            event = None if account is None else self._changed(account, due, now_ns)
            if event is not None:
                self._shard.record(event, now_ns)
                self._round.forget(event.account)
                published.append(event)
        return published, self._shard.state.last_seq if published else 0

    def _next(self) -> Due | None:
        if self._touched:
            return Due(self._touched.popitem()[0])
        return self._due.popleft() if self._due else None

    def _changed(self, account: AccountState, due: Due, now_ns: int) -> MarginStateChanged | None:
        try:
            return self._change(account, due, now_ns)
        except Exception as error:  # noqa: BLE001 - whoever is due after it has its turn
            self.failures.add(account.account, error)
            self._effort += WORKED_OUT
            return None

    def _change(self, account: AccountState, due: Due, now_ns: int) -> MarginStateChanged | None:
        """What is to be published of an account now, if anything."""
        try:
            instant = self._instant(account, due, now_ns)
        except Exception as error:  # noqa: BLE001 - what cannot be worked out is not known
            self.failures.add(account.account, error)
            instant = NOT_KNOWN
        before, known = account.margin_state, account.known_margin_state
        target, wait = wanted(before, known, instant.standing)
        publishing = publishing_of(self._shard.state.policy.monitoring)
        if target is before or not (wait is due.waited_for or not publishing.wait_ns(wait)):
            return None
        self._effort += min(len(account.portfolio.legs), ORDERS.orders_max)
        self._effort += WORKED_OUT if instant.strain_ppm else 0
        return margin_state_changed(self._shard, account, target, instant)

    def _instant(self, account: AccountState, due: Due, now_ns: int) -> Instant:
        """How the account stands now, by its figures as long as they are of now."""
        shard, numbers = self._shard, self._shard.state.policy.monitoring
        figures = due.figures_of(account, shard.market.view.arrays)
        if figures is not None:
            self._effort += 1
            oldest = oldest_of_portfolio(shard.market.view, account.portfolio)
            is_fit = oldest.unfit(now_ns, self._age_limits) is None
            if is_fit and figures.risk is not None:
                strain_ppm = figures.strain_ppm
                return instant_of_risk(account, figures.risk, strain_ppm, numbers, now_ns)
            if not is_fit:
                return NOT_KNOWN
        self._effort += WORKED_OUT
        return instant_of(account, shard.view_of(account), numbers, self._age_limits, now_ns)


def margin_state_changed(
    shard: Shard, account: AccountState, state: MarginState, instant: Instant
) -> MarginStateChanged:
    """The event that publishes a state, by how the account stands; unknown ones rest on nothing."""
    figures = risk_numbers(instant.risk)
    orders = _orders_to_cancel(shard, account, state)
    return MarginStateChanged(
        account=account.account,
        previous=account.margin_state.word,
        state=state.word,
        figures=figures,
        market_digest=shard.market.view.digest if figures is not None else "",
        orders=orders.order_ids,
        is_cut=orders.is_cut,
        instruments=_strained(shard, account, state) if instant.strain_ppm else (),
    )


def _strained(shard: Shard, account: AccountState, state: MarginState) -> tuple[str, ...]:
    """Instruments, by name, of positions that are in such a state by their own margin. [MON-15]"""
    view = shard.view_of(account)
    if state is MarginState.HEALTHY or view.risk is None:
        return ()
    names = view.risk.arrays.table.instruments
    bounds = publishing_of(shard.state.policy.monitoring).entering
    return tuple(
        names[each.row].name
        for each in position_risks(view.risk)
        if state_of_strain(each.strain_ppm, bounds) >= state
    )


def _orders_to_cancel(shard: Shard, account: AccountState, state: MarginState) -> RestingOrders:
    """Resting orders that add risk, on entering a margin call or liquidation. [MON-07]"""
    before, known = account.margin_state, account.known_margin_state
    is_entered = state in CALLED and (state > known or before is MarginState.UNKNOWN)
    view = shard.view_of(account) if is_entered and account.portfolio.legs else None
    if view is None or view.risk is None:
        return RestingOrders((), is_cut=False)
    policy = policy_of(shard.state.policy)
    return risk_increasing_orders(view.risk, account.portfolio, policy, ORDERS)
