"""The rule that lets an under-margined account act: it may become less risky. [DEC-02]"""

from fractions import Fraction

from margingate_engine.check.question import Policy, Question
from margingate_engine.check.sizing import mark_price_nano
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.orders import Side
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.flows import fill_flow, spot_coins
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from margingate_engine.scenarios.risk_arrays import PPM, RiskArrays


def grows_a_position(question: Question) -> bool:
    """True when a leg makes |position and open orders of its side| larger. [DEC-02 c]

    Quantities may be off lot here, so they are compared as fractions of a lot.
    """
    asked: dict[tuple[int, Side], Fraction] = {}
    for leg in question.order.legs:
        lot_nano = question.table.instruments[leg.row].lot_nano
        key = (leg.row, leg.side)
        asked[key] = asked.get(key, Fraction(0)) + Fraction(leg.quantity) * 10**9 / lot_nano
    return any(_grows(question.portfolio, row, side, lots) for (row, side), lots in asked.items())


def is_risk_reducing(
    account: AccountRisk,
    portfolio: Portfolio,
    legs: tuple[OpenLeg, ...],
    headroom_after: int,
    policy: Policy,
) -> bool:
    """True when positions get safer, the worst fills no worse, and no position grows. [DEC-02]

    headroom_after: worst-fill headroom with the order, 1e-6 USD.
    """
    arrays = account.arrays
    notional = sum(leg.lots * arrays.notional_i[leg.row] for leg in legs)
    allowance = policy.allowance_ppm * notional // PPM
    if headroom_after < account.risk.headroom - allowance:
        return False
    if not policy.may_hedges_grow and _any_grows(portfolio, legs):
        return False
    return _positions_get_safer(account, legs)


def _any_grows(portfolio: Portfolio, legs: tuple[OpenLeg, ...]) -> bool:
    asked: dict[tuple[int, Side], Fraction] = {}
    for leg in legs:
        key = (leg.row, leg.side)
        asked[key] = asked.get(key, Fraction(0)) + leg.lots
    return any(_grows(portfolio, row, side, lots) for (row, side), lots in asked.items())


def _grows(portfolio: Portfolio, row: int, side: Side, lots: Fraction) -> bool:
    position = portfolio.positions.get(row)
    same_side = sum(
        leg.lots
        for legs in portfolio.legs.values()
        for leg in legs
        if leg.row == row and leg.side is side
    )
    before = (position.lots if position else 0) + int(side) * same_side
    return abs(before + int(side) * lots) > abs(before)


def _positions_get_safer(account: AccountRisk, legs: tuple[OpenLeg, ...]) -> bool:
    """Filled in full at mark, initial margin falls and maintenance does not rise. [DEC-02 a]

    Equity does not move when a fill is at mark, so requirements alone are compared.
    """
    touched: dict[int, GroupTotals] = {}
    for leg in legs:
        number = account.arrays.group_i[leg.row]
        if number not in touched:
            touched[number] = account.peek(number).positions_copy()
        fill_at_mark(account.arrays, touched[number], leg)
    initial_change = maintenance_change = 0
    for number, after in touched.items():
        before = account.peek(number)
        initial_change += after.positions_requirement().total - before.positions_requirement().total
        maintenance_change += after.maintenance() - before.maintenance()
    return initial_change < 0 and maintenance_change <= 0


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
