"""apply(state, event): the only code that changes a shard's state. No clock, no I/O."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from margingate_engine.core.instruments import Instrument
from margingate_engine.core.orders import Side
from margingate_engine.portfolio.fees import FeeTier
from margingate_engine.portfolio.flows import closing_split
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from margingate_server.ledger import events as e
from margingate_server.ledger.requests import FILL_SPACE, Remembered
from margingate_server.ledger.state import (
    AccountState,
    KillSwitchState,
    OrderMemo,
    ShardState,
)

REQUEST_SPACE = "request"


def apply(
    state: ShardState,
    event: e.AnyEvent,
    seq: int,
    recorded_ns: int,
    fee_tiers: Mapping[str, FeeTier],
) -> None:
    """Move `state` by one event. fee_tiers: where new accounts take their rates from."""
    _APPLY[type(event)](state, event, recorded_ns, fee_tiers)
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


def _account_opened(
    state: ShardState, event: e.AccountOpened, recorded_ns: int, fee_tiers: Mapping[str, FeeTier]
) -> None:
    state.accounts[event.account] = AccountState(
        account=event.account,
        fee_tier=event.fee_tier,
        opened_ns=recorded_ns,
        portfolio=Portfolio(fees=fee_tiers[event.fee_tier]),
    )


def _collateral_adjusted(state: ShardState, event: e.CollateralAdjusted, *_: object) -> None:
    add_cash(state.accounts[event.account].portfolio, event.asset, event.units)


def _positions_set(state: ShardState, event: e.PositionsSet, *_: object) -> None:
    portfolio = state.accounts[event.account].portfolio
    portfolio.positions = {
        state.table.row_by_name[each.instrument]: Position(each.lots, each.entry)
        for each in event.positions
    }


def _order_accepted(
    state: ShardState, event: e.OrderAccepted, recorded_ns: int, *_: object
) -> None:
    account = state.accounts[event.account]
    account.portfolio.legs[event.order_id] = tuple(
        OpenLeg(
            row=state.table.row_by_name[leg.instrument],
            side=Side(leg.side),
            lots=leg.lots,
            price_nano=leg.price_nano,
            is_of_combo=event.is_combo,
        )
        for leg in event.legs
    )
    account.orders[event.order_id] = OrderMemo(
        request_id=event.request_id, accepted_ns=recorded_ns, is_combo=event.is_combo
    )
    state.open_order_count += 1


def _orders_released(state: ShardState, event: e.OrdersReleased, *_: object) -> None:
    account = state.accounts[event.account]
    for order_id in event.order_ids:
        del account.portfolio.legs[order_id]
        account.close_order(order_id)
    state.open_order_count -= len(event.order_ids)


def _fill_reported(state: ShardState, event: e.FillReported, *_: object) -> None:
    account = state.accounts[event.account]
    row = state.table.row_by_name[event.instrument]
    instrument = state.table.instruments[row]
    fill_position(account.portfolio, row, instrument, event)
    legs = account.portfolio.legs.get(event.order_id)
    if legs is None:
        return
    left = shrunk(legs, row, Side(event.side), event.lots, event.price_nano)
    if left:
        account.portfolio.legs[event.order_id] = left
    else:
        del account.portfolio.legs[event.order_id]
        account.close_order(event.order_id)
        state.open_order_count -= 1


def fill_position(
    portfolio: Portfolio, row: int, instrument: Instrument, event: e.FillReported
) -> None:
    """Move position and cash by a fill. [SPAN-06]"""
    asset = instrument.settlement_asset
    add_cash(portfolio, asset, -event.fee)
    if event.coins:
        add_cash(portfolio, asset, event.flow)
        add_cash(portfolio, instrument.underlying, event.coins)
        return
    position = portfolio.positions.get(row) or Position(0)
    lots = event.side * event.lots
    entry, cash = 0, event.flow
    if instrument.is_future:
        entry, cash = closing_split(position.lots, position.entry, lots, event.flow)
    if position.lots + lots:
        portfolio.positions[row] = Position(position.lots + lots, entry)
    else:
        portfolio.positions.pop(row, None)
    add_cash(portfolio, asset, cash)


def shrunk(
    legs: tuple[OpenLeg, ...], row: int, side: Side, lots: int, price_nano: int
) -> tuple[OpenLeg, ...]:
    """The legs with `lots` less open on that instrument and side; what is filled is left out.

    Legs whose limit allows the price come first, and among equals the one that holds less: which
    of them the venue filled is not reported, and the larger hold is the safe one to keep.
    """
    matching = [n for n, leg in enumerate(legs) if leg.row == row and leg.side is side]
    open_lots = [leg.lots for leg in legs]
    for number in sorted(matching, key=lambda n: _fill_rank(legs[n], price_nano)):
        taken = min(open_lots[number], lots)
        open_lots[number] -= taken
        lots -= taken
    return tuple(replace(leg, lots=left) for leg, left in zip(legs, open_lots, strict=True) if left)


def _fill_rank(leg: OpenLeg, price_nano: int) -> tuple[bool, int]:
    """Sorts first what a fill at that price comes from: a buy at its limit or below it."""
    limit, price = int(leg.side) * leg.price_nano, int(leg.side) * price_nano
    return limit < price, limit


def add_cash(portfolio: Portfolio, asset: str, units: int) -> None:
    """Change cash of an asset; an asset of zero is forgotten."""
    total = portfolio.cash.get(asset, 0) + units
    if total:
        portfolio.cash[asset] = total
    else:
        portfolio.cash.pop(asset, None)


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


def _parameters(state: ShardState, event: e.ParametersLoaded, *_: object) -> None:
    state.parameters_digest = event.digest
    state.fees_text = event.fees


def _nothing(*_: object) -> None:
    """A rejection changes nothing but what is remembered of its request."""


_APPLY: dict[type, Callable[..., Any]] = {
    e.AccountOpened: _account_opened,
    e.CollateralAdjusted: _collateral_adjusted,
    e.PositionsSet: _positions_set,
    e.OrderAccepted: _order_accepted,
    e.OrderRejected: _nothing,
    e.OrdersReleased: _orders_released,
    e.FillReported: _fill_reported,
    e.AccountSuspended: _suspended,
    e.AccountResumed: _resumed,
    e.KillSwitchEngaged: _kill_engaged,
    e.KillSwitchReleased: _kill_released,
    e.LimitsSet: _limits_set,
    e.InstrumentsListed: _listed,
    e.ParametersLoaded: _parameters,
}
