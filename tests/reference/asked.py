"""An order, or a change of one, put to an account, and how much of it there is room for."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from tests.reference.account import Account
from tests.reference.contracts import Instrument
from tests.reference.fills import delivered_coins
from tests.reference.orders import OpenOrder, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of an account. changes: the open order that it would change. [DEC-09]"""

    account: Account
    order: Order
    instruments: Mapping[str, Instrument]
    changes: OpenOrder | None = None

    @property
    def rest(self) -> Account:
        """The account without the order that would be changed."""
        if self.changes is None:
            return self.account
        others = dict(self.account.orders)
        del others[self.changes.order_id]
        return replace(self.account, orders=others)

    @property
    def lots(self) -> list[Fraction]:
        """Lots of each leg without what is filled; off lot they are fractions."""
        filled = self.changes.filled if self.changes else [0] * len(self.order.legs)
        return [
            max(leg.quantity / self.instruments[leg.symbol].lot - done, Fraction(0))
            for leg, done in zip(self.order.legs, filled, strict=True)
        ]

    @property
    def sums(self) -> dict[tuple[str, int], Fraction]:
        """Lots of each instrument and side."""
        sums: defaultdict[tuple[str, int], Fraction] = defaultdict(Fraction)
        for leg, lots in zip(self.order.legs, self.lots, strict=True):
            sums[leg.symbol, leg.side] += lots
        return sums

    @property
    def cut_lots(self) -> list[int]:
        """Whole lots of each leg that the venue leaves. [DEC-10]"""
        if not self.order.reduce_only:
            return [int(lots) for lots in self.lots]
        left: dict[tuple[str, int], Fraction] = {}
        cut = []
        for leg, lots in zip(self.order.legs, self.lots, strict=True):
            key = (leg.symbol, leg.side)
            room = left.setdefault(key, self.to_flat(*key))
            cut.append(int(max(min(lots, room), Fraction(0))))
            left[key] = room - cut[-1]
        return cut

    def held(self, symbol: str) -> Fraction:
        """Lots held; of spot the cash in its coin."""
        instrument = self.instruments[symbol]
        if not instrument.is_spot:
            return Fraction(self.account.lots(symbol))
        cash = self.account.cash.get(instrument.underlying, 0)
        return Fraction(cash, delivered_coins(instrument, 1))

    def to_flat(self, symbol: str, side: int) -> Fraction:
        """Lots of a side that close what its open orders leave to close; < 0 where none do."""
        return -side * self.held(symbol) - self.working(symbol, side)

    def working(self, symbol: str, side: int) -> int:
        """Lots of a side that other open orders may still fill."""
        return sum(order.open_lots(symbol, side) for order in self.rest.orders.values())

    def only_closes(self) -> bool:
        """With the open orders of its side filled, no leg goes beyond zero. [DEC-08]"""
        return all(lots <= self.to_flat(*key) for key, lots in self.sums.items())

    def asks_for_more(self) -> bool:
        """False for a change that leaves no leg with more lots than are open of it. [DEC-09]"""
        if self.changes is None:
            return True
        legs = zip(self.lots, self.changes.legs, strict=True)
        return any(lots > leg.lots for lots, leg in legs)

    def finds_no_room(self) -> bool:
        """True when a leg may close nothing, or one of a combo not all of it. [DEC-10]"""
        if not self.order.reduce_only:
            return False
        cuts = zip(self.lots, self.cut_lots, strict=True)
        return any(lots and (not cut or (self.order.combo and cut < lots)) for lots, cut in cuts)

    def grows(self) -> bool:
        """DEC-02 (c): a position with the open orders of one side could become larger."""
        sums: defaultdict[tuple[str, int], int] = defaultdict(int)
        for leg, lots in zip(self.order.legs, self.cut_lots, strict=True):
            sums[leg.symbol, leg.side] += lots
        for (symbol, side), added in sums.items():
            exposed = self.held(symbol) + side * self.working(symbol, side)
            if abs(exposed + side * added) > abs(exposed):
                return True
        return False
