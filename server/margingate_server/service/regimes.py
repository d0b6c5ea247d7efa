"""By which model an account is margined, and what changing it takes. docs/regimes.md"""

from dataclasses import dataclass, replace

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.reasons import RejectReason
from margingate_engine.core.risk import Risk
from margingate_server.ledger.regime_events import ExperienceSet, RegimeSet
from margingate_server.ledger.state import AccountState
from margingate_server.ledger.wallet_events import WalletNumbers
from margingate_server.service.freshness import AgeLimits, oldest_of_portfolio
from margingate_server.service.holdings_range import judged, known_risk
from margingate_server.service.market import MarketView
from margingate_server.service.qualifying import (
    qualification_of,
    qualifying_equity,
    why_unqualified,
)
from margingate_server.service.refusals import NotNow
from margingate_server.service.room import refuse_without_room
from margingate_server.service.shard import Shard
from margingate_server.service.wallets import wallets_under

EXPERIENCE_TIER_MAX = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeCommand:
    """A request to margin an account by a model. digest: of its body. forced: with a reason."""

    account: str
    model: str
    request_id: str
    digest: str
    is_forced: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeAnswer:
    """What a change comes to. refusal: NONE when it was made, or would be; subject: what it is of.

    before, after: margin under the model of before and under the new one, None without prices, and
    before for a repeated request. equity: that qualification is judged by, 1e-6 USD. view: that
    `after` rests on. wallets: that positions have after it.
    """

    view: MarketView
    before: Risk | None
    after: Risk | None
    equity: int | None
    refusal: RejectReason = RejectReason.NONE
    subject: str = ""
    wallets: tuple[WalletNumbers, ...] = ()


class Regimes:
    """Regimes of a shard's accounts, and the experience that they may ask for."""

    def __init__(self, shard: Shard, age_limits: AgeLimits) -> None:
        self._shard = shard
        self._age_limits = age_limits

    def set_regime(self, command: RegimeCommand, now_ns: int) -> tuple[RegimeAnswer, int]:
        """(answer, event number): the account is margined by the model from here on.

        NotNow when it does not qualify, would be left without margin, or cannot be judged; a forced
        change needs none of it. InvalidInput for a model that is not there.
        """
        shard, account = self._shard, self._shard.account(command.account)
        request_id, digest = command.request_id, command.digest
        if shard.answered_as(RegimeSet, command.account, request_id, digest) is not None:
            now = self.judged(account, account.model, now_ns)
            return replace(now, before=None, refusal=RejectReason.NONE, subject=""), (
                shard.state.last_seq
            )
        refuse_without_room(shard)
        self._refuse_unknown(command.model)
        answer = self.judged(account, command.model, now_ns)
        if answer.refusal and not command.is_forced:
            raise NotNow(answer.refusal, answer.subject)
        event = RegimeSet(
            account=command.account,
            request_id=request_id,
            request_digest=digest,
            model=command.model,
            reason=command.reason,
            market_digest="" if command.is_forced else answer.view.digest,
            wallets=answer.wallets,
        )
        seq = shard.record(event, now_ns)
        shard.forget_view(command.account)
        return replace(answer, refusal=RejectReason.NONE, subject=""), seq

    def preview(self, account_id: str, model: str, now_ns: int) -> RegimeAnswer:
        """What `set_regime` would come to; changes and remembers nothing."""
        self._refuse_unknown(model)
        return self.judged(self._shard.account(account_id), model, now_ns)

    def judged(self, account: AccountState, model: str, now_ns: int) -> RegimeAnswer:
        """The margin under a model, and whether the account may be margined by it."""
        shard, market = self._shard, self._shard.market.view
        before = known_risk(shard.view_of(account))
        after = judged(shard.view_under(account, model))
        wallets = wallets_under(shard, account, model, after)
        equity = qualifying_equity(account.portfolio, market.table, market.snapshot)
        answer = RegimeAnswer(
            view=after.view,
            before=before,
            after=after.risk.risk if after.risk is not None else None,
            equity=equity,
            wallets=wallets,
        )
        if answer.after is None:
            subject = after.missing_subject or account.account
            return replace(answer, refusal=RejectReason.MARKET_DATA_MISSING, subject=subject)
        oldest = oldest_of_portfolio(after.view, account.portfolio)
        unfit = oldest.unfit(now_ns, self._age_limits)
        if unfit is not None:
            return replace(answer, refusal=unfit[0], subject=unfit[1])
        refusal, subject = self._why_not(account, model, answer)
        return replace(answer, refusal=refusal, subject=subject)

    def set_experience(
        self, account_id: str, tier: int, request_id: str, digest: str, now_ns: int
    ) -> tuple[int, int]:
        """(the account's tier of experience now, event number). InvalidInput outside [0, 9]."""
        account = self._shard.account(account_id)
        if self._shard.answered_as(ExperienceSet, account_id, request_id, digest) is not None:
            return account.experience_tier, self._shard.state.last_seq
        if not 0 <= tier <= EXPERIENCE_TIER_MAX:
            raise InvalidInput("experience_tier", f"must lie in [0, {EXPERIENCE_TIER_MAX}]")
        event = ExperienceSet(
            account=account_id,
            request_id=request_id,
            request_digest=digest,
            experience_tier=tier,
        )
        seq = self._shard.record(event, now_ns)
        return account.experience_tier, seq

    def _refuse_unknown(self, model: str) -> None:
        models = self._shard.market.models
        if model not in models:
            raise InvalidInput("model", f"must be one of {', '.join(sorted(models))}")

    def _why_not(
        self, account: AccountState, model: str, answer: RegimeAnswer
    ) -> tuple[RejectReason, str]:
        assert answer.after is not None, "judged without a margin"
        if answer.equity is None:
            return RejectReason.MARKET_DATA_MISSING, account.account
        asked = qualification_of(self._shard.state.policy, model)
        why = why_unqualified(asked, account, answer.equity, answer.view.table)
        if why is not None:
            is_instrument, subject = why
            reason = RejectReason.INSTRUMENT_NOT_TRADABLE if is_instrument else None
            return reason or RejectReason.NOT_QUALIFIED, subject
        if not answer.after.is_margined:
            return RejectReason.INSUFFICIENT_INITIAL_MARGIN, model
        return RejectReason.NONE, ""
