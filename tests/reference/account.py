"""An account as a ledger of integers: cash, positions with entries, open orders. [SPAN-06]"""

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

from tests.reference.contracts import Instrument
from tests.reference.fills import delivered_coins, flow
from tests.reference.orders import OpenOrder
from tests.reference.rounding import down


@dataclass(slots=True)
class Position:
    """Signed lots, and for futures the entry in units of the settlement asset."""

    lots: int = 0
    entry: int = 0


@dataclass(slots=True)
class Account:
    """State of one account; coins in 1e-12, USD in 1e-6."""

    cash: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    positions: dict[str, Position] = field(default_factory=dict)
    orders: dict[str, OpenOrder] = field(default_factory=dict)
    known_order_ids: set[str] = field(default_factory=set)

    def lots(self, symbol: str) -> int:
        """Signed lots held of an instrument."""
        position = self.positions.get(symbol)
        return position.lots if position else 0

    def state(self, instrument: Instrument, lots: int, price: Fraction) -> None:
        """Replaces one position by a statement's, entered at `price`."""
        entry = flow(instrument, lots, price) if instrument.is_future else 0
        self._keep(instrument.symbol, Position(lots, entry))

    def book(self, instrument: Instrument, lots: int, price: Fraction, fee: int) -> None:
        """Moves position and cash by a fill of `lots` (signed)."""
        self.cash[instrument.settlement] -= fee
        credit = flow(instrument, lots, price)
        if instrument.is_future:
            self._book_future(instrument, lots, credit)
            return
        self.cash[instrument.settlement] += credit
        if instrument.is_spot:
            self.cash[instrument.underlying] += delivered_coins(instrument, lots)
        else:
            held = self.lots(instrument.symbol)
            self._keep(instrument.symbol, Position(held + lots))

    def _book_future(self, instrument: Instrument, lots: int, credit: int) -> None:
        before = self.positions.get(instrument.symbol, Position())
        after = before.lots + lots
        cash = instrument.settlement
        if before.lots * lots >= 0:
            entry = before.entry + credit
        elif before.lots * after >= 0:
            realised = down(Fraction(before.entry * abs(lots), abs(before.lots)))
            self.cash[cash] += realised + credit
            entry = before.entry - realised
        else:
            closing = down(Fraction(credit * abs(before.lots), abs(lots)))
            self.cash[cash] += before.entry + closing
            entry = credit - closing
        self._keep(instrument.symbol, Position(after, entry))

    def _keep(self, symbol: str, position: Position) -> None:
        if position.lots:
            self.positions[symbol] = position
        else:
            self.positions.pop(symbol, None)
