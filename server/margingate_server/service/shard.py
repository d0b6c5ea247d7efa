"""One shard: its state, its market, and what was decided but is not durable yet. Knows no threads.

Whoever calls must let one call in at a time. Every change is an event: `record` applies it at once,
so that the next decision sees it, and puts it on the list that `take_pending` hands to the store.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

from margingate_engine.core.errors import MissingData
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.revaluation.many_orders import ManyOrders
from margingate_server.ledger.events import (
    AnyEvent,
    ParametersLoaded,
    cited_market,
    decode_event,
    encode_event,
    kind_of,
)
from margingate_server.ledger.fold import REQUEST_SPACE, apply
from margingate_server.ledger.state import AccountState, ShardState
from margingate_server.ledger.store import EventDraft
from margingate_server.service.freshness import Oldest, oldest_of_portfolio
from margingate_server.service.market import Market, MarketView
from margingate_server.service.refusals import RequestConflict, UnknownName

RECENT_EVENTS_MAX = 50_000

EventT = TypeVar("EventT")


@dataclass(slots=True)
class AccountView:
    """An account's risk under one market view; None while something it holds has no price."""

    view: MarketView
    risk: AccountRisk | None
    missing_subject: str | None
    oldest: Oldest


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What is to become durable: first the markets, then the events that cite them, in order."""

    events: list[EventDraft]
    markets: tuple[MarketSnapshot, ...] = ()


class Shard:
    """State of one shard and the events that wait to become durable."""

    def __init__(
        self,
        state: ShardState,
        market: Market,
        stored_body: Callable[[int], bytes],
    ) -> None:
        self.state = state
        self.market = market
        self._stored_body = stored_body
        self._pending: list[EventDraft] = []
        self._markets: list[MarketSnapshot] = []
        self._cited_version = -1
        self._recent: dict[int, AnyEvent] = {}
        self._views: dict[str, AccountView] = {}
        self._views_arrays = market.view.arrays
        self._many_orders = ManyOrders()
        self._touched = dict.fromkeys(state.accounts)

    def account(self, account: str) -> AccountState:
        """The account; UnknownName when there is none."""
        state = self.state.accounts.get(account)
        if state is None:
            raise UnknownName("account", account)
        return state

    def row(self, instrument: str) -> int:
        """Row of an instrument; UnknownName when it is not listed."""
        row = self.market.view.table.row(instrument)
        if row is None:
            raise UnknownName("instrument", instrument)
        return row

    def record(self, event: AnyEvent, now_ns: int) -> int:
        """Apply an event and queue it for the store; its sequence number."""
        seq = self.state.last_seq + 1
        account = self.state.accounts.get(event.account)
        model = account.model if account is not None else ""
        market = self.market.view
        margin_model = self.market.model_of(model)
        body = encode_event(event)  # before anything changes: what cannot be stored is not applied
        apply(self.state, event, seq, now_ns)
        known = account or self.state.accounts.get(event.account)
        self._pending.append(
            EventDraft(
                account=event.account,
                version=known.version if known is not None else self.state.admin_version,
                request_id=event.request_id,
                kind=kind_of(event),
                body=body,
                model=margin_model.name,
                parameters_digest=margin_model.parameters_digest,
                market_version=market.snapshot.version,
                recorded_ns=now_ns,
            )
        )
        if cited_market(event) and market.snapshot.version != self._cited_version:
            self._markets.append(market.snapshot)
            self._cited_version = market.snapshot.version
        if event.account in self.state.accounts:
            self._touched[event.account] = None
        elif isinstance(event, ParametersLoaded):
            self._touched = dict.fromkeys(self.state.accounts)
        self._recent[seq] = event
        if len(self._recent) > RECENT_EVENTS_MAX:
            del self._recent[next(iter(self._recent))]
        return seq

    def take_touched(self, count: int) -> list[str]:
        """So many accounts at most that events changed since they were last named here."""
        names = list(islice(self._touched, count))
        for name in names:
            del self._touched[name]
        return names

    def take_pending(self) -> Pending:
        """What is to be made durable, in order; the caller now owns it."""
        pending = Pending(events=self._pending, markets=tuple(self._markets))
        self._pending, self._markets = [], []
        return pending

    def answered(
        self, account: str, request_id: str, digest: str, space: str = REQUEST_SPACE
    ) -> tuple[int, AnyEvent] | None:
        """(sequence number, event) of an earlier request of this id; None when it is new.

        RequestConflict when the id was used with another body.
        """
        remembered = self.state.requests.find(space, account, request_id)
        if remembered is None:
            return None
        if remembered.digest != digest:
            raise RequestConflict(request_id)
        return remembered.seq, self.event(remembered.seq)

    def answered_as(
        self,
        kind: type[EventT],
        account: str,
        request_id: str,
        digest: str,
        space: str = REQUEST_SPACE,
    ) -> EventT | None:
        """The event of an earlier request of this id; None when it is new.

        RequestConflict when the id was used with another body, or for another kind of request:
        both can have the same bytes.
        """
        earlier = self.answered(account, request_id, digest, space)
        if earlier is None:
            return None
        _, event = earlier
        if not isinstance(event, kind):
            raise RequestConflict(request_id)
        return event

    def event(self, seq: int) -> AnyEvent:
        """An event by its number, from memory or the store."""
        recent = self._recent.get(seq)
        return recent if recent is not None else decode_event(self._stored_body(seq))

    def view_of(self, account: AccountState) -> AccountView:
        """The account's risk under its model, and freshness, under the market of now."""
        market = self.market.view
        if self._views_arrays is not market.arrays:
            # Accounts that nobody asks about would keep the arrays of their last time alive.
            self._views, self._views_arrays = {}, market.arrays
        try:
            view = market.under(account.model)
        except MissingData as missing:
            oldest = oldest_of_portfolio(market, account.portfolio)
            return AccountView(market, None, missing.subject, oldest)
        cached = self._views.get(account.account)
        if cached is not None and cached.view is view:
            return cached
        if cached is not None:
            cached.view, cached.oldest = view, oldest_of_portfolio(view, account.portfolio)
            return cached
        fresh = self._views[account.account] = self._fresh_view(view, account)
        return fresh

    def view_under(self, account: AccountState, model: str) -> AccountView:
        """The account's risk as it would be under a model that is there; nothing of it is kept.

        A question must not have the model's arrays made of all later prices, too.
        """
        market = self.market.view
        view = replace(market, arrays=market.glimpse(model)) if model else market
        return self._fresh_view(view, account)

    def has_view(self, account: str) -> bool:
        """True when the account's risk is at hand under the risk arrays of now."""
        cached = self._views.get(account)
        return cached is not None and self._views_arrays is self.market.view.arrays

    def forget_view(self, account: str) -> None:
        """Have the account's risk worked out anew, because its holdings changed."""
        self._views.pop(account, None)

    def forget_views(self) -> None:
        """Have every account's risk worked out anew, because what it rests on changed."""
        self._views = {}

    def _fresh_view(self, view: MarketView, account: AccountState) -> AccountView:
        oldest = oldest_of_portfolio(view, account.portfolio)
        try:
            risk = self._many_orders.account_risk(account.portfolio, view.arrays)
        except MissingData as missing:
            return AccountView(view, None, missing.subject, oldest)
        return AccountView(view, risk, None, oldest)
