"""What events do to open orders and to the positions they fill. No clock, no I/O."""

from dataclasses import replace

from margingate_engine.core.instruments import Instrument
from margingate_engine.core.orders import Side
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.flows import closing_split
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from margingate_server.ledger import events as e
from margingate_server.ledger.fold_wallets import FLAT, follow_fill
from margingate_server.ledger.numbers import OrderNumbers
from margingate_server.ledger.state import AccountState, OrderMemo, ShardState

Legs = tuple[OpenLeg, ...]


def open_legs(table: InstrumentTable, order: OrderNumbers) -> Legs:
    """The legs of an order that have lots, as a portfolio holds them."""
    return tuple(
        OpenLeg(
            row=table.row_by_name[leg.instrument],
            side=Side(leg.side),
            lots=leg.lots,
            price_nano=leg.price_nano,
            number=number,
            ratio=leg.ratio,
        )
        for number, leg in enumerate(order.legs)
        if leg.lots
    )


def order_accepted(state: ShardState, event: e.OrderAccepted, recorded_ns: int, *_: object) -> None:
    """An order is open."""
    account, order = state.accounts[event.account], event.order
    account.portfolio.legs[order.order_id] = open_legs(state.table, order)
    account.orders[order.order_id] = OrderMemo(
        request_id=event.request_id,
        accepted_ns=recorded_ns,
        sides=tuple((leg.instrument, leg.side) for leg in order.legs),
        totals=tuple(leg.lots for leg in order.legs),
        execution=order.execution,
        is_reduce_only=order.is_reduce_only,
        hold_ns=order.hold_ns,
    )
    if order.hold_ns:
        state.expiring[event.account, order.order_id] = order.hold_ns
    state.open_order_count += 1


def amend_accepted(state: ShardState, event: e.AmendAccepted, *_: object) -> None:
    """A change of an order is pending."""
    account, order_id = state.accounts[event.account], event.order.order_id
    account.portfolio.amendments[order_id] = open_legs(state.table, event.order)
    memo = account.orders[order_id]
    account.orders[order_id] = replace(
        memo, amend_totals=event.totals, amend_request_id=event.request_id
    )


def amend_confirmed(state: ShardState, event: e.AmendConfirmed, *_: object) -> None:
    """The pending change is the order."""
    if event.flag:
        return
    account = state.accounts[event.account]
    memo = account.orders[event.order_id]
    assert memo.amend_totals is not None, "a change that is not pending was confirmed"
    account.orders[event.order_id] = replace(
        memo, totals=memo.amend_totals, amend_totals=None, amend_request_id=""
    )
    account.portfolio.legs[event.order_id] = account.portfolio.amendments.pop(event.order_id)
    close_if_done(state, account, event.order_id)


def amend_withdrawn(state: ShardState, event: e.AmendWithdrawn, *_: object) -> None:
    """The order stays what it was."""
    if event.flag:
        return
    account = state.accounts[event.account]
    memo = account.orders[event.order_id]
    account.orders[event.order_id] = replace(memo, amend_totals=None, amend_request_id="")
    del account.portfolio.amendments[event.order_id]
    close_if_done(state, account, event.order_id)


def orders_ended(state: ShardState, event: e.OrdersReleased | e.OrdersExpired, *_: object) -> None:
    """These orders are closed, whatever is open of them."""
    account = state.accounts[event.account]
    for order_id in event.order_ids:
        close_order(state, account, order_id)


def close_if_done(state: ShardState, account: AccountState, order_id: str) -> None:
    """Close an order of which nothing is open, neither as it was nor as it may have become."""
    portfolio = account.portfolio
    if not portfolio.legs[order_id] and not portfolio.amendments.get(order_id):
        close_order(state, account, order_id)


def close_order(state: ShardState, account: AccountState, order_id: str) -> None:
    """Close an order."""
    del account.portfolio.legs[order_id]
    account.portfolio.amendments.pop(order_id, None)
    state.expiring.pop((account.account, order_id), None)
    account.close_order(order_id)
    state.open_order_count -= 1


def fill_reported(state: ShardState, event: e.FillReported, *_: object) -> None:
    """Position and cash move; what was open of the order shrinks, and so does a pending change."""
    account = state.accounts[event.account]
    portfolio = account.portfolio
    row = state.table.row_by_name[event.instrument]
    instrument = state.table.instruments[row]
    lots_before = portfolio.positions.get(row, FLAT).lots
    fill_position(portfolio, row, instrument, event)
    if event.settled_units is not None:
        portfolio.positions.pop(row, None)
        add_cash(portfolio, instrument.settlement_asset, event.settled_units)
    follow_fill(portfolio, row, lots_before, event.wallet_units)
    for legs_by_order in (portfolio.legs, portfolio.amendments):
        legs = legs_by_order.get(event.order_id)
        if legs is not None:
            legs_by_order[event.order_id] = shrunk(
                legs, row, Side(event.side), event.lots, event.price_nano
            )
    if event.order_id in portfolio.legs:
        close_if_done(state, account, event.order_id)


def positions_settled(state: ShardState, event: e.PositionsSettled, *_: object) -> None:
    """Positions become cash, and what is on order of their instruments ends."""
    account = state.accounts[event.account]
    portfolio, table = account.portfolio, state.table
    for each in event.positions:
        row = table.row_by_name[each.instrument]
        del portfolio.positions[row]
        portfolio.wallets.pop(row, None)
        add_cash(portfolio, table.instruments[row].settlement_asset, each.units)
    rows = {table.row_by_name[name] for name in event.instruments}
    for legs_by_order in (portfolio.legs, portfolio.amendments):
        for order_id, legs in legs_by_order.items():
            left = tuple(leg for leg in legs if leg.row not in rows)
            if len(left) < len(legs):  # what is left of a combo fills alone, if it fills
                left = tuple(replace(leg, ratio=0) for leg in left)
            legs_by_order[order_id] = left
    for order_id in list(portfolio.legs):
        close_if_done(state, account, order_id)


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


def shrunk(legs: Legs, row: int, side: Side, lots: int, price_nano: int) -> Legs:
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
