"""Watches who has equity enough for a regime: grace, and after it the fall back, as events.

The grace period is counted as the duration of a hold is (expiry.py): by a clock that never goes
back, from when its beginning is durable, or from the start of the process if that was later. It
never ends early; the wall clock has no part in it.
"""

from collections import deque
from typing import NamedTuple

from margingate_server.ledger.numbers import QualificationNumbers
from margingate_server.ledger.regime_events import (
    QualificationLost,
    QualificationRegained,
    RegimeFellBack,
)
from margingate_server.ledger.state import AccountState
from margingate_server.ledger.wallet_events import WalletNumbers
from margingate_server.service.expiry import with_lag
from margingate_server.service.freshness import AgeLimits, oldest_of_portfolio
from margingate_server.service.holdings_range import judged
from margingate_server.service.qualifying import qualifying_equity
from margingate_server.service.shard import Shard
from margingate_server.service.wallets import wallets_under

ACCOUNTS_MAX = 1_000
"""Most accounts that one call passes by: nobody else decides meanwhile."""

JUDGED_MAX = 50
"""Most accounts whose equity one call works out."""

RegimeEvent = QualificationLost | QualificationRegained | RegimeFellBack

NOTHING_ASKED = QualificationNumbers(model="")


class QualificationWatch:
    """Grace periods of a shard. Whoever makes a new shard of the log makes this anew."""

    def __init__(self, shard: Shard, age_limits: AgeLimits) -> None:
        self._shard = shard
        self._age_limits = age_limits
        self._deadlines: dict[str, int] = {}
        self._round: deque[str] = deque()
        self.is_behind = False
        """Whether the last call left accounts of its round for another one."""

    def look(self, monotonic_ns: int, now_ns: int) -> tuple[list[RegimeEvent], int]:
        """(what happened, number of the event that must be durable before the next call, or 0).

        monotonic_ns: of one clock that never goes back. Accounts without fresh prices are left for
        a later round: nobody falls back on an old price.
        """
        state = self._shard.state
        asked_of = {each.model: each for each in state.policy.qualifications}
        if not self._round:
            self._round.extend(state.accounts)
        happened: list[RegimeEvent] = []
        judged_count = 0
        for _ in range(min(len(self._round), ACCOUNTS_MAX)):
            if judged_count == JUDGED_MAX:
                break
            account = state.accounts[self._round.popleft()]
            asked = asked_of.get(account.model, NOTHING_ASKED)
            if not (asked.equity_to_remain or account.unqualified_since_ns):
                continue
            judged_count += 1
            event = self._looked_at(account, asked, monotonic_ns, now_ns)
            if event is not None:
                self._shard.record(event, now_ns)
                self._shard.forget_view(account.account)
                happened.append(event)
        self.is_behind = bool(self._round)
        return happened, state.last_seq if happened else 0

    def _looked_at(
        self, account: AccountState, asked: QualificationNumbers, monotonic_ns: int, now_ns: int
    ) -> RegimeEvent | None:
        market, name = self._shard.market.view, account.account
        if account.unqualified_since_ns:
            deadline = monotonic_ns + with_lag(asked.grace_ns)
            deadline = self._deadlines.setdefault(name, deadline)
        else:
            deadline = 0
            self._deadlines.pop(name, None)
        equity = qualifying_equity(account.portfolio, market.table, market.snapshot)
        oldest = oldest_of_portfolio(market, account.portfolio)
        if equity is None or oldest.unfit(now_ns, self._age_limits) is not None:
            return None
        if not account.unqualified_since_ns:
            if equity >= asked.equity_to_remain:
                return None
            return QualificationLost(account=name, equity=equity, market_digest=market.digest)
        if equity >= asked.equity_to_enter:
            del self._deadlines[name]
            return QualificationRegained(account=name, equity=equity, market_digest=market.digest)
        if monotonic_ns < deadline:
            return None
        return self._fallen_back(account, asked, now_ns)

    def _fallen_back(
        self, account: AccountState, asked: QualificationNumbers, now_ns: int
    ) -> RegimeFellBack | None:
        fallback = fallback_of(self._shard, account, asked)
        if fallback is None:
            return None
        self._deadlines.pop(account.account, None)
        return RegimeFellBack(
            account=account.account,
            model=asked.fallback,
            shortfall=fallback.shortfall,
            liquidation_not_before_ns=now_ns + asked.liquidation_grace_ns,
            market_digest=self._shard.market.view.digest,
            wallets=fallback.wallets,
        )


class Fallback(NamedTuple):
    """What a fall back comes to: what lacks to the positions' margin, 1e-6 USD, and wallets."""

    shortfall: int
    wallets: tuple[WalletNumbers, ...]


def fallback_of(
    shard: Shard, account: AccountState, asked: QualificationNumbers
) -> Fallback | None:
    """What falling back from its regime comes to for an account; None where there is no margin."""
    if not asked.fallback:
        return None
    shard.market.view.under(asked.fallback)  # who falls back has its arrays; many do so at once
    view = judged(shard.view_under(account, asked.fallback))
    if view.risk is None:
        return None
    wallets = wallets_under(shard, account, asked.fallback, view)
    return Fallback(max(0, -view.risk.positions_risk.headroom), wallets)
