"""Between the oracle's fractions and integers and the wire's decimal text."""

from decimal import Decimal
from fractions import Fraction

from google.protobuf.timestamp_pb2 import Timestamp

from margingate.v1 import types_pb2 as types
from tests.reference.contracts import Instrument, Kind
from tests.reference.margin import Risk
from tests.reference.orders import Order
from tests.reference.rounding import MICRO

DIGITS = 18
KINDS = {
    types.INSTRUMENT_KIND_SPOT: Kind.SPOT,
    types.INSTRUMENT_KIND_FUTURE: Kind.FUTURE,
    types.INSTRUMENT_KIND_PERPETUAL: Kind.PERPETUAL,
    types.INSTRUMENT_KIND_OPTION: Kind.OPTION,
}


def text(value: Fraction | int) -> str:
    """Decimal text of a number with up to 18 decimals."""
    scaled = Fraction(value) * 10**DIGITS
    assert scaled.denominator == 1, f"{value} has more than {DIGITS} decimals"
    return f"{Decimal(int(scaled)).scaleb(-DIGITS).normalize():f}"


def units(amount: str, scale: int) -> int:
    """Whole units of an amount in decimal text; fails on a part of a unit."""
    value = Fraction(amount) * scale
    assert value.denominator == 1, f"{amount} is finer than 1/{scale}"
    return int(value)


def time_ns(timestamp: Timestamp) -> int:
    """Nanoseconds since 1970."""
    return int(timestamp.seconds) * 10**9 + timestamp.nanos


def read_instrument(wire: types.Instrument) -> Instrument:
    """The oracle's instrument."""
    lot = Fraction(wire.lot_size)
    return Instrument(
        symbol=wire.instrument,
        kind=KINDS[wire.kind],
        underlying=wire.underlying,
        inverse=wire.settlement == types.SETTLEMENT_INVERSE,
        lot=lot,
        size=lot * Fraction(wire.contract_size),
        tick=Fraction(wire.tick_size),
        tick_steps=tuple((Fraction(s.above_price), Fraction(s.tick_size)) for s in wire.tick_steps),
        expiry_ns=time_ns(wire.expiry_time) if wire.HasField("expiry_time") else None,
        strike=Fraction(wire.strike or 0),
        call=wire.right == types.OPTION_RIGHT_CALL,
        halted=wire.halted,
    )


def write_order(order: Order) -> types.Order:
    """The order as a router sends it."""
    execution = types.EXECUTION_UNSPECIFIED
    if order.combo:
        execution = types.EXECUTION_ATOMIC_COMBO
    elif len(order.legs) > 1:
        execution = types.EXECUTION_INDEPENDENT_LEGS
    legs = [
        types.OrderLeg(
            instrument=leg.symbol,
            side=types.SIDE_BUY if leg.side > 0 else types.SIDE_SELL,
            quantity=text(leg.quantity),
            limit_price="" if leg.price is None else text(leg.price),
        )
        for leg in order.legs
    ]
    return types.Order(order_id=order.order_id, legs=legs, execution=execution)


def read_risk(wire: types.Risk) -> Risk:
    """The oracle's risk; fails where headroom is not equity less initial margin."""
    risk = Risk(
        equity=units(wire.equity, MICRO),
        initial=units(wire.initial_margin, MICRO),
        maintenance=units(wire.maintenance_margin, MICRO),
    )
    assert units(wire.headroom, MICRO) == risk.headroom
    return risk
