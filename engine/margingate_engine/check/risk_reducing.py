"""Rules that let an account become less risky and nothing else. [DEC-02, DEC-08]"""

from collections.abc import Iterable
from fractions import Fraction

from margingate_engine.check.question import Policy, Question
from margingate_engine.check.sizing import mark_price_nano
from margingate_engine.core.amounts import PPM
from margingate_engine.core.instruments import Instrument, InstrumentKind
from margingate_engine.core.orders import Side
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.flows import fill_flow, spot_coins
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.hold import GROSS_MAX
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from margingate_engine.portfolio.margin_model import EquityBasis
from margingate_engine.portfolio.own_charges import equity_change_at_mark
from margingate_engine.portfolio.risk_arrays import RiskArrays


def grows_a_position(question: Question) -> bool:
    """True when a leg does more than close what its side's open orders leave held. [DEC-08]

    What turns a position over grows the one on the other side of zero. Quantities may be off lot
    here, so they are compared as fractions of a lot.
    """
    asked = question.open_lots_asked()
    return any(lots > room for _, lots, room in _rooms(question.portfolio, question.table, asked))


def grows_the_order(question: Question) -> bool:
    """True unless a change asks for no more of any leg than is open of it. [DEC-09]"""
    amends = question.amends
    if amends is None:
        return True
    open_lots = {leg.number: leg.lots for leg in amends.legs}
    asked = enumerate(question.open_lots_asked())
    return any(lots > open_lots.get(number, 0) for number, (_, _, lots) in asked)


def is_risk_reducing(
    account: AccountRisk,
    portfolio: Portfolio,
    legs: tuple[OpenLeg, ...],
    headroom_change: int,
    policy: Policy,
) -> bool:
    """True when positions get safer, the worst fills no worse, and no position grows. [DEC-02]

    headroom_change: of the worst fills, with the order less without it, 1e-6 USD.
    """
    arrays = account.arrays
    notional = sum(leg.lots * arrays.notional_i[leg.row] for leg in legs)
    allowance = policy.allowance_ppm * notional // PPM
    asked = ((leg.row, leg.side, Fraction(leg.lots)) for leg in legs)
    rooms = list(_rooms(portfolio, arrays.table, asked))
    # Whatever is filled of closing lots, the surcharge of their price never rises. [COL-06]
    closing = sum(arrays.surcharge_i[row] * max(0, int(min(each))) for row, *each in rooms)
    if headroom_change + closing < -allowance:
        return False
    if not policy.may_hedges_grow and _grow(rooms):
        return False
    return _positions_get_safer(account, legs)


def grows_a_net_position(
    portfolio: Portfolio, table: InstrumentTable, legs: tuple[OpenLeg, ...]
) -> bool:
    """True when |q| of an instrument would grow, the side's open orders counted. [DEC-02 c]"""
    asked = ((leg.row, leg.side, Fraction(leg.lots)) for leg in legs)
    return _grow(_rooms(portfolio, table, asked))


def _grow(rooms: Iterable[tuple[int, Fraction, Fraction]]) -> bool:
    """|q| grows when the lots are more than twice what would make it flat. [DEC-02 c]"""
    return any(lots > 2 * room for _, lots, room in rooms)


def _rooms(
    portfolio: Portfolio, table: InstrumentTable, asked: Iterable[tuple[int, Side, Fraction]]
) -> Iterable[tuple[int, Fraction, Fraction]]:
    """(row, lots asked, lots to flat) for each instrument and side, legs of one added up."""
    sums: dict[tuple[int, Side], Fraction] = {}
    for row, side, lots in asked:
        sums[row, side] = sums.get((row, side), Fraction(0)) + lots
    for (row, side), lots in sums.items():
        yield row, lots, lots_to_flat(portfolio, table.instruments[row], row, side)


def _held_lots(portfolio: Portfolio, instrument: Instrument, row: int) -> Fraction:
    """Signed lots of an instrument; of spot the cash in its coin."""
    if instrument.kind is InstrumentKind.SPOT:
        cash = portfolio.cash.get(instrument.underlying, 0)
        return Fraction(cash, spot_coins(instrument, 1))
    position = portfolio.positions.get(row)
    return Fraction(position.lots if position is not None else 0)


def lots_to_flat(portfolio: Portfolio, instrument: Instrument, row: int, side: Side) -> Fraction:
    """Lots of a side that make flat what its open orders leave held; < 0 where none do."""
    held = _held_lots(portfolio, instrument, row)
    return -int(side) * held - portfolio.open_lots(row, side)


def _positions_get_safer(account: AccountRisk, legs: tuple[OpenLeg, ...]) -> bool:
    """Filled in full at mark, initial margin falls and maintenance does not rise. [DEC-02 a]

    Equity does not move when a fill is at mark, so requirements alone are compared; but where
    options count nothing in equity their premium moves it, and what is sold may bring cash instead;
    so do coins that come to lie beyond their cap, and the haircut of mere collateral.
    """
    touched: dict[int, GroupTotals] = {}
    equity_change = 0
    for leg in legs:
        number = account.arrays.group_i[leg.row]
        if number not in touched:
            touched[number] = account.peek(number).positions_copy()
        equity_change += _premium_at_mark(account.arrays, touched[number], leg)
        fill_at_mark(account.arrays, touched[number], leg)
    equity_change += sum(
        equity_change_at_mark(account.peek(number), each) for number, each in touched.items()
    )
    # Coins at the mark may be far more than those at the limit, which the order's range was about.
    if any(each.coin_gross >= GROSS_MAX for each in touched.values()):
        return False
    before, after = account.positions_requirements(), account.positions_requirements(touched)
    initial_change = sum(each.total for each in after) - sum(each.total for each in before)
    maintenance_change = account.positions_maintenance(touched) - account.risk.maintenance
    if max(initial_change, maintenance_change) > min(0, equity_change):
        return False
    return initial_change < 0 or equity_change > 0


def _premium_at_mark(arrays: RiskArrays, totals: GroupTotals, leg: OpenLeg) -> int:
    """What the premium of a leg at its mark adds to equity where options count nothing there."""
    instrument = arrays.table.instruments[leg.row]
    has_value = arrays.model.equity_basis is EquityBasis.WITH_OPTION_VALUE
    if has_value or instrument.kind is not InstrumentKind.OPTION:
        return 0
    flow = leg.lots * fill_flow(instrument, int(leg.side), mark_price_nano(arrays, leg.row))
    if instrument.settlement_asset != instrument.underlying:
        return flow
    group, coins = totals.group, totals.coin_pico
    return group.coin_value(coins + flow) - group.coin_value(coins)


def fill_at_mark(arrays: RiskArrays, totals: GroupTotals, leg: OpenLeg) -> None:
    """Put a leg, filled in full at its mark, into the positions of its group."""
    instrument = arrays.table.instruments[leg.row]
    side = int(leg.side)
    if instrument.kind is InstrumentKind.SPOT:
        totals.move_coin(leg.lots * spot_coins(instrument, side))
        return
    totals.move_position(leg.row, side * leg.lots)
    is_coin_paid = instrument.settlement_asset == instrument.underlying
    if instrument.kind is InstrumentKind.OPTION and is_coin_paid:
        totals.move_coin(leg.lots * fill_flow(instrument, side, mark_price_nano(arrays, leg.row)))
