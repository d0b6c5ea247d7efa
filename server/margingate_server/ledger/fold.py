"""apply(state, event): the only code that changes a shard's state. No clock, no I/O."""

from collections.abc import Callable
from typing import Any

from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.monitoring.states import MarginState
from margingate_engine.portfolio.fees import FeeRate, FeeTier
from margingate_engine.portfolio.holdings import Portfolio, Position
from margingate_server.ledger import events as e
from margingate_server.ledger import monitoring_events as m
from margingate_server.ledger import regime_events as r
from margingate_server.ledger import wallet_events as w
from margingate_server.ledger.fold_orders import (
    add_cash,
    amend_accepted,
    amend_confirmed,
    amend_withdrawn,
    fill_reported,
    order_accepted,
    orders_ended,
    positions_settled,
)
from margingate_server.ledger.fold_wallets import follow_positions, margin_moved, set_model
from margingate_server.ledger.numbers import FeeNumbers
from margingate_server.ledger.requests import FILL_SPACE, Remembered
from margingate_server.ledger.state import AccountState, KillSwitchState, ShardState

REQUEST_SPACE = "request"


def apply(state: ShardState, event: e.AnyEvent, seq: int, recorded_ns: int) -> None:
    """Move `state` by one event."""
    _APPLY[type(event)](state, event, recorded_ns)
    state.last_seq = seq
    account = state.accounts.get(event.account)
    if account is None:
        state.admin_version += 1
    elif not isinstance(event, e.AccountOpened):
        account.version += 1
    if event.request_id:
        space = FILL_SPACE if isinstance(event, e.FillReported) else REQUEST_SPACE
        answer = Remembered(event.request_digest, seq, recorded_ns)
        state.requests.remember(space, event.account, event.request_id, answer)


def _account_opened(state: ShardState, event: e.AccountOpened, recorded_ns: int) -> None:
    state.accounts[event.account] = AccountState(
        account=event.account,
        fee_tier=event.fee_tier,
        opened_ns=recorded_ns,
        portfolio=Portfolio(fees=state.fee_tiers[event.fee_tier]),
    )


def _collateral_adjusted(state: ShardState, event: e.CollateralAdjusted, *_: object) -> None:
    add_cash(state.accounts[event.account].portfolio, event.asset, event.units)


def _positions_set(state: ShardState, event: e.PositionsSet, *_: object) -> None:
    portfolio = state.accounts[event.account].portfolio
    before = portfolio.positions
    portfolio.positions = {
        state.table.row_by_name[each.instrument]: Position(each.lots, each.entry)
        for each in event.positions
    }
    follow_positions(portfolio, before)


def _regime_set(state: ShardState, event: r.RegimeSet, *_: object) -> None:
    account = state.accounts[event.account]
    set_model(state.table, account, event.model, event.wallets)
    account.unqualified_since_ns = account.liquidation_not_before_ns = 0


def _fell_back(state: ShardState, event: r.RegimeFellBack, *_: object) -> None:
    account = state.accounts[event.account]
    set_model(state.table, account, event.model, event.wallets)
    account.unqualified_since_ns = 0
    account.liquidation_not_before_ns = event.liquidation_not_before_ns


def _qualification_lost(state: ShardState, event: r.QualificationLost, recorded_ns: int) -> None:
    state.accounts[event.account].unqualified_since_ns = recorded_ns


def _qualification_regained(state: ShardState, event: r.QualificationRegained, *_: object) -> None:
    state.accounts[event.account].unqualified_since_ns = 0


def _experience_set(state: ShardState, event: r.ExperienceSet, *_: object) -> None:
    state.accounts[event.account].experience_tier = event.experience_tier


def _margin_state(state: ShardState, event: m.MarginStateChanged, recorded_ns: int) -> None:
    account, now = state.accounts[event.account], MarginState.of_word(event.state)
    account.margin_state, account.margin_state_since_ns = now, recorded_ns
    if now is not MarginState.UNKNOWN:
        account.known_margin_state = now


