"""A fill as the ledger books it: cash, entry, wallet, the rest of the order. [SPAN-06, ISO-03]"""

from dataclasses import replace

from margingate_engine.models.isolated import wallet_units_of_fill
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.fees import held_fee
from margingate_engine.portfolio.flows import closing_split, fill_flow, spot_coins
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from margingate_engine.portfolio.wallets import wallet_after
from tests.property.chain import World


def fill(world: World, portfolio: Portfolio, key: str, leg: OpenLeg, lots: int) -> None:
    """Fill `lots` of a leg of an open order at the leg's limit, at the largest fee."""
    trade(world, portfolio, leg, lots)
    for legs_by_order in (portfolio.legs, portfolio.amendments):
        if key in legs_by_order:
            legs_by_order[key] = shrunk(legs_by_order[key], leg.number, lots)


def shrunk(legs: tuple[OpenLeg, ...], number: int, lots: int) -> tuple[OpenLeg, ...]:
    """The legs with `lots` less of one; what is filled is left out."""
    return tuple(
        replace(leg, lots=leg.lots - lots) if leg.number == number else leg
        for leg in legs
        if leg.number != number or leg.lots > lots
    )


def trade(world: World, portfolio: Portfolio, leg: OpenLeg, lots: int) -> None:
    """What a fill does to cash and position; no order is touched."""
    instrument = world.table.instruments[leg.row]
    group = world.arrays.groups[world.arrays.group_i[leg.row]]
    assert group is not None
    fee = held_fee(portfolio.fees, instrument, lots, leg.price_nano, group.index_nano)
    signed = int(leg.side) * lots
    lots_before = portfolio.positions.get(leg.row, Position(0)).lots
    cash = fill_flow(instrument, signed, leg.price_nano)
    if instrument.is_future:
        cash = _book_future(portfolio, leg, signed, cash)
    elif coins := spot_coins(instrument, signed):
        _pay(portfolio, instrument.underlying, coins)
    else:
        _move(portfolio, leg.row, signed, 0)
    _pay(portfolio, instrument.settlement_asset, cash - fee)
    if world.model.has_wallets:
        wallet = wallet_after(portfolio.wallets.pop(leg.row, 0), lots_before, signed)
        if leg.row in portfolio.positions:
            portfolio.wallets[leg.row] = wallet
            account = AccountRisk.of(portfolio, world.arrays)
            portfolio.wallets[leg.row] += wallet_units_of_fill(account, leg.row, fee)


def _book_future(portfolio: Portfolio, leg: OpenLeg, signed: int, flow: int) -> int:
    held = portfolio.positions.get(leg.row, Position(0))
    entry, realised = closing_split(held.lots, held.entry, signed, flow)
    _move(portfolio, leg.row, signed, entry)
    return realised


def _move(portfolio: Portfolio, row: int, signed: int, entry: int) -> None:
    after = portfolio.positions.get(row, Position(0)).lots + signed
    if after:
        portfolio.positions[row] = Position(after, entry)
    else:
        portfolio.positions.pop(row)


def _pay(portfolio: Portfolio, asset: str, units: int) -> None:
    portfolio.cash[asset] = portfolio.cash.get(asset, 0) + units
