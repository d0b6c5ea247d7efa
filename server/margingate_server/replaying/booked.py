"""Bookings worked out again: what follows from the books alone, without a market."""

import msgspec

from margingate_engine.portfolio.flows import fill_flow, spot_coins
from margingate_engine.portfolio.holdings import Position
from margingate_engine.portfolio.settlement import settlement_units
from margingate_server.ledger.events import (
    CollateralAdjusted,
    FillReported,
    PositionsSet,
    PositionsSettled,
)
from margingate_server.ledger.numbers import BreakNumbers, SettledNumbers
from margingate_server.ledger.state import ShardState

Booked = CollateralAdjusted | FillReported | PositionsSet | PositionsSettled
"""Events with amounts that follow from the books before them."""


def booked_again(state: ShardState, event: Booked) -> Booked:
    """The event as the books before it have it; KeyError for what they do not know.

    A fee that a report left to the schedule rests on an index price, and what a fill moves
    into a wallet on marks, which no fill cites: both are taken as they stand.
    """
    match event:
        case CollateralAdjusted():
            return _balance(state, event)
        case FillReported():
            return _fill(state, event)
        case PositionsSet():
            return _statement(state, event)
        case PositionsSettled():
            return _settled(state, event)


def _balance(state: ShardState, event: CollateralAdjusted) -> CollateralAdjusted:
    before = state.accounts[event.account].portfolio.cash.get(event.asset, 0)
    return msgspec.structs.replace(event, balance=before + event.units)


def _fill(state: ShardState, event: FillReported) -> FillReported:
    row = state.table.row_by_name[event.instrument]
    instrument = state.table.instruments[row]
    lots = event.side * event.lots
    flow = fill_flow(instrument, lots, event.price_nano)
    settled_units = None
    if row in state.settlement_nano:
        position = Position(lots, flow if instrument.is_future else 0)
        settled_units = settlement_units(instrument, position, state.settlement_nano[row])
    return msgspec.structs.replace(
        event, flow=flow, coins=spot_coins(instrument, lots), settled_units=settled_units
    )


def _statement(state: ShardState, event: PositionsSet) -> PositionsSet:
    portfolio, instruments = state.accounts[event.account].portfolio, state.table.instruments
    booked = {instruments[row].name: each.lots for row, each in portfolio.positions.items()}
    stated = {each.instrument: each.lots for each in event.positions}
    breaks = tuple(
        BreakNumbers(name, booked.get(name, 0), stated.get(name, 0))
        for name in sorted({*booked, *stated})
        if booked.get(name, 0) != stated.get(name, 0)
    )
    return msgspec.structs.replace(event, breaks=breaks)


def _settled(state: ShardState, event: PositionsSettled) -> PositionsSettled:
    table, portfolio = state.table, state.accounts[event.account].portfolio
    settled = []
    for each in event.positions:
        row = table.row_by_name[each.instrument]
        position = portfolio.positions[row]
        price_nano = state.settlement_nano[row]
        units = settlement_units(table.instruments[row], position, price_nano)
        settled.append(SettledNumbers(each.instrument, position.lots, units))
    return msgspec.structs.replace(event, positions=tuple(settled))
