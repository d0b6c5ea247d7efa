"""One event taken again, from the state before it and the market that it cites."""

import msgspec

from margingate_engine.core.errors import InvalidInput, MissingData, ModelFailure
from margingate_server.ledger.events import (
    AmendAccepted,
    AmendRejected,
    AnyEvent,
    CollateralAdjusted,
    Decided,
    ParametersLoaded,
)
from margingate_server.ledger.monitoring_events import MarginStateChanged
from margingate_server.ledger.state import ShardState
from margingate_server.ledger.store import CorruptLedger, EventRecord
from margingate_server.ledger.wallet_events import MarginMoved
from margingate_server.replaying.asked import order_asked
from margingate_server.replaying.booked import Booked, booked_again
from margingate_server.replaying.changes import Change, changes
from margingate_server.replaying.market_walk import MarketWalk
from margingate_server.replaying.parameters import models_of
from margingate_server.replaying.regimes_again import Judged, regime_again
from margingate_server.replaying.states_again import state_again
from margingate_server.service.accounts import Accounts
from margingate_server.service.amending import amend_totals
from margingate_server.service.asking import Asking, order_numbers, outcome_of
from margingate_server.service.decisions import decision_numbers
from margingate_server.service.freshness import FOREVER_NS, AgeLimits
from margingate_server.service.market import Market
from margingate_server.service.model_numbers import model_numbers
from margingate_server.service.refusals import NotNow
from margingate_server.service.shard import Shard
from margingate_server.service.wallets import Wallets

NO_AGE_LIMITS = AgeLimits(underlying_ns_max=FOREVER_NS, instrument_ns_max=FOREVER_NS)
"""How old prices were is not stored: what was decided on was fresh, and no margin depends on it."""


class WithoutInputs(Exception):  # noqa: N818 - a state, not an error
    """The market that the event cites was pruned."""


class Retaking:
    """Asks the code that decides about events of the past."""

    def __init__(self, state: ShardState, markets: MarketWalk, *, is_verdict_all: bool) -> None:
        """state: what the caller folds; every event is asked about before it is applied."""
        self._state = state
        self._markets = markets
        self._is_verdict_all = is_verdict_all
        self._shard: Shard | None = None

    def loaded(self, event: ParametersLoaded) -> list[Change]:
        """Decide by these parameters from here on; how this build's digest of them differs.

        Raises CorruptLedger as they cannot be used at all; to be called when they are applied.
        """
        try:
            margin_model, others = models_of(event)
        except InvalidInput as error:
            problem = f"parameters: {error.field} {error.problem}"
            raise CorruptLedger(self._state.last_seq, "event", problem) from error
        market = Market(margin_model, self._state.table, others=others)
        self._shard = Shard(self._state, market, _no_body)
        again = msgspec.structs.replace(
            event,
            digest=margin_model.parameters_digest,
            others=tuple(map(model_numbers, others.values())),
        )
        return changes(event, again, is_verdict_all=False)

    def differences(self, event: AnyEvent, record: EventRecord) -> list[Change] | None:
        """What comes out otherwise; None of an event that nothing has to be worked out for.

        WithoutInputs when the market is gone.
        """
        try:
            again = self._again(event, record)
        except NotNow as refusal:
            return [Change("verdict", "withdrawn", f"{refusal.reason.name} {refusal.subject}")]
        except CorruptLedger as damage:
            return [Change("market", "stored", damage.problem)]
        except (KeyError, ValueError, InvalidInput, MissingData, ModelFailure) as error:
            return [Change("event", "recorded", f"cannot be taken: {error!r}")]
        if again is None:
            return None
        return changes(event, again, is_verdict_all=self._is_verdict_all)

    def _again(self, event: AnyEvent, record: EventRecord) -> AnyEvent | None:
        if isinstance(event, Decided):
            shard = self._shard_at(event.decision.market_version)
            return _decided_again(shard, event)
        if isinstance(event, CollateralAdjusted) and event.market_digest:
            shard = self._shard_at(record.market_version)
            _refuse_withdrawal(shard, event)
            digest = shard.market.view.digest
            again = booked_again(self._state, event)
            return msgspec.structs.replace(again, market_digest=digest)
        if isinstance(event, MarginMoved):
            return _moved_again(self._shard_at(record.market_version), event)
        if isinstance(event, MarginStateChanged):
            if not event.market_digest:
                return None  # of what has no fresh price: ages are not stored
            shard = self._shard_at(record.market_version)
            return state_again(shard, event, NO_AGE_LIMITS, record.recorded_ns)
        if isinstance(event, Judged):
            if not event.market_digest:
                return None  # forced
            return regime_again(self._shard_at(record.market_version), event, NO_AGE_LIMITS)
        return booked_again(self._state, event) if isinstance(event, Booked) else None

    def _shard_at(self, version: int) -> Shard:
        """The shard as it was under a version of its market."""
        shard = self._shard
        if shard is None:
            raise KeyError("parameters")
        view = shard.market.view
        is_read = view.observation > 0  # the view that a market begins with has no prices
        if not is_read or view.snapshot.version != version:
            snapshot = self._markets.at(version)
            if snapshot is None:
                raise WithoutInputs
            table = self._state.table
            sizes = len(snapshot.index_nano_u), len(snapshot.mark_nano_i)
            if sizes != (len(table.underlyings), len(table)):
                raise CorruptLedger(version, "market", f"market version {version}: another table")
            shard.market.look_back(table, snapshot)
        return shard


def _decided_again(shard: Shard, event: Decided) -> Decided:
    """The decision taken anew, all of the account worked out in full."""
    account = shard.account(event.account)
    shard.forget_view(event.account)
    view = shard.view_of(account)
    asking = Asking(shard, NO_AGE_LIMITS)
    order = order_asked(shard.state.table, event)
    then_ns = event.decision.decision_ns
    is_change = isinstance(event, AmendAccepted | AmendRejected)
    ask = asking.amend_question if is_change else asking.question
    question = ask(account, view, order, then_ns)
    outcome = outcome_of(question)
    numbers = order_numbers(question, outcome, event.order.hold_ns)
    decision = decision_numbers(outcome, order.order_id, account, view.view, then_ns)
    again = msgspec.structs.replace(event, order=numbers, decision=decision)
    if not is_change:
        return again
    totals = amend_totals(question, numbers, is_accepted=outcome.is_accepted)
    return msgspec.structs.replace(again, totals=totals)


def _refuse_withdrawal(shard: Shard, event: CollateralAdjusted) -> None:
    """NotNow where the withdrawal would be refused."""
    account = shard.account(event.account)
    shard.forget_view(event.account)
    accounts = Accounts(shard, NO_AGE_LIMITS)
    balance = account.portfolio.cash.get(event.asset, 0) + event.units
    accounts.refuse_withdrawal(account, event.asset, event.units, balance, now_ns=0)


def _moved_again(shard: Shard, event: MarginMoved) -> MarginMoved:
    """The move taken anew; NotNow where it would be refused."""
    shard.forget_view(event.account)
    row = shard.row(event.instrument)
    wallets = Wallets(shard, NO_AGE_LIMITS)
    wallet = wallets.judged(shard.account(event.account), row, event.units, now_ns=0)
    return msgspec.structs.replace(event, wallet=wallet, market_digest=shard.market.view.digest)


def _no_body(seq: int) -> bytes:
    raise AssertionError(f"event {seq} was looked up to take another one again")
