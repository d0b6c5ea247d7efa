"""Open orders of the second set of books: as they are, and as a pending change would have them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from tests.reference.rounding import NANO


@dataclass(slots=True, kw_only=True)
class Leg:
    """A leg with a price and whole lots, of which `lots` are open."""

    symbol: str
    side: int
    lots: int
    price: Fraction


@dataclass(slots=True, kw_only=True)
class Order:
    """An accepted order. amended: its legs if the venue takes a change; None when none is pending.

    total: lots of each leg, fills included. hold_ns: after which it may expire, 0 for never.
    """

    order_id: str
    legs: list[Leg]
    totals: list[int]
    execution: str
    is_reduce_only: bool
    hold_ns: int
    accepted_ns: int
    amended: list[Leg] | None = None
    amended_totals: list[int] | None = None

    @classmethod
    def of(cls, numbers: dict[str, Any], accepted_ns: int) -> "Order":
        """An order as an event states it."""
        legs = legs_of(numbers)
        return cls(
            order_id=numbers["order_id"],
            legs=legs,
            totals=[leg.lots for leg in legs],
            execution=numbers["execution"],
            is_reduce_only=numbers["is_reduce_only"],
            hold_ns=numbers["hold_ns"],
            accepted_ns=accepted_ns,
        )

    @property
    def is_open(self) -> bool:
        """True while a lot of it can still fill, as it is or as it may have become."""
        return any(leg.lots for shape in self.shapes() for leg in shape)

    def shapes(self) -> list[list[Leg]]:
        """Its legs as they are, and as they may have become."""
        return [self.legs] if self.amended is None else [self.legs, self.amended]

    def open_lots(self, symbol: str, side: int) -> int:
        """How much of an instrument and side may still fill."""
        return max(
            sum(leg.lots for leg in shape if (leg.symbol, leg.side) == (symbol, side))
            for shape in self.shapes()
        )

    def filled_lots(self) -> list[int]:
        """How much of each leg was filled."""
        return [total - leg.lots for total, leg in zip(self.totals, self.legs, strict=True)]

    def amend(self, numbers: dict[str, Any], totals: list[int]) -> None:
        """A change is pending from here on."""
        self.amended, self.amended_totals = legs_of(numbers), list(totals)

    def confirm(self) -> None:
        """The order is what it was to become."""
        assert self.amended is not None
        assert self.amended_totals is not None
        self.legs, self.totals = self.amended, self.amended_totals
        self.amended = self.amended_totals = None

    def withdraw(self) -> None:
        """The order stays what it was."""
        self.amended = self.amended_totals = None

    def fill(self, symbol: str, side: int, lots: int, price: Fraction) -> None:
        """Less is open, of both shapes."""
        for shape in self.shapes():
            _shrink(shape, symbol, side, lots, price)

    def end(self, symbols: Iterable[str]) -> None:
        """Nothing of these instruments is open any more."""
        gone = set(symbols)
        for shape in self.shapes():
            for leg in shape:
                leg.lots = 0 if leg.symbol in gone else leg.lots


def legs_of(numbers: dict[str, Any]) -> list[Leg]:
    """The legs of an order in an event, also those of no lots."""
    return [
        Leg(symbol=name, side=side, lots=lots, price=Fraction(price_nano, NANO))
        for name, side, lots, price_nano, *_ in numbers["legs"]
    ]


def open_part(legs: Iterable[Leg]) -> list[Leg]:
    """Copies of the legs that have something open."""
    return [replace(leg) for leg in legs if leg.lots]


def _shrink(legs: list[Leg], symbol: str, side: int, lots: int, price: Fraction) -> None:
    """Take a fill off: first off legs whose limit allows it, the smaller hold first."""
    matching = [leg for leg in legs if (leg.symbol, leg.side) == (symbol, side)]

    def rank(leg: Leg) -> tuple[bool, Fraction]:
        return side * leg.price < side * price, side * leg.price

    for leg in sorted(matching, key=rank):
        taken = min(leg.lots, lots)
        leg.lots -= taken
        lots -= taken
