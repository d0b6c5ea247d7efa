"""Changes of regimes worked out again, from the books and the market that they cite."""

from msgspec.structs import replace

from margingate_engine.core.errors import MissingData
from margingate_server.ledger.regime_events import (
    QualificationLost,
    QualificationRegained,
    RegimeFellBack,
    RegimeSet,
)
from margingate_server.ledger.state import AccountState
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.qualification_watch import fallback_of
from margingate_server.service.qualifying import qualification_of, qualifying_equity
from margingate_server.service.refusals import NotNow
from margingate_server.service.regimes import Regimes
from margingate_server.service.shard import Shard

Judged = RegimeSet | RegimeFellBack | QualificationLost | QualificationRegained
"""Events of a regime that rest on a market."""


def regime_again(shard: Shard, event: Judged, age_limits: AgeLimits) -> Judged:
    """The event as state, policy and market before it have it.

    NotNow where the change would be refused now; MissingData without a price of what it rests on.
    """
    account = shard.account(event.account)
    shard.forget_view(event.account)
    again = replace(event, market_digest=shard.market.view.digest)
    match again:
        case RegimeSet():
            answer = Regimes(shard, age_limits).judged(account, again.model, now_ns=0)
            if answer.refusal:
                raise NotNow(answer.refusal, answer.subject)
            return replace(again, wallets=answer.wallets)
        case RegimeFellBack():
            return _fell_back(shard, account, again)
        case _:
            return _equity(shard, account, again)


def _fell_back(shard: Shard, account: AccountState, event: RegimeFellBack) -> RegimeFellBack:
    asked = qualification_of(shard.state.policy, account.model)
    fallback = fallback_of(shard, account, asked)
    if fallback is None:
        raise MissingData(account.account)
    return replace(
        event, model=asked.fallback, shortfall=fallback.shortfall, wallets=fallback.wallets
    )


def _equity(
    shard: Shard, account: AccountState, event: QualificationLost | QualificationRegained
) -> QualificationLost | QualificationRegained:
    view = shard.market.view
    equity = qualifying_equity(account.portfolio, view.table, view.snapshot)
    if equity is None:
        raise MissingData(account.account)
    asked = qualification_of(shard.state.policy, account.model)
    is_lost = equity < asked.equity_to_remain
    is_back = equity >= asked.equity_to_enter
    if not (is_lost if isinstance(event, QualificationLost) else is_back):
        raise ValueError("equity does not say so")
    return replace(event, equity=equity)
