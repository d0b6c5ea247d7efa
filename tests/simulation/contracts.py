"""The contracts of the simulated venue in the reference's words, and what they settle to."""

from fractions import Fraction

from margingate_engine.core.amounts import NANO
from margingate_engine.core.instruments import Instrument, InstrumentKind, OptionRight, Settlement
from tests.reference import contracts
from tests.reference.account import Position
from tests.reference.fills import flow, unit
from tests.reference.rounding import down
from tests.simulation.instruments import BY_NAME


def _contract(each: Instrument) -> contracts.Instrument:
    return contracts.Instrument(
        symbol=each.name,
        kind=contracts.Kind(each.kind.value),
        underlying=each.underlying,
        inverse=each.settlement is Settlement.INVERSE,
        lot=Fraction(each.lot_nano, NANO),
        size=Fraction(each.lot_nano, NANO) * Fraction(each.contract_nano, NANO),
        tick=Fraction(each.tick_nano, NANO),
        tick_steps=tuple(
            (Fraction(step.above_nano, NANO), Fraction(step.tick_nano, NANO))
            for step in each.tick_steps
        ),
        expiry_ns=each.expiry_ns,
        strike=Fraction(each.strike_nano or 0, NANO),
        call=each.right is OptionRight.CALL,
        halted=each.is_halted,
    )


CONTRACTS = {name: _contract(each) for name, each in BY_NAME.items()}
SPOTS = {name for name, each in BY_NAME.items() if each.kind is InstrumentKind.SPOT}


def settled_units(name: str, position: Position, price: Fraction) -> int:
    """Cash that a position becomes when the underlying settles at a price in USD. [SPAN-18]"""
    contract = CONTRACTS[name]
    if not contract.is_option:
        return position.entry + flow(contract, -position.lots, price)
    gain = price - contract.strike if contract.call else contract.strike - price
    worth = max(gain, Fraction(0)) * position.lots * contract.size
    return down(unit(contract.settlement) * (worth / price if contract.inverse else worth))