def _suspended(state: ShardState, event: e.AccountSuspended, *_: object) -> None:
    state.accounts[event.account].is_suspended = True


def _resumed(state: ShardState, event: e.AccountResumed, *_: object) -> None:
    state.accounts[event.account].is_suspended = False


def _kill_engaged(
    state: ShardState, event: e.KillSwitchEngaged, recorded_ns: int, *_: object
) -> None:
    state.kill_switches[event.scope, event.subject] = KillSwitchState(
        scope=event.scope,
        subject=event.subject,
        mode=event.mode,
        reason=event.reason,
        engaged_ns=recorded_ns,
    )


def _kill_released(state: ShardState, event: e.KillSwitchReleased, *_: object) -> None:
    state.kill_switches.pop((event.scope, event.subject), None)


def _limits_set(state: ShardState, event: e.LimitsSet, *_: object) -> None:
    if event.subject:
        state.accounts[event.subject].limits = event.limits
    else:
        state.default_limits = event.limits


def _listed(state: ShardState, event: e.InstrumentsListed, *_: object) -> None:
    state.table = state.table.with_instruments(event.instruments)


def _settlement_priced(state: ShardState, event: e.SettlementPriced, *_: object) -> None:
    for each in event.prices:
        state.settlement_nano[state.table.row_by_name[each.instrument]] = each.price_nano


def _parameters(state: ShardState, event: e.ParametersLoaded, *_: object) -> None:
    state.model, state.parameters_digest = event.model, event.digest
    state.parameters, state.policy = event.parameters, event.policy
    state.other_models, state.collateral = event.others, event.collateral
    state.fee_tiers = fee_tiers(event.fees)
    for account in state.accounts.values():
        account.portfolio.fees = state.fee_tiers[account.fee_tier]


def fee_tiers(fees: tuple[FeeNumbers, ...]) -> dict[str, FeeTier]:
    """The schedule of an event, by tier."""
    tiers: dict[str, dict[InstrumentKind, FeeRate]] = {}
    for each in fees:
        rate = FeeRate(maker_ppm=each.maker_ppm, taker_ppm=each.taker_ppm, cap_ppm=each.cap_ppm)
        tiers.setdefault(each.tier, {})[InstrumentKind(each.instrument_kind)] = rate
    return dict(tiers)


def _nothing(*_: object) -> None:
    """A rejection changes nothing but what is remembered of its request."""


_APPLY: dict[type, Callable[..., Any]] = {
    e.AccountOpened: _account_opened,
    e.CollateralAdjusted: _collateral_adjusted,
    e.PositionsSet: _positions_set,
    e.OrderAccepted: order_accepted,
    e.OrderRejected: _nothing,
    e.AmendAccepted: amend_accepted,
    e.AmendRejected: _nothing,
    e.AmendConfirmed: amend_confirmed,
    e.AmendWithdrawn: amend_withdrawn,
    e.OrdersReleased: orders_ended,
    e.OrdersExpired: orders_ended,
    e.FillReported: fill_reported,
    w.MarginMoved: margin_moved,
    r.RegimeSet: _regime_set,
    r.RegimeFellBack: _fell_back,
    r.QualificationLost: _qualification_lost,
    r.QualificationRegained: _qualification_regained,
    r.ExperienceSet: _experience_set,
    m.MarginStateChanged: _margin_state,
    e.AccountSuspended: _suspended,
    e.AccountResumed: _resumed,
    e.KillSwitchEngaged: _kill_engaged,
    e.KillSwitchReleased: _kill_released,
    e.LimitsSet: _limits_set,
    e.InstrumentsListed: _listed,
    e.SettlementPriced: _settlement_priced,
    e.PositionsSettled: positions_settled,
    e.ParametersLoaded: _parameters,
}
