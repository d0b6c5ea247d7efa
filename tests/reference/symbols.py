"""Deribit's symbols, printed: what parsing them must find."""

from datetime import UTC, datetime
from decimal import Decimal

from margingate_engine.core.instruments import Instrument, InstrumentKind, OptionRight, Settlement

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]


def print_symbol(instrument: Instrument) -> str:
    """The venue's symbol of an instrument's terms (linear ones as `_USDC`)."""
    if instrument.kind is InstrumentKind.SPOT:
        return instrument.underlying
    base = instrument.underlying
    if instrument.settlement is Settlement.LINEAR:
        base += "_USDC"
    if instrument.kind is InstrumentKind.PERPETUAL:
        return f"{base}-PERPETUAL"
    assert instrument.expiry_ns is not None
    moment = datetime.fromtimestamp(instrument.expiry_ns // 10**9, UTC)
    dated = f"{base}-{moment.day}{MONTHS[moment.month - 1]}{moment.year % 100:02d}"
    if instrument.kind is InstrumentKind.FUTURE:
        return dated
    assert instrument.strike_nano is not None
    strike = format(Decimal(instrument.strike_nano).scaleb(-9).normalize(), "f").replace(".", "d")
    return f"{dated}-{strike}-{'C' if instrument.right is OptionRight.CALL else 'P'}"
